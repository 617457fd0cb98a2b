// What operators do to links.
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "controller/policy/grant.h"
#include "controller/policy/ledger.h"
#include "wire/report_codec.h"

namespace sluice {

absl::Status CoreImpl::CommitLink(Link& link, LinkRecord next, bool new_version, FleetEvent event) {
  Batch batch;
  batch.events.push_back(std::move(event));
  if (new_version) {
    batch.fleet = FleetNow();
    next.quota->version = batch.fleet->next_quota_version++;
  }
  batch.links.push_back(next);
  SLUICE_RETURN_IF_ERROR(Commit(batch));
  link.record = std::move(next);
  link.dirty = false;
  Recharge(link);
  return absl::OkStatus();
}

absl::StatusOr<Quota> CoreImpl::SetQuota(Quota quota, Effects& effects) {
  Flush(effects);
  if (quota.burst == Bytes{0}) quota.burst = DefaultBurst(quota.rate, quota.scope.kind);
  SLUICE_RETURN_IF_ERROR(CheckQuota(quota));
  return quota.scope.is_link() ? SetLinkQuota(quota, effects)
                               : SetScopeQuota(std::move(quota), effects);
}

absl::Status CoreImpl::CheckLinkExists(const LinkName& name) const {
  for (const std::string& end : {name.src, name.dst}) {
    if (FindNode(end) == nullptr)
      return absl::NotFoundError(
          StrCat("link: there is no node ", end, "; add it with `sluicectl node add` first"));
  }
  return absl::OkStatus();
}

// A link's record with a new quota, which has no version yet.
LinkRecord CoreImpl::WithQuota(LinkRecord record, const Quota& quota) const {
  if (record.quota) record.account = Rolled(*record.quota, record.account, Now());
  const auto lease = Alive(record.send) ? std::optional(record.send) : std::nullopt;
  const QuotaChange change = DecideQuotaChange(record.quota, quota, record.account, lease, Now());
  record.quota = quota;
  record.account = change.account;
  record.suspended = false;
  record.suspend_reason.clear();
  if (change.recall) record.recall_upto = record.send.sequence;
  return record;
}

absl::StatusOr<Quota> CoreImpl::SetLinkQuota(const Quota& quota, Effects& effects) {
  const LinkName name = quota.scope.link;
  SLUICE_RETURN_IF_ERROR(CheckLinkExists(name));
  const auto [it, added] = links_.try_emplace(name);
  Link& link = it->second;
  link.record.link = name;
  if (added) Rescope(link);
  LinkRecord next = WithQuota(link.record, quota);
  // Also what was being recalled before: its revocation may have been lost.
  const bool recall = Recalling(next);
  FleetEvent event =
      Event("quota_set", Severity::kInfo, quota.scope, WordsOfChange(link.record.quota, quota));
  if (const absl::Status status = CommitLink(link, std::move(next), true, std::move(event));
      !status.ok()) {
    if (added) links_.erase(it);
    return status;
  }
  if (recall) SendRevokes(link, "the quota was changed", effects);
  IndexLink(name);
  UpdateConfigsOf(name, effects);
  return *link.record.quota;
}

absl::Status CoreImpl::DeleteQuota(const Scope& scope, Effects& effects) {
  Flush(effects);
  return scope.is_link() ? DeleteLinkQuota(scope.link, effects) : DeleteScopeQuota(scope, effects);
}

absl::Status CoreImpl::DeleteLinkQuota(const LinkName& name, Effects& effects) {
  Link* link = FindLink(name);
  if (link == nullptr || !link->record.quota)
    return absl::NotFoundError(StrCat("link ", name.ToString(), " has no quota"));
  LinkRecord next = link->record;
  next.quota.reset();
  next.suspended = false;
  next.suspend_reason.clear();
  next.recall_upto = next.send.sequence;
  FleetEvent event = Event("quota_deleted", Severity::kInfo, Scope::Link(name),
                           StrCat("deleted: ", QuotaWords(*link->record.quota)));
  SLUICE_RETURN_IF_ERROR(CommitLink(*link, std::move(next), false, std::move(event)));
  SendRevokes(*link, "the quota was deleted", effects);
  UpdateConfigsOf(name, effects);
  return absl::OkStatus();
}

}  // namespace sluice
