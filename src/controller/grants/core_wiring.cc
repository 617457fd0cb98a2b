// The plan, what the nodes prove of it, and what that does to leases.
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "model/plan_parser.h"
#include "spdlog/spdlog.h"
#include "wire/plan_signature.h"
#include "wire/wiring_codec.h"

namespace sluice {
namespace {

constexpr size_t kMostPlanText = 64 << 20;  // of all versions together
constexpr absl::Duration kFindingsEvery = absl::Milliseconds(100);
constexpr BitRate kUndeclaredSpeed{10'000'000'000};
constexpr absl::Duration kSilent = absl::Seconds(1);
// Of its wires a node tells every five seconds, if nothing changes (agent/probe/prober.cc).
constexpr absl::Duration kWiringOld = absl::Seconds(12);
// More new ones at once are told as a number: a switch that dies tells of all its cables.
constexpr size_t kMostFindingsTold = 20;

absl::StatusOr<Plan> ReadPlan(const std::string& text) {
  ParsedPlan parsed = ParsePlan(text);
  if (!parsed.errors.empty())
    return absl::InvalidArgumentError(FormatPlanErrors("plan", parsed.errors));
  return std::move(parsed.plan);
}

std::string KeyOf(const Finding& finding) {
  std::string key = finding.verdict;
  for (const std::string& cable : finding.cables) key += "|" + cable;
  for (const std::string& port : finding.ports) key += "|" + port;
  return key;
}

// The node that a finding is about, or the fleet. `plan` may be null.
Scope ScopeOf(const Finding& finding, const Plan* plan) {
  for (const std::string& port : finding.ports) {
    const std::string name = port.substr(0, port.find(':'));
    const auto is_it = [&](const PlanNode& node) { return node.name == name && node.has_agent(); };
    const bool agent = finding.verdict == kUnaccounted ||
                       (plan != nullptr && std::ranges::any_of(plan->nodes, is_it));
    if (agent) return Scope::Node(name);
  }
  return Scope::Fleet();
}

}  // namespace

PlanVersion CoreImpl::VersionOf(const PlanRecord& record, const Plan& plan) const {
  return {record.version,    record.at_ms,       false,
          plan.nodes.size(), plan.cables.size(), ToHex(Sha256(record.text))};
}

absl::Status CoreImpl::TakePlans(std::vector<PlanRecord> plans,
                                 const std::vector<WiringPolicyRecord>& policies) {
  for (const auto& [name, node] : nodes_) TellTopology(node);
  for (const WiringPolicyRecord& record : policies) policies_[record.scope] = record.policy;
  for (PlanRecord& record : plans) {
    if (!VerifyPlan(lease_key_, config_.fleet, record.version, record.text, record.signature))
      return absl::DataLossError(StrCat("version ", record.version,
                                        " of the plan is not signed by this controller; somebody "
                                        "changed the ledger: restore it from a backup"));
    const bool last = &record == &plans.back();
    Plan plan;
    if (!record.text.empty()) {
      SLUICE_ASSIGN_OR_RETURN(plan, ReadPlan(record.text));
    }
    KeptPlan kept{{}, VersionOf(record, plan)};
    kept.record = std::move(record);
    if (last && !kept.record.text.empty()) topology_.SetPlan(std::move(plan), clock_.Now());
    const uint64_t version = kept.view.version;
    plans_.emplace(version, std::move(kept));
  }
  topology_.TakeChanged();
  return absl::OkStatus();
}

absl::StatusOr<PlanVersion> CoreImpl::SetPlan(const std::string& text, Effects& effects) {
  Flush(effects);
  std::optional<Plan> plan;
  if (!text.empty()) {
    SLUICE_ASSIGN_OR_RETURN(plan, ReadPlan(text));
  }
  PlanRecord record;
  record.version = plans_.empty() ? 1 : plans_.rbegin()->first + 1;
  record.at_ms = absl::ToUnixMillis(clock_.WallNow());
  record.text = text;
  record.signature = SignPlan(signer_, config_.fleet, record.version, text);
  PlanVersion view = VersionOf(record, plan.value_or(Plan{}));
  Batch batch;
  batch.plans = {record};
  batch.events = {Event(
      "plan_set", Severity::kWarning, Scope::Fleet(),
      plan ? StrCat("version ", record.version, " of the plan: ", view.nodes, " nodes, ",
                    view.cables, " cables")
           : StrCat("version ", record.version, ": the plan was removed, and nothing is checked"))};
  size_t kept = 0;
  size_t bytes = text.size();
  for (auto it = plans_.rbegin(); it != plans_.rend(); ++it) {
    bytes += it->second.record.text.size();
    if (++kept >= kMostPlans || bytes > kMostPlanText) batch.deleted_plans.push_back(it->first);
  }
  SLUICE_RETURN_IF_ERROR(Commit(batch));
  for (const uint64_t old : batch.deleted_plans) plans_.erase(old);
  plans_.emplace(view.version, KeptPlan{std::move(record), view});
  topology_.SetPlan(std::move(plan), clock_.Now());
  paths_.clear();
  FollowTopology(effects);
  view.active = true;
  return view;
}

absl::StatusOr<PlanPreview> CoreImpl::PreviewPlan(const std::string& text) const {
  PlanPreview preview;
  if (text.empty()) return absl::InvalidArgumentError("an empty plan checks nothing");
  SLUICE_ASSIGN_OR_RETURN(Plan plan, ReadPlan(text));
  PlanRecord record;
  record.version = plans_.empty() ? 1 : plans_.rbegin()->first + 1;
  record.text = text;
  preview.plan = VersionOf(record, plan);
  const sluice::Topology trial = topology_.Under(std::move(plan), clock_.Now());
  for (const auto& [name, link] : links_) {
    if (!link.record.quota || PolicyOf(name) != WiringPolicy::kEnforce) continue;
    const PathView path = trial.PathOf(name);
    const bool good = path.state == PathView::State::kGood;
    const bool was = PathOf(name).state == PathView::State::kGood;
    if (!good && was) preview.closes.push_back(StrCat(name.ToString(), ": ", path.why));
    if (good && !was) preview.opens.push_back(name.ToString());
  }
  preview.findings = trial.Findings(clock_.Now());
  return preview;
}

absl::StatusOr<BitRate> CoreImpl::MeasureCapacity(const PortName& port, Effects& effects) {
  const Plan* plan = topology_.plan();
  if (plan == nullptr)
    return absl::FailedPreconditionError(
        "there is no plan, so no cable has a declared speed; set one with `sluicectl plan set`");
  const auto cable = std::ranges::find_if(
      plan->cables, [&](const PlanCable& c) { return c.a == port || c.b == port; });
  if (cable == plan->cables.end())
    return absl::NotFoundError(StrCat("the plan has no cable at ", ForMessage(port.ToString())));
  const Node* node = FindNode(port.node);
  if (node == nullptr || !node->session)
    return absl::FailedPreconditionError(StrCat(
        ForMessage(port.node), " has no agent that is connected; measure from the other end"));
  Effects::Send& send = effects.sends.emplace_back();
  send.node = port.node;
  const BitRate speed = cable->speed.bps > 0 ? cable->speed : kUndeclaredSpeed;
  send.message.mutable_measure_port()->set_port(port.port);
  send.message.mutable_measure_port()->set_speed_bps(speed.bps);
  return speed;
}

absl::Status CoreImpl::SetWiringPolicy(const Scope& scope, std::optional<WiringPolicy> policy,
                                       Effects& effects) {
  Flush(effects);
  // What is set can be removed, whatever has become of its scope.
  if (!policies_.contains(scope)) {
    SLUICE_RETURN_IF_ERROR(scope.is_link() ? CheckLinkExists(scope.link) : CheckScopeExists(scope));
  }
  Batch batch;
  if (policy) batch.policies = {{scope, *policy}};
  if (!policy) batch.deleted_policies = {scope};
  batch.events = {Event("wiring_policy", Severity::kWarning, scope,
                        policy ? StrCat("bad wiring: ", PolicyName(*policy))
                               : "bad wiring: as the scope around it has it")};
  SLUICE_RETURN_IF_ERROR(Commit(batch));
  if (policy) policies_[scope] = *policy;
  if (!policy) policies_.erase(scope);
  for (auto& [name, link] : links_) FollowLink(link, effects);
  return absl::OkStatus();
}

// Those that are about the node alone, or about its links: whoever has its name next is not bound
// to what was meant for it.
std::vector<Scope> CoreImpl::PoliciesOf(const Node& node) const {
  const std::string& enclosure = node.record.enclosure;
  const bool last = std::ranges::count_if(nodes_, [&](const auto& entry) {
                      return entry.second.record.enclosure == enclosure;
                    }) == 1;
  std::vector<Scope> scopes;
  for (const auto& [scope, policy] : policies_) {
    const bool its_link = scope.is_link() && (scope.link.src == node.record.name ||
                                              scope.link.dst == node.record.name);
    if (its_link || scope == Scope::Node(node.record.name) ||
        (last && scope == Scope::Enclosure(enclosure)))
      scopes.push_back(scope);
  }
  return scopes;
}

std::optional<WiringPolicy> CoreImpl::PolicyAmong(const std::vector<Scope>& scopes) const {
  std::optional<WiringPolicy> found;
  for (const Scope& scope : scopes) {
    const auto it = policies_.find(scope);
    if (it == policies_.end()) continue;
    if (!found || it->second == WiringPolicy::kEnforce) found = it->second;
  }
  return found;
}

WiringPolicy CoreImpl::PolicyOf(const LinkName& link) const {
  if (policies_.empty()) return WiringPolicy::kEnforce;
  std::vector<Scope> enclosures;
  for (const std::string& end : {link.src, link.dst}) {
    if (const Node* node = FindNode(end))
      enclosures.push_back(Scope::Enclosure(node->record.enclosure));
  }
  for (const std::vector<Scope>& scopes :
       {std::vector{Scope::Link(link)}, std::vector{Scope::Node(link.src), Scope::Node(link.dst)},
        enclosures, std::vector{Scope::Fleet()}}) {
    if (const auto policy = PolicyAmong(scopes)) return *policy;
  }
  return WiringPolicy::kEnforce;
}

void CoreImpl::TellTopology(const Node& node) {
  topology_.SetNode(node.record.name,
                    {node.record.enclosure, node.record.gateway, node.record.identity_key},
                    clock_.Now());
}

// Its session may take seconds to end; and its prober may be gone while the rest of it lives.
void CoreImpl::MuteSilent() {
  const absl::Duration patience = std::max(kSilent, 5 * config_.heartbeat);
  for (const auto& [name, node] : nodes_) {
    if (!node.session) continue;
    const BootTime now = clock_.Now();
    const bool silent =
        now - node.session->heard > patience || now - node.session->wired > kWiringOld;
    topology_.SetMuted(name, silent, now);
  }
}

absl::Status CoreImpl::OnWiring(Node& node, const agent::v1::Wiring& proto, Effects& effects) {
  SLUICE_ASSIGN_OR_RETURN(NodeWiring wiring, WiringFromProto(proto));
  node.session->wired = clock_.Now();
  topology_.Observe(node.record.name, std::move(wiring), clock_.Now());
  FollowTopology(effects);
  return absl::OkStatus();
}

const PathView& CoreImpl::PathOf(const LinkName& link) const {
  static const PathView kNoPlan;
  if (!topology_.has_plan()) return kNoPlan;
  const auto it = paths_.find(link);
  return it != paths_.end() ? it->second
                            : paths_.emplace(link, topology_.PathOf(link)).first->second;
}

void CoreImpl::FollowTopology(Effects& effects) {
  const std::set<std::string> changed = topology_.TakeChanged();
  if (changed.empty()) return;
  findings_due_ = true;
  std::set<LinkName> links;
  for (const std::string& name : changed) {
    if (const Node* node = FindNode(name)) links.insert(node->links.begin(), node->links.end());
  }
  for (const LinkName& link : links) FollowLink(links_.at(link), effects);
  // Those that have no record yet are looked up anew.
  std::erase_if(paths_, [&](const auto& entry) {
    if (links_.contains(entry.first)) return false;
    return changed.contains(entry.first.src) || changed.contains(entry.first.dst);
  });
}

void CoreImpl::FollowLink(Link& link, Effects& effects) {
  const LinkName& name = link.record.link;
  const auto before = paths_.find(name);
  const bool was_bad = before != paths_.end() && before->second.state == PathView::State::kBad;
  PathView path = topology_.PathOf(name);
  const bool bad = path.state == PathView::State::kBad;
  const std::string why = path.why;
  paths_.insert_or_assign(name, std::move(path));
  if (!bad || !link.record.quota) return;
  if (PolicyOf(name) != WiringPolicy::kEnforce) {
    if (!was_bad)
      Note("miswired", Severity::kError, Scope::Link(name),
           StrCat(why, "; it stays open by its policy"));
    return;
  }
  // What is out goes; what is gone already needs no second word.
  if (was_bad && link.record.recall_upto >= link.record.send.sequence) return;
  Flush(effects);
  if (!was_bad)
    Note("miswired", Severity::kError, Scope::Link(name), StrCat(why, "; it is closed"));
  spdlog::warn("link {} is closed: {}", name.ToString(), why);
  link.record.recall_upto = link.record.send.sequence;
  link.dirty = true;
  Recharge(link);
  SendRevokes(link, StrCat("not wired as planned: ", why), effects);
}

// Those that close something first. What is not told now is told later, if it is still there.
void CoreImpl::TellFindings(std::map<std::string, Finding>& current) {
  size_t told = 0;
  std::vector<std::string> untold;
  for (const bool closes : {true, false}) {
    for (const auto& [key, finding] : current) {
      if (finding.closes != closes || noted_findings_.contains(key)) continue;
      if (++told > kMostFindingsTold) {
        untold.push_back(key);
        continue;
      }
      Note("wiring", closes ? Severity::kError : Severity::kWarning,
           ScopeOf(finding, topology_.plan()), finding.text);
    }
  }
  for (const std::string& key : untold) current.erase(key);
  if (!untold.empty()) findings_due_ = true;
}

// Tells what is new to look into, and what is over.
void CoreImpl::NoteFindings() {
  const BootTime now = clock_.Now();
  if (!findings_due_ || now - findings_noted_at_ < kFindingsEvery) return;
  findings_due_ = false;
  findings_noted_at_ = now;
  ++wiring_changes_;
  std::map<std::string, Finding> current;
  std::vector<Finding> findings = topology_.Findings(now);
  AddFlowFindings(now, findings);
  for (Finding& finding : findings) {
    std::string key = KeyOf(finding);
    current.emplace(std::move(key), std::move(finding));
  }
  TellFindings(current);
  NoteMended(current);
  noted_findings_ = std::move(current);
}

void CoreImpl::NoteMended(const std::map<std::string, Finding>& current) {
  bool flows = false;
  bool wires = false;
  for (const auto& [key, finding] : noted_findings_) {
    if (!current.contains(key)) (finding.verdict == kUnaccounted ? flows : wires) = true;
  }
  if (flows)
    Note("wiring_mended", Severity::kInfo, Scope::Fleet(),
         "what some fabric port carries is accounted for again, or its node is gone");
  if (wires)
    Note("wiring_mended", Severity::kInfo, Scope::Fleet(),
         current.empty() ? "the wiring is as planned again"
                         : StrCat("some of the wiring is as planned again; ", current.size(),
                                  " findings are left"));
}

TopologyView CoreImpl::Topology() const {
  TopologyView view;
  const BootTime now = clock_.Now();
  view.policies.push_back(
      {Scope::Fleet(), PolicyAmong({Scope::Fleet()}).value_or(WiringPolicy::kEnforce)});
  for (const auto& [scope, policy] : policies_) {
    if (scope != Scope::Fleet()) view.policies.push_back({scope, policy});
  }
  view.findings = topology_.Findings(now);
  AddFlowFindings(now, view.findings);
  if (!topology_.has_plan()) return view;
  view.plan_version = plans_.rbegin()->first;
  view.nodes = topology_.plan()->nodes;
  view.wires = topology_.Wires(now);
  return view;
}

std::vector<PlanVersion> CoreImpl::Plans() const {
  std::vector<PlanVersion> views;
  for (auto it = plans_.rbegin(); it != plans_.rend(); ++it) {
    views.push_back(it->second.view);
    views.back().active = it == plans_.rbegin();
  }
  return views;
}

absl::StatusOr<std::string> CoreImpl::PlanText(uint64_t version) const {
  if (version == 0 && plans_.empty()) return absl::NotFoundError("there is no plan");
  const auto it = version == 0 ? std::prev(plans_.end()) : plans_.find(version);
  if (it == plans_.end())
    return absl::NotFoundError(StrCat("there is no version ", version, " of the plan"));
  return it->second.record.text;
}

}  // namespace sluice
