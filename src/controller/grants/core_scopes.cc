// The budgets that links share: fleet, enclosures, nodes.
#include <algorithm>
#include <utility>

#include "base/mutation.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "controller/policy/fair_share.h"
#include "controller/policy/ledger.h"

namespace sluice {

CoreImpl::Where CoreImpl::WhereIs(const LinkName& link) const {
  Where where{link, {}, {}};
  if (const Node* src = FindNode(link.src)) where.src_enclosure = src->record.enclosure;
  // A gateway stands outside of every enclosure.
  if (const Node* dst = FindNode(link.dst); dst != nullptr && !dst->record.gateway)
    where.dst_enclosure = dst->record.enclosure;
  return where;
}

bool CoreImpl::Contains(const Scope& scope, const Where& where) {
  switch (scope.kind) {
    case Scope::Kind::kFleet:
      return true;
    case Scope::Kind::kEnclosure:
      return where.src_enclosure == scope.name && where.dst_enclosure != scope.name;
    case Scope::Kind::kNode:
      return where.link.src == scope.name;
    case Scope::Kind::kLink:
      return where.link == scope.link;
  }
  return false;
}

void CoreImpl::Roll(Budget& budget) const {
  ScopeRecord rolled = Rolled(budget.record, budget.sums, Now());
  if (rolled.window_start == budget.record.window_start) return;
  budget.record = std::move(rolled);
  budget.dirty = true;
}

void CoreImpl::Recharge(Link& link) {
  const LinkCharge charge = ChargeOf(link.record, Alive(link.record.send), Now());
  if (charge == link.charge) return;
  for (Budget* budget : link.budgets) {
    Roll(*budget);
    budget->sums -= link.charge;
    budget->sums += charge;
  }
  link.charge = charge;
}

void CoreImpl::Rescope(Link& link) {
  for (Budget* budget : link.budgets) budget->sums -= link.charge;
  link.budgets.clear();
  link.charge = ChargeOf(link.record, Alive(link.record.send), Now());
  const Where where = WhereIs(link.record.link);
  for (auto& [scope, budget] : budgets_) {
    if (!Contains(scope, where)) continue;
    budget.sums += link.charge;
    link.budgets.push_back(&budget);
  }
}

// A node comes, or goes (`after` is none): links change their scopes with it. What
// that does to the scopes' accounts is added to `batch`; TakeMoves follows its commit.
void CoreImpl::AddMoves(const std::string& node, const NodeRecord* after, Batch& batch) {
  std::map<Scope, ScopeRecord> changed;
  const std::optional<std::string> enclosure =
      after != nullptr ? std::optional(after->enclosure) : std::nullopt;
  for (auto& [name, link] : links_) {
    if (name.src != node && name.dst != node) continue;
    const Where before = WhereIs(name);
    Where then = before;
    if (name.src == node) then.src_enclosure = enclosure;
    if (name.dst == node)
      then.dst_enclosure = after != nullptr && after->gateway ? std::nullopt : enclosure;
    Recharge(link);
    for (auto& [scope, budget] : budgets_) {
      const bool was = Contains(scope, before);
      if (was == Contains(scope, then)) continue;
      Roll(budget);
      ScopeRecord& record = changed.try_emplace(scope, budget.record).first->second;
      was ? Leave(record, link.charge) : Enter(record, link.charge);
    }
  }
  for (auto& [scope, record] : changed) batch.scopes.push_back(std::move(record));
}

void CoreImpl::TakeMoves(const std::string& node, const Batch& batch) {
  for (const ScopeRecord& record : batch.scopes) {
    const auto it = budgets_.find(record.quota.scope);
    if (it != budgets_.end()) it->second.record = record;
  }
  for (auto& [name, link] : links_) {
    if (name.src == node || name.dst == node) Rescope(link);
  }
}

std::vector<ScopeRoom> CoreImpl::RoomsFor(Link& link) {
  std::vector<ScopeRoom> rooms;
  if (Mutated(Mutation::kScopeForgotten)) return rooms;
  Recharge(link);
  for (Budget* budget : link.budgets) {
    Roll(*budget);
    if (!link.share) ++budget->claimants;
    rooms.push_back(RoomFor(budget->record, budget->sums, link.charge, budget->claimants, Now()));
  }
  if (!link.share) {
    // Since the last SetShares it is new: an even part at most, until the next.
    Share& share = link.share.emplace(Share{kMaxScopeRate, kMaxScopeBurst});
    for (const ScopeRoom& room : rooms) {
      share.rate = std::min(share.rate, room.rate_share);
      share.burst = std::min(share.burst, room.burst_share);
    }
  }
  for (ScopeRoom& room : rooms) {
    room.rate_share = link.share->rate;
    room.burst_share = link.share->burst;
  }
  return rooms;
}

bool CoreImpl::IsClaimant(const Link& link) const {
  const LinkRecord& record = link.record;
  if (!MayHold(record)) return false;
  if (Left(*record.quota, Rolled(*record.quota, record.account, Now())) == Bytes{0}) return false;
  return Alive(record.send) ||
         (link.asked && clock_.Now() - *link.asked < record.quota->lease_lifetime);
}

bool CoreImpl::IsIdle(const Link& link) const {
  return Alive(link.record.send) && link.reported_at_grant == link.record.account.reported;
}

void CoreImpl::SetShares() {
  shared_at_ = clock_.Now();
  if (budgets_.empty()) return;
  std::map<const Budget*, uint32_t> index;
  std::vector<uint64_t> rates;
  std::vector<uint64_t> bursts;
  for (auto& [scope, budget] : budgets_) {
    Roll(budget);
    index.emplace(&budget, static_cast<uint32_t>(rates.size()));
    rates.push_back(budget.record.quota.rate.bps);
    bursts.push_back(budget.record.quota.burst.value);
    budget.claimants = 0;
  }
  std::vector<Link*> claimants;
  std::vector<Claim> rate_claims;
  std::vector<Claim> burst_claims;
  for (auto& [name, link] : links_) {
    Recharge(link);  // of leases that have died since
    link.share.reset();
    if (link.budgets.empty() || !IsClaimant(link)) continue;
    claimants.push_back(&link);
    Claim& claim = rate_claims.emplace_back();
    for (Budget* budget : link.budgets) {
      ++budget->claimants;
      claim.pools.push_back(index.at(budget));
    }
    claim.most = link.record.quota->rate.bps;
    burst_claims.push_back({link.record.quota->burst.value, claim.pools});
  }
  const std::vector<uint64_t> rate_shares = MaxMinShares(rates, rate_claims);
  const std::vector<uint64_t> burst_shares = MaxMinShares(bursts, burst_claims);
  for (size_t i = 0; i < claimants.size(); ++i)
    claimants[i]->share = Share{BitRate{rate_shares[i]}, Bytes{burst_shares[i]}};
}

absl::Status CoreImpl::CheckScopeExists(const Scope& scope) const {
  if (scope.kind == Scope::Kind::kNode && FindNode(scope.name) == nullptr)
    return absl::NotFoundError(
        StrCat("scope: there is no node ", scope.name, "; add it with `sluicectl node add` first"));
  if (scope.kind != Scope::Kind::kEnclosure) return absl::OkStatus();
  for (const auto& [name, node] : nodes_) {
    if (node.record.enclosure == scope.name) return absl::OkStatus();
  }
  return absl::NotFoundError(StrCat("scope: no node is in an enclosure ", scope.name,
                                    "; add one with `sluicectl node add` first"));
}

// The leases in the scope that may be in force, as they are when they are recalled.
std::vector<LinkRecord> CoreImpl::Recalled(const Scope& scope) const {
  std::vector<LinkRecord> records;
  for (const auto& [name, link] : links_) {
    if (!Alive(link.record.send) || !Contains(scope, WhereIs(name))) continue;
    records.push_back(link.record);
    records.back().recall_upto = records.back().send.sequence;
  }
  return records;
}

// What a new quota, which has no version yet, makes of the scope.
CoreImpl::NextScope CoreImpl::WithQuota(const Quota& quota) const {
  const Scope& scope = quota.scope;
  ScopeSums sums;
  bool too_long = false;
  for (const auto& [name, link] : links_) {
    if (!Contains(scope, WhereIs(name))) continue;
    sums += ChargeOf(link.record, Alive(link.record.send), Now());
    too_long |= Alive(link.record.send) && link.record.send.lifetime > quota.lease_lifetime;
  }
  const auto it = budgets_.find(scope);
  const auto before = it == budgets_.end() ? std::nullopt : std::optional(it->second.record);
  NextScope next{Changed(before, quota, sums, Now()), sums, {}};
  if (too_long || IsExceeded(next.record, sums)) next.recalled = Recalled(scope);
  return next;
}

absl::StatusOr<Quota> CoreImpl::SetScopeQuota(Quota quota, Effects& effects) {
  SLUICE_RETURN_IF_ERROR(CheckScopeExists(quota.scope));
  const Scope scope = quota.scope;
  const auto it = budgets_.find(scope);
  const auto before = it == budgets_.end() ? std::nullopt : std::optional(it->second.record.quota);
  Batch batch;
  batch.fleet = FleetNow();
  quota.version = batch.fleet->next_quota_version++;
  NextScope next = WithQuota(quota);
  const ScopeRecord record = next.record;
  batch.links = std::move(next.recalled);
  batch.scopes = {record};
  batch.events = {Event("quota_set", Severity::kInfo, scope, WordsOfChange(before, record.quota))};
  SLUICE_RETURN_IF_ERROR(Commit(batch));

  const auto [place, added] = budgets_.try_emplace(scope);
  place->second.record = record;
  place->second.dirty = false;
  if (added) {
    for (auto& [name, link] : links_) Rescope(link);
  }
  for (LinkRecord& changed : batch.links) {
    Link& link = links_.at(changed.link);
    link.record = std::move(changed);
    link.dirty = false;
    Recharge(link);
    SendRevokes(link, StrCat("the quota of ", scope.ToString(), " was changed"), effects);
  }
  SetShares();
  return record.quota;
}

absl::Status CoreImpl::DeleteScopeQuota(const Scope& scope, Effects&) {
  const auto it = budgets_.find(scope);
  if (it == budgets_.end()) return absl::NotFoundError(StrCat(scope.ToString(), " has no quota"));
  Batch batch;
  batch.deleted_scopes = {scope};
  batch.events = {Event("quota_deleted", Severity::kInfo, scope,
                        StrCat("deleted: ", QuotaWords(it->second.record.quota)))};
  SLUICE_RETURN_IF_ERROR(Commit(batch));
  DropBudget(scope);
  return absl::OkStatus();
}

void CoreImpl::DropBudget(const Scope& scope) {
  const auto it = budgets_.find(scope);
  if (it == budgets_.end()) return;
  for (auto& [name, link] : links_) std::erase(link.budgets, &it->second);
  budgets_.erase(it);
}

QuotaView CoreImpl::ViewOf(const Budget& budget) const {
  QuotaView view;
  const ScopeRecord record = Rolled(budget.record, budget.sums, Now());
  view.quota = record.quota;
  view.used = Spent(record, budget.sums);
  view.left = Left(record, budget.sums);
  view.outstanding = Outstanding(budget.sums);
  return view;
}

// What one link of a scope adds to the view of its quota.
void CoreImpl::AddToView(const Link& link, QuotaView& view) const {
  view.links += link.record.quota ? 1 : 0;
  view.leased_rate.bps += ChargeOf(link.record, Alive(link.record.send), Now()).rate.bps;
  if (!Recalling(link.record)) return;
  ++view.recalling;
  view.recalled_within = std::max(view.recalled_within, link.record.send.dead_at - Now());
}

std::vector<QuotaView> CoreImpl::Quotas() const {
  std::vector<QuotaView> views;
  std::map<const Budget*, size_t> places;
  for (const auto& [scope, budget] : budgets_) {
    places.emplace(&budget, views.size());
    views.push_back(ViewOf(budget));
  }
  for (const auto& [name, link] : links_) {
    for (const Budget* budget : link.budgets) AddToView(link, views[places.at(budget)]);
    if (!link.record.quota) continue;
    QuotaView& view = views.emplace_back();
    const LinkAccount account = Rolled(*link.record.quota, link.record.account, Now());
    view.quota = *link.record.quota;
    view.used = account.spent;
    view.left = Left(*link.record.quota, account);
    view.outstanding = Outstanding(account);
    AddToView(link, view);
  }
  return views;
}

}  // namespace sluice
