// Quotas: what they allow, and what was used of them.
#include <algorithm>

#include "base/strings.h"
#include "tests/sim/checker.h"

namespace sluice::sim {
namespace {

uint64_t Less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

bool SameTerms(const std::optional<Quota>& a, const std::optional<Quota>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a || (a->volume == b->volume && a->window == b->window && a->rate == b->rate &&
                a->lease_lifetime == b->lease_lifetime);
}

}  // namespace

Checker::Budget* Checker::Find(const Scope& scope) {
  const auto found = std::ranges::find(budgets_, scope, &Budget::scope);
  return found == budgets_.end() ? nullptr : &*found;
}

bool Checker::Contains(const Scope& scope, const Link& link, const Profile& profile) const {
  const auto src = static_cast<size_t>(link.sender.node);
  const auto dst = static_cast<size_t>(link.receiver.node);
  switch (scope.kind) {
    case Scope::Kind::kFleet:
      return true;
    case Scope::Kind::kEnclosure:
      return profile.enclosures[src] == scope.name &&
             (profile.enclosures[dst] != scope.name || link.receiver.node == profile.gateway);
    case Scope::Kind::kNode:
      return link.name.src == scope.name;
    case Scope::Kind::kLink:
      return link.name == scope.link;
  }
  return false;
}

bool Checker::Counts(const Budget& budget, const Link& link) const {
  if (budget.scope.kind != Scope::Kind::kEnclosure) return true;
  return !gone_[static_cast<size_t>(link.sender.node)];
}

LedgerTime Checker::Ledger() const {
  return ledger_base_ + (controller_clock_.Now() - clock_base_);
}

uint64_t Checker::Admitted(const Budget& budget) const {
  uint64_t sum = 0;
  for (const Link* link : budget.links) sum += link->admitted;
  return sum;
}

uint64_t Checker::Headroom(const Link& link) const {
  const End& end = link.sender;
  const auto node = static_cast<size_t>(end.node);
  // Since a gate began anew nothing of the one before can be taken.
  if (boots_[node] == BootNonce{}) return 0;
  uint64_t limit = 0;
  for (const auto& [sequence, issued] : end.issued) {
    const bool passed =
        end.held && end.held->lease.sequence == sequence ? false : sequence <= end.newest_held;
    if (sequence <= end.revoked || passed || now_ >= issued.deadline) continue;
    if (nodes_[node].clock->Now() >= issued.lease.ExpiresAt()) continue;
    limit = std::max(limit, issued.lease.volume_limit.value);
  }
  return Less(limit, link.boot_admitted);
}

uint64_t Checker::Headroom(const Budget& budget) const {
  uint64_t sum = 0;
  for (const Link* link : budget.links) {
    if (Counts(budget, *link)) sum += Headroom(*link);
  }
  return sum;
}

// While the controller is down nothing is granted, so its windows may wait.
void Checker::Roll(Budget& budget) {
  if (core_ == nullptr || !budget.quota || !budget.quota->window) return;
  const int64_t length = absl::ToInt64Nanoseconds(*budget.quota->window);
  const int64_t into = Ledger().ns - budget.grid.ns;
  const int64_t window = into >= 0 ? into / length : -1;
  if (window > budget.window) {
    budget.baseline = Admitted(budget);
    budget.allowed = std::max(budget.quota->volume.value, Headroom(budget));
  }
  budget.window = window;
}

void Checker::QuotaSet(const Scope& scope, const std::optional<Quota>& quota) {
  Take(*Find(scope), quota, Ledger());
  if (scope.is_link()) Find(scope.link)->suspended_since.reset();
}

void Checker::Take(Budget& budget, const std::optional<Quota>& quota, LedgerTime grid) {
  Roll(budget);
  const bool fresh = !budget.quota;
  if (fresh) budget.baseline = Admitted(budget);
  const uint64_t potential = Used(budget) + Headroom(budget);
  budget.allowed = potential;
  if (quota) {
    if (fresh || budget.quota->window != quota->window) {
      budget.grid = grid;
      budget.window = 0;
    }
    budget.rates_bounded = false;
    // Until a record shows that the sum is within the volume.
    if (budget.scope.is_link()) budget.links.front()->bounded = false;
    budget.allowed = std::max(quota->volume.value, potential);
  }
  budget.quota = quota;
}

// What a removed node had out counts as spent, so what it still uses of that does not.
void Checker::NodeRemoved(int node) {
  for (auto& [link, role] : sides_[static_cast<size_t>(node)])
    QuotaSet(Scope::Link(link->name), std::nullopt);
  QuotaSet(Scope::Node(nodes_[static_cast<size_t>(node)].name), std::nullopt);
  stops_.erase(Scope::Node(nodes_[static_cast<size_t>(node)].name));
  gone_[static_cast<size_t>(node)] = true;
}

std::optional<TrueTime> Checker::ShutSince(const Link& link) const {
  std::optional<TrueTime> since = link.suspended_since;
  const auto in = [&](const End& end, const Scope& scope) {
    const auto node = static_cast<size_t>(end.node);
    if (scope.kind == Scope::Kind::kNode) return nodes_[node].name == scope.name;
    return enclosures_[node] == scope.name && !gone_[node];
  };
  for (const auto& [scope, at] : stops_) {
    const bool covers =
        scope.kind == Scope::Kind::kFleet || in(link.sender, scope) || in(link.receiver, scope);
    if (covers) since = std::min(since.value_or(at), at);
  }
  return since;
}

// A command whose commit failed may have come to light.
void Checker::TakeStored(const std::map<LinkName, LinkRecord>& records,
                         const std::map<Scope, ScopeRecord>& scopes) {
  gone_.assign(nodes_.size(), true);
  for (const NodeView& view : core_->Nodes()) {
    const auto node = std::ranges::find(nodes_, view.name, &Node::name);
    gone_[static_cast<size_t>(node - nodes_.begin())] = false;
  }
  for (Budget& budget : budgets_) {
    // The ledger's time may have been set back into an earlier window.
    Roll(budget);
    if (budget.scope.is_link()) continue;
    const auto stored = scopes.find(budget.scope);
    const bool has = stored != scopes.end();
    const auto quota = has ? std::optional(stored->second.quota) : std::nullopt;
    if (!SameTerms(budget.quota, quota))
      Take(budget, quota, has ? stored->second.window_start : LedgerTime{});
  }
  for (const auto& [name, record] : records) {
    Link* link = Find(name);
    if (link == nullptr) continue;
    if (!SameTerms(link->own->quota, record.quota))
      Take(*link->own, record.quota, record.account.window_start);
    if (record.suspended != link->suspended_since.has_value()) link->suspended_since.reset();
    if (record.suspended && !link->suspended_since) link->suspended_since = now_;
  }
}

}  // namespace sluice::sim
