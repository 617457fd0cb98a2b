// What operators revoke: links, and all links of a scope; and how fast it falls silent.
#include <algorithm>
#include <array>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

std::string ReasonOr(const std::string& reason) {
  return reason.empty() ? "no reason given" : CleanWords(reason);
}

}  // namespace

bool CoreImpl::Covers(const Scope& scope, const LinkName& link) const {
  if (scope.kind == Scope::Kind::kFleet) return true;
  return std::ranges::any_of(std::array{&link.src, &link.dst}, [&](const std::string* end) {
    if (scope.kind == Scope::Kind::kNode) return *end == scope.name;
    const Node* node = FindNode(*end);
    return node != nullptr && node->record.enclosure == scope.name;
  });
}

CoreImpl::Bar CoreImpl::BarOf(const LinkRecord& record) const {
  if (record.suspended) return {Bar::Kind::kRevoked};
  for (const auto& [scope, stop] : stops_) {
    if (Covers(scope, record.link)) return {Bar::Kind::kRevoked, &stop};
  }
  const Node* dark = nullptr;
  for (const std::string* end : {&record.link.src, &record.link.dst}) {
    const Node* node = FindNode(*end);
    if (node == nullptr) continue;
    if (node->record.tamper_id) return {Bar::Kind::kTampered, nullptr, node};
    if (node->dark) dark = node;
  }
  if (dark != nullptr) return {Bar::Kind::kDark, nullptr, dark};
  if (!topology_.has_plan() || PolicyOf(record.link) != WiringPolicy::kEnforce) return {};
  const PathView& path = PathOf(record.link);
  if (path.state == PathView::State::kGood) return {};
  return {Bar::Kind::kMiswired, nullptr, nullptr, &path};
}

bool CoreImpl::MayHold(const LinkRecord& record) const {
  const Bar bar = BarOf(record);
  return record.quota &&
         (!bar || (bar.path != nullptr && bar.path->state == PathView::State::kUnknown));
}

std::string CoreImpl::Words(const Bar& bar, const LinkRecord& record) const {
  switch (bar.kind) {
    case Bar::Kind::kNone:
      break;
    case Bar::Kind::kRevoked:
      return StrCat("revoked by an operator: ",
                    bar.stop == nullptr
                        ? record.suspend_reason
                        : StrCat(bar.stop->scope.ToString(), ", ", bar.stop->reason));
    case Bar::Kind::kTampered: {
      const NodeRecord& node = bar.node->record;
      return StrCat("node ", node.name, " was tampered with (", node.tamper_source, ": ",
                    node.tamper_words, "); look into it, then `sluicectl node readmit ", node.name,
                    "`");
    }
    case Bar::Kind::kDark:
      return StrCat("node ", bar.node->record.name,
                    " has gone dark: nothing was heard from it for too long");
    case Bar::Kind::kMiswired:
      return StrCat("not wired as planned: ", bar.path->why);
  }
  return "";
}

absl::StatusOr<uint64_t> CoreImpl::Revoke(const Scope& scope, const std::string& reason,
                                          Effects& effects) {
  Flush(effects);
  const std::string why = ReasonOr(reason);
  std::vector<LinkRecord> before;
  for (const auto& [name, link] : links_) {
    if (scope.is_link() ? name == scope.link : Covers(scope, name)) before.push_back(link.record);
  }
  SLUICE_RETURN_IF_ERROR(scope.is_link() ? RevokeLink(scope.link, why, effects)
                                         : StopScope({scope, why}, effects));
  Revocation& revocation = AddRevocation(scope, why);
  for (const LinkRecord& record : before) Await(revocation, record);
  if (revocation.loud == 0) NoteSilent(revocation);
  return revocation.id;
}

absl::Status CoreImpl::Restore(const Scope& scope, Effects& effects) {
  Flush(effects);
  if (scope.is_link()) return RestoreLink(scope.link, effects);
  if (!stops_.contains(scope))
    return absl::FailedPreconditionError(StrCat(scope.ToString(), " is not revoked"));
  // New versions make the senders ask at once.
  Batch batch;
  batch.deleted_stops = {scope};
  batch.events = {Event("restored", Severity::kInfo, scope, "its links may lease again")};
  batch.fleet = FleetNow();
  for (const auto& [name, link] : links_) {
    if (!link.record.quota || !Covers(scope, name)) continue;
    LinkRecord& record = batch.links.emplace_back(link.record);
    record.quota->version = batch.fleet->next_quota_version++;
  }
  SLUICE_RETURN_IF_ERROR(Commit(batch));
  stops_.erase(scope);
  for (LinkRecord& record : batch.links) links_.at(record.link).record = std::move(record);
  for (auto& [name, node] : nodes_) UpdateConfig(node, /*send_always=*/false, effects);
  return absl::OkStatus();
}

absl::Status CoreImpl::CheckLinkHasQuota(const LinkName& name) const {
  const auto link = links_.find(name);
  if (link != links_.end() && link->second.record.quota) return absl::OkStatus();
  return absl::NotFoundError(
      StrCat("link ", name.ToString(), " has no quota, so there is no lease to revoke"));
}

absl::Status CoreImpl::RevokeLink(const LinkName& name, const std::string& reason,
                                  Effects& effects) {
  SLUICE_RETURN_IF_ERROR(CheckLinkHasQuota(name));
  Link* link = FindLink(name);
  LinkRecord next = link->record;
  next.suspended = true;
  next.suspend_reason = reason;
  next.recall_upto = next.send.sequence;
  FleetEvent event = Event("revoked", Severity::kWarning, Scope::Link(name), reason);
  SLUICE_RETURN_IF_ERROR(CommitLink(*link, std::move(next), false, std::move(event)));
  SendRevokes(*link, link->record.suspend_reason, effects);
  return absl::OkStatus();
}

absl::Status CoreImpl::RestoreLink(const LinkName& name, Effects& effects) {
  Link* link = FindLink(name);
  if (link == nullptr || !link->record.quota)
    return absl::NotFoundError(StrCat("link ", name.ToString(), " has no quota"));
  if (!link->record.suspended)
    return absl::FailedPreconditionError(StrCat("link ", name.ToString(), " is not revoked"));
  LinkRecord next = link->record;
  next.suspended = false;
  next.suspend_reason.clear();
  // A new version makes the sender ask at once.
  FleetEvent event = Event("restored", Severity::kInfo, Scope::Link(name), "may lease again");
  SLUICE_RETURN_IF_ERROR(CommitLink(*link, std::move(next), true, std::move(event)));
  UpdateConfigsOf(name, effects);
  return absl::OkStatus();
}

absl::Status CoreImpl::StopScope(const StopRecord& stop, Effects& effects) {
  SLUICE_RETURN_IF_ERROR(CheckScopeExists(stop.scope));
  Batch batch;
  batch.stops = {stop};
  batch.events = {Event("revoked", Severity::kWarning, stop.scope, stop.reason)};
  for (const auto& [name, link] : links_) {
    if (!Covers(stop.scope, name) || link.record.sequence == 0) continue;
    LinkRecord& record = batch.links.emplace_back(link.record);
    record.recall_upto = record.send.sequence;
  }
  SLUICE_RETURN_IF_ERROR(Commit(batch));
  stops_[stop.scope] = stop;
  for (LinkRecord& record : batch.links) {
    Link& link = links_.at(record.link);
    link.record = std::move(record);
    SendRevokes(link, StrCat(stop.scope.ToString(), ", ", stop.reason), effects);
  }
  return absl::OkStatus();
}

CoreImpl::Revocation& CoreImpl::AddRevocation(const Scope& scope, const std::string& reason) {
  Revocation& revocation = revocations_.emplace_back();
  revocation.id = next_revocation_++;
  revocation.scope = scope;
  revocation.reason = reason;
  revocation.at = clock_.Now();
  if (revocations_.size() > kMostRevocations) revocations_.pop_front();
  return revocations_.back();
}

void CoreImpl::Await(Revocation& revocation, const LinkRecord& record) const {
  for (const Role role : {Role::kSend, Role::kReceive}) {
    const IssuedLease& lease = role == Role::kSend ? record.send : record.receive;
    if (!Alive(lease)) continue;
    revocation.ends.push_back({{record.link, role}, lease.sequence, lease.dead_at, {}, false});
    ++revocation.loud;
  }
}

void CoreImpl::NoteClosed(const LinkSide& side, uint64_t sequence) {
  for (Revocation& revocation : revocations_) {
    if (revocation.loud == 0) continue;
    for (Silence& end : revocation.ends) {
      if (end.silent_at || end.side != side || end.sequence > sequence) continue;
      end.silent_at = clock_.Now();
      if (--revocation.loud == 0) NoteSilent(revocation);
    }
  }
}

void CoreImpl::NoteExpired() {
  for (Revocation& revocation : revocations_) {
    if (revocation.loud == 0) continue;
    for (Silence& end : revocation.ends) {
      if (end.silent_at || Now() < end.dead_at) continue;
      end.silent_at = clock_.Now();
      end.by_expiry = true;
      if (--revocation.loud == 0) NoteSilent(revocation);
    }
  }
}

RevocationView CoreImpl::ViewOf(const Revocation& revocation) const {
  RevocationView view{revocation.id,
                      revocation.scope,
                      revocation.reason,
                      clock_.Now() - revocation.at,
                      revocation.loud == 0,
                      {},
                      {}};
  for (const Silence& end : revocation.ends) {
    SilenceView& silence = view.ends.emplace_back();
    silence.side = end.side;
    silence.node = end.side.role == Role::kSend ? end.side.link.src : end.side.link.dst;
    silence.by_expiry = end.by_expiry;
    if (end.silent_at) {
      silence.silent_after = *end.silent_at - revocation.at;
      view.silent_after = std::max(view.silent_after, *silence.silent_after);
    } else {
      silence.silent_within = std::max(end.dead_at - Now(), absl::ZeroDuration());
    }
  }
  return view;
}

std::vector<RevocationView> CoreImpl::Revocations() const {
  std::vector<RevocationView> views;
  for (auto it = revocations_.rbegin(); it != revocations_.rend(); ++it)
    views.push_back(ViewOf(*it));
  return views;
}

std::vector<StopView> CoreImpl::Stops() const {
  std::vector<StopView> views;
  for (const auto& [scope, stop] : stops_) views.push_back({scope, stop.reason});
  return views;
}

}  // namespace sluice
