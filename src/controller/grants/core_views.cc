// What operators see.
#include <algorithm>

#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "controller/policy/ledger.h"

namespace sluice {
namespace {

std::string Ago(absl::Duration d) {
  return StrCat(FormatExact(std::max(absl::Floor(d, absl::Seconds(1)), absl::Seconds(1))), " ago");
}

void AddDrops(const std::optional<LinkReport>& report, Drops& drops) {
  if (!report) return;
  for (size_t i = 0; i < drops.size(); ++i) {
    drops[i].packets += report->drops[i].packets;
    drops[i].bytes += report->drops[i].bytes;
  }
}

}  // namespace

ControllerStatus CoreImpl::Status() const {
  ControllerStatus status;
  status.fleet = config_.fleet;
  status.nodes = static_cast<int>(nodes_.size());
  status.online = static_cast<int>(std::count_if(
      nodes_.begin(), nodes_.end(), [](const auto& entry) { return entry.second.session; }));
  status.ledger_time = Now() - LedgerTime{};
  status.store = store_status_;
  status.plan_version = topology_.has_plan() ? plans_.rbegin()->first : 0;
  status.wiring_changes = wiring_changes_;
  status.findings = noted_findings_.size();
  status.wires = topology_.Verdicts();
  return status;
}

std::vector<NodeView> CoreImpl::Nodes() const {
  std::vector<NodeView> views;
  for (const auto& [name, node] : nodes_) views.push_back(ViewOf(node));
  return views;
}

NodeView CoreImpl::ViewOf(const Node& node) const {
  NodeView view;
  const NodeRecord& record = node.record;
  view.name = record.name;
  view.enclosure = record.enclosure;
  view.gateway = record.gateway;
  view.state = record.tamper_id      ? NodeView::State::kTampered
               : node.session        ? NodeView::State::kOnline
               : record.identity_key ? NodeView::State::kOffline
                                     : NodeView::State::kPending;
  view.prefixes = record.prefixes;
  view.fabric_endpoints = record.fabric_endpoints;
  if (node.heard) view.heartbeat_age = clock_.Now() - *node.heard;
  view.dark = node.dark;
  if (record.tamper_id)
    view.tamper = {record.tamper_source, record.tamper_words, record.tampered_at};
  if (record.boot) view.boot_nonce = ToHex(*record.boot);
  view.version = node.version;
  view.capabilities = node.capabilities;
  view.applied_generation = node.applied_generation;
  view.desired_generation = record.config_generation;
  view.faults = node.faults;
  view.unattributed = node.unattributed;
  if (node.session && node.session->heartbeat_at)
    view.unattributed_age = clock_.Now() - *node.session->heartbeat_at;
  return view;
}

std::vector<LeaseView> CoreImpl::Leases() const {
  std::vector<LeaseView> views;
  for (const auto& [name, link] : links_) {
    if (auto view = ViewOf({name, Role::kSend}, link.record.send)) views.push_back(*view);
    if (auto view = ViewOf({name, Role::kReceive}, link.record.receive)) views.push_back(*view);
  }
  return views;
}

std::optional<LeaseView> CoreImpl::ViewOf(const LinkSide& side, const IssuedLease& lease) const {
  if (lease.sequence == 0) return std::nullopt;
  LeaseView view;
  view.side = side;
  view.node = side.role == Role::kSend ? side.link.src : side.link.dst;
  view.sequence = lease.sequence;
  view.rate = lease.rate;
  view.burst = lease.burst;
  view.volume_limit = lease.volume_limit;
  view.issued_ago = Now() - lease.issued_at;
  view.lifetime = lease.lifetime;
  view.expires_in = std::max(lease.dead_at - Now(), absl::ZeroDuration());
  view.state = lease.closed            ? LeaseView::State::kClosed
               : Now() < lease.dead_at ? LeaseView::State::kLive
                                       : LeaseView::State::kDead;
  return view;
}

std::vector<LinkView> CoreImpl::Links(bool all_pairs) const {
  std::vector<LinkView> views;
  if (!all_pairs) {
    for (const auto& [name, link] : links_) {
      if (link.record.quota) views.push_back(ViewOf(link));
    }
    return views;
  }
  for (const auto& [src, source] : nodes_) {
    for (const auto& [dst, destination] : nodes_) {
      if (auto view = ViewLink({src, dst})) views.push_back(*std::move(view));
    }
  }
  return views;
}

std::optional<LinkView> CoreImpl::ViewLink(const LinkName& name) const {
  if (name.src == name.dst || FindNode(name.src) == nullptr || FindNode(name.dst) == nullptr)
    return std::nullopt;
  const auto it = links_.find(name);
  if (it != links_.end()) return ViewOf(it->second);
  Link none;
  none.record.link = name;
  return ViewOf(none);
}

std::optional<EndView> CoreImpl::ViewOf(const End& end) const {
  if (!end.report) return std::nullopt;
  EndView view;
  view.bytes = end.report->admitted.value;
  view.packets = end.report->admitted_packets;
  view.age = clock_.Now() - end.at;
  view.expires_in = std::max(end.report->expires_in - view.age, absl::ZeroDuration());
  for (size_t i = 0; i < view.refused.size(); ++i) view.refused[i] = end.report->drops[i].packets;
  return view;
}

LinkView CoreImpl::ViewOf(const Link& link) const {
  const LinkRecord& record = link.record;
  LinkView view;
  view.link = record.link;
  view.quota = record.quota;
  const LinkAccount account =
      record.quota ? Rolled(*record.quota, record.account, Now()) : record.account;
  view.used = account.spent;
  if (record.quota) view.left = Left(*record.quota, account);
  view.outstanding = Outstanding(account);
  view.lease_sequence = record.send.sequence;
  view.recalling = Recalling(record);
  AddDrops(link.sender.report, view.drops);
  AddDrops(link.receiver.report, view.drops);
  view.mismatch = MismatchOf(link);
  view.sender = ViewOf(link.sender);
  view.receiver = ViewOf(link.receiver);
  const absl::Duration rest = record.send.issued_at + record.send.lifetime - Now();
  if (record.send.sequence > 0 && !record.send.closed && rest > absl::ZeroDuration()) {
    view.expires_in = rest;
    view.leased_rate = record.send.rate;
  }
  view.key = KeysOf(record.link);
  if (const PathView& path = PathOf(record.link); path.state != PathView::State::kGood)
    view.wiring = path.why;
  SetState(link, account, view);
  return view;
}

std::optional<MismatchView> CoreImpl::MismatchOf(const Link& link) const {
  const auto& since = link.comparison.differs_since;
  if (!since || Now() - *since < kMismatchSettles) return std::nullopt;
  const LinkRecord& record = link.record;
  MismatchView view;
  view.sent = SaturatingSub(LifeReported(record.account), record.receiver.charged);
  if (link.receiver.report)
    view.received = SaturatingSub(link.receiver.report->admitted, record.receiver.count);
  view.since = Now() - *since;
  view.text = StrCat(record.link.src, " says that it sent ", view.sent.value, " bytes and ",
                     record.link.dst, " that it received ", view.received.value, "; for ",
                     FormatExact(absl::Floor(view.since, absl::Seconds(1))), " now");
  return view;
}

void CoreImpl::SetState(const Link& link, const LinkAccount& account, LinkView& view) const {
  const LinkRecord& record = link.record;
  using State = LinkView::State;
  const auto set = [&](State state, std::string why) {
    view.state = state;
    view.why = std::move(why);
  };
  if (!record.quota) return set(State::kNoQuota, "no quota is set on this link");
  if (const Bar bar = BarOf(record))
    return set(bar.kind == Bar::Kind::kDark || bar.kind == Bar::Kind::kMiswired ? State::kWaiting
                                                                                : State::kRevoked,
               Words(bar, record));
  if (Recalling(record))
    return set(State::kWaiting,
               StrCat("lease ", record.send.sequence, " is being recalled; a new one follows"));
  if (auto why = WhyExhausted(link, account)) return set(State::kExhausted, *std::move(why));
  if (view.expires_in) return set(State::kOpen, "");
  const absl::Duration rest = record.send.issued_at + record.send.lifetime - Now();
  const bool expired = record.send.sequence > record.recall_upto && rest <= absl::ZeroDuration();
  set(expired ? State::kExpired : State::kWaiting, WhyWaiting(link));
}

std::optional<std::string> CoreImpl::WhyExhausted(const Link& link,
                                                  const LinkAccount& account) const {
  const uint64_t drops =
      link.sender.report ? link.sender.report->drops[SLUICE_DROP_VOLUME].packets : 0;
  const auto used_up = [&](Bytes left, uint64_t drops_before) {
    return left == Bytes{0} || (left < kLargestPacket && drops > drops_before);
  };
  const auto words = [](const std::string& what, const std::optional<absl::Duration>& rest) {
    return rest ? StrCat(what, " is used up; the next window begins in ",
                         FormatExact(absl::Ceil(*rest, absl::Seconds(1))))
                : StrCat(what, " is used up; raise it with `sluicectl quota set`");
  };
  const Quota& quota = *link.record.quota;
  if (Available(quota, account) == Bytes{0} &&
      used_up(Left(quota, account), link.volume_drops_at_grant))
    return words("the volume", WindowRemaining(quota, account, Now()));
  for (const Budget* budget : link.budgets) {
    const ScopeRecord scope = Rolled(budget->record, budget->sums, Now());
    if (used_up(Left(scope, budget->sums), link.volume_drops_when_roomy))
      return words(StrCat("the volume of ", scope.quota.scope.ToString()),
                   WindowRemaining(scope, Now()));
  }
  return std::nullopt;
}

std::string CoreImpl::WhyWaiting(const Link& link) const {
  const LinkName& name = link.record.link;
  for (const std::string& end : {name.src, name.dst}) {
    const Node* node = FindNode(end);
    if (node == nullptr) return StrCat("node ", end, " was removed");
    if (!node->record.identity_key) return StrCat("node ", end, " has not joined yet");
    if (node->session) continue;
    return node->heard ? StrCat("node ", end, " is not connected; last heard ",
                                Ago(clock_.Now() - *node->heard))
                       : StrCat("node ", end, " has not connected since the controller started");
  }
  if (!store_status_.ok())
    return StrCat("the ledger cannot be written: ", ToStd(store_status_.message()));
  if (link.sender.report && !link.sender.report->fault.empty())
    return StrCat("node ", name.src, ": ", link.sender.report->fault);
  return StrCat("node ", name.src, " has not asked for a lease yet");
}

}  // namespace sluice
