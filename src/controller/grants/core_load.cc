// Start, ledger time, durability and the passing of time.
#include <algorithm>
#include <utility>

#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "spdlog/spdlog.h"

namespace sluice {
namespace {

// The ledger's time is stored at least so often; a crash of the machine sets it
// back by at most this, which only makes windows and deadlines longer.
constexpr absl::Duration kStoreTimeBusy = absl::Seconds(1);
constexpr absl::Duration kStoreTimeIdle = absl::Seconds(10);
constexpr absl::Duration kFlushEvery = absl::Seconds(1);
constexpr absl::Duration kShareEvery = absl::Milliseconds(100);
constexpr absl::Duration kTendEvery = absl::Seconds(1);
// Ticks that are so far apart mean that this process stood still.
constexpr absl::Duration kStall = absl::Milliseconds(500);
// A shorter one matters to the few heartbeats after which a node is dark: what the nodes
// said meanwhile may wait in queues.
constexpr absl::Duration kLateTick = absl::Milliseconds(250);
// In which nodes find a controller that has just started.
constexpr absl::Duration kTimeToConnect = absl::Seconds(15);
// Generations that a crash may have kept from the store are skipped.
constexpr uint64_t kGenerationGap = 1'000;
constexpr uint64_t kEventGap = 1'000;

}  // namespace

absl::StatusOr<std::unique_ptr<ControllerCore>> ControllerCore::Create(CoreConfig config,
                                                                       Store& store,
                                                                       const Clock& clock) {
  auto core = std::make_unique<CoreImpl>(std::move(config), store, clock);
  SLUICE_RETURN_IF_ERROR(core->Start());
  return core;
}

CoreImpl::CoreImpl(CoreConfig config, Store& store, const Clock& clock)
    : config_(std::move(config)),
      signer_(config_.signing_seed),
      lease_key_(signer_.public_key()),
      store_(store),
      clock_(clock) {}

absl::Status CoreImpl::Start() {
  SLUICE_ASSIGN_OR_RETURN(StoredState state, store_.Load());
  SLUICE_RETURN_IF_ERROR(TakeFleet(state.fleet));
  std::vector<PlanRecord> plans = std::move(state.plans);
  const std::vector<WiringPolicyRecord> policies = std::move(state.policies);
  TakeRecords(std::move(state));
  SLUICE_RETURN_IF_ERROR(TakePlans(std::move(plans), policies));
  Batch batch;
  batch.fleet = FleetNow();
  batch.events = {
      Event("controller_started", Severity::kInfo, Scope::Fleet(), "the controller started")};
  return Commit(std::move(batch));
}

absl::Status CoreImpl::TakeFleet(const FleetRecord& stored) {
  fleet_ = stored;
  clock_base_ = clock_.Now();
  ticked_at_ = clock_base_;
  flushed_at_ = clock_base_;
  if (stored.fleet.empty()) {
    fleet_.fleet = config_.fleet;
    fleet_.lease_key = lease_key_;
    ledger_base_ = LedgerTime{};
    return absl::OkStatus();
  }
  if (stored.fleet != config_.fleet)
    return absl::FailedPreconditionError(
        StrCat("the ledger is that of fleet ", ForMessage(stored.fleet), ", not of ",
               ForMessage(config_.fleet), "; use its name or another --state-dir"));
  if (stored.lease_key != lease_key_)
    return absl::FailedPreconditionError(
        "the signing key is not the one that this ledger was made with; restore both from the "
        "same backup");
  ledger_base_ = stored.ledger_time;
  const bool same_boot = !config_.machine_boot.empty() &&
                         stored.machine_boot == config_.machine_boot &&
                         clock_base_ >= stored.boot_time;
  if (same_boot) ledger_base_ = stored.ledger_time + (clock_base_ - stored.boot_time);
  return absl::OkStatus();
}

void CoreImpl::TakeRecords(StoredState state) {
  for (NodeRecord& record : state.nodes) {
    Node& node = nodes_[record.name];
    node.record = std::move(record);
    node.record.config_generation += kGenerationGap;
    node.dirty = true;
    node.spoke = clock_base_ + kTimeToConnect;
  }
  for (TokenRecord& token : state.tokens) tokens_[token.index] = std::move(token);
  for (LinkRecord& record : state.links) links_[record.link].record = std::move(record);
  for (const auto& [name, link] : links_) IndexLink(name);
  for (ScopeRecord& record : state.scopes) {
    Budget& budget = budgets_[record.quota.scope];
    budget.record = std::move(record);
  }
  for (StopRecord& stop : state.stops) stops_[stop.scope] = std::move(stop);
  for (FleetEvent& event : state.events) {
    // What was shown and not stored before a crash had ids too.
    next_event_ = std::max(next_event_, event.id + 1 + kEventGap);
    TakeEvent(std::move(event));
  }
  for (auto& [name, link] : links_) Rescope(link);
  for (auto& [name, node] : nodes_) {
    node.config = BuildConfig(node);
    node.config.set_generation(node.record.config_generation);
  }
}

LedgerTime CoreImpl::Now() const { return ledger_base_ + (clock_.Now() - clock_base_); }

FleetRecord CoreImpl::FleetNow() const {
  FleetRecord fleet = fleet_;
  fleet.ledger_time = Now();
  fleet.boot_time = clock_.Now();
  fleet.machine_boot = config_.machine_boot;
  return fleet;
}

absl::Status CoreImpl::Commit(Batch batch) {
  if (!batch.fleet && clock_.Now() - time_stored_at_ >= kStoreTimeBusy) batch.fleet = FleetNow();
  AddDueScopes(batch);
  AddRefusedNodes(batch);
  AddLinks(batch);
  AddEvents(batch);
  const absl::Status status = store_.Commit(batch);
  if (!status.ok() && store_status_.ok()) {
    spdlog::error("the ledger cannot be written: {}", std::string(status.message()));
    Note("store_failed", Severity::kCritical, Scope::Fleet(),
         StrCat("the ledger cannot be written: ", ToStd(status.message())));
  }
  if (status.ok() && !store_status_.ok()) {
    spdlog::info("the ledger can be written again");
    Note("store_ok", Severity::kInfo, Scope::Fleet(), "the ledger can be written again");
  }
  store_status_ = status;
  NoteScopes(batch, status.ok());
  KeepEvents(batch, status.ok());
  if (!status.ok()) {
    for (const NodeRecord& record : batch.nodes) refused_nodes_.insert(record.name);
    refused_nodes_.insert(batch.deleted_nodes.begin(), batch.deleted_nodes.end());
    for (const LinkRecord& record : batch.links) refused_links_.insert(record.link);
    return status;
  }
  refused_nodes_.clear();
  refused_links_.clear();
  for (const LinkRecord& record : batch.links) {
    Link* link = FindLink(record.link);
    if (link != nullptr && link->record == record) link->dirty = false;
  }
  if (!batch.fleet) return status;
  time_stored_at_ = batch.fleet->boot_time;
  fleet_ = *batch.fleet;
  return status;
}

// A link's record speaks of reports that count in the window that began: were it there
// without that, a crash would make them part of the window before. And a change that the
// store refused may be there all the same: it must not outlive the next grant.
void CoreImpl::AddDueScopes(Batch& batch) const {
  const auto named = [&](const Scope& scope) {
    const auto same = [&](const ScopeRecord& record) { return record.quota.scope == scope; };
    return std::ranges::any_of(batch.scopes, same) ||
           std::ranges::count(batch.deleted_scopes, scope) > 0;
  };
  for (const auto& [scope, budget] : budgets_) {
    if (budget.dirty && !named(scope)) batch.scopes.push_back(budget.record);
  }
  for (const Scope& scope : refused_scopes_) {
    if (!named(scope)) batch.deleted_scopes.push_back(scope);
  }
}

// Scopes contain links by where their nodes are, so a node's change must not outlive the
// next grant either.
void CoreImpl::AddRefusedNodes(Batch& batch) const {
  for (const std::string& name : refused_nodes_) {
    const auto same = [&](const NodeRecord& record) { return record.name == name; };
    if (std::ranges::any_of(batch.nodes, same) || std::ranges::count(batch.deleted_nodes, name) > 0)
      continue;
    const Node* node = FindNode(name);
    if (node != nullptr) batch.nodes.push_back(node->record);
    if (node == nullptr) batch.deleted_nodes.push_back(name);
  }
}

void CoreImpl::NoteScopes(const Batch& batch, bool stored) {
  if (stored) refused_scopes_.clear();
  for (const ScopeRecord& record : batch.scopes) {
    const auto it = budgets_.find(record.quota.scope);
    if (it != budgets_.end()) {
      it->second.dirty = !stored || !(it->second.record == record);
    } else if (!stored) {
      refused_scopes_.insert(record.quota.scope);
    }
  }
  for (const Scope& scope : batch.deleted_scopes) {
    const auto it = budgets_.find(scope);
    if (!stored && it != budgets_.end()) it->second.dirty = true;
  }
}

// A scope's base is a sum over its links. Were it there without the reports that it was
// made of, a crash could forget some for good, and the scope would have more to give. And
// a grant that the store refused must not come to light beside what was granted since.
void CoreImpl::AddLinks(Batch& batch) const {
  std::set<LinkName> wanted = refused_links_;
  if (!batch.scopes.empty()) {
    for (const auto& [name, link] : links_) {
      if (link.dirty) wanted.insert(name);
    }
  }
  for (const LinkRecord& record : batch.links) wanted.erase(record.link);
  for (const LinkName& name : wanted) {
    const auto it = links_.find(name);
    if (it != links_.end()) batch.links.push_back(it->second.record);
  }
}

void CoreImpl::Tick(Effects& effects) {
  Flush(effects);
  ForgiveStall();
  LookForDark(effects);
  EndSilentSessions(effects);
  ForgetOldTokens(effects);
  NoteExpired();
  const BootTime now = clock_.Now();
  MuteSilent();
  topology_.Tick(now);
  FollowTopology(effects);
  NoteFindings();
  const auto gone = std::remove_if(leaving_.begin(), leaving_.end(),
                                   [&](const Leaving& l) { return now >= l.until; });
  if (gone != leaving_.end()) effects.control_peers_changed = true;
  leaving_.erase(gone, leaving_.end());
  if (now - shared_at_ >= kShareEvery) SetShares();
  if (now - tended_at_ >= kTendEvery) {
    TendKeys(effects);
    NoteExhausted();
  }
  if (std::exchange(marks_due_, false) || now - flushed_at_ >= kFlushEvery) FlushDirty();
}

void CoreImpl::FlushDirty() {
  flushed_at_ = clock_.Now();
  Batch batch;
  for (const auto& [name, node] : nodes_) {
    if (node.dirty) batch.nodes.push_back(node.record);
  }
  for (const auto& [name, link] : links_) {
    if (link.dirty) batch.links.push_back(link.record);
  }
  if (clock_.Now() - time_stored_at_ >= kStoreTimeIdle) batch.fleet = FleetNow();
  if ((batch.empty() && unstored_events_.empty()) || !Commit(std::move(batch)).ok()) return;
  for (auto& [name, node] : nodes_) node.dirty = false;
}

void CoreImpl::ForgetOldTokens(Effects& effects) {
  Batch batch;
  for (const auto& [index, token] : tokens_) {
    if (Now() >= token.forget_at) batch.deleted_tokens.push_back(index);
  }
  if (batch.deleted_tokens.empty() || !Commit(batch).ok()) return;
  for (uint32_t index : batch.deleted_tokens) tokens_.erase(index);
  effects.control_peers_changed = true;
}

void CoreImpl::ForgiveStall() {
  const absl::Duration gap = clock_.Now() - std::exchange(ticked_at_, clock_.Now());
  if (gap <= kLateTick) return;
  for (auto& [name, node] : nodes_) node.spoke = std::min(node.spoke + gap, clock_.Now());
  if (gap < kStall) return;
  for (auto& [name, node] : nodes_) {
    if (!node.session) continue;
    node.session->heard = node.session->heard + gap;
    node.session->wired = node.session->wired + gap;
  }
}

void CoreImpl::EndSilentSessions(Effects& effects) {
  for (auto& [name, node] : nodes_) {
    if (!node.session || clock_.Now() - node.session->heard < config_.session_timeout) continue;
    Note("node_disconnected", Severity::kWarning, Scope::Node(name),
         StrCat("node ", name, " has not been heard for ", FormatExact(config_.session_timeout)));
    EndSession(node, absl::DeadlineExceededError("no heartbeat arrived"), effects);
  }
}

CoreImpl::Node* CoreImpl::FindNode(const std::string& name) {
  const auto it = nodes_.find(name);
  return it == nodes_.end() ? nullptr : &it->second;
}

const CoreImpl::Node* CoreImpl::FindNode(const std::string& name) const {
  const auto it = nodes_.find(name);
  return it == nodes_.end() ? nullptr : &it->second;
}

CoreImpl::Link* CoreImpl::FindLink(const LinkName& name) {
  const auto it = links_.find(name);
  return it == links_.end() ? nullptr : &it->second;
}

void CoreImpl::IndexLink(const LinkName& name) {
  for (const std::string& end : {name.src, name.dst}) {
    if (Node* node = FindNode(end)) node->links.insert(name);
  }
}

bool CoreImpl::Online(const std::string& name) const {
  const Node* node = FindNode(name);
  return node != nullptr && node->session.has_value();
}

}  // namespace sluice
