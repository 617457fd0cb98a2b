// Leases, counts and sums.
#include <algorithm>

#include "base/strings.h"
#include "tests/sim/checker.h"
#include "wire/lease_codec.h"

namespace sluice::sim {
namespace {

constexpr int64_t kClockSlack = 2 * kMicrosecond;
constexpr size_t kMostIssued = 64;

uint64_t Difference(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

std::string LeaseWords(const LinkSide& side, uint64_t sequence) {
  return StrCat(side.link.ToString(), " (", RoleName(side.role), ") lease ", sequence);
}

}  // namespace

void Checker::LeaseLeft(const agent::v1::SignedLease& signed_lease, const LinkRecord* record) {
  agent::v1::Lease proto;
  if (!proto.ParseFromString(signed_lease.lease())) return Fail("replay", "a lease does not parse");
  const absl::StatusOr<Lease> lease = FromProto(proto);
  Link* link = lease.ok() ? Find(lease->side.link) : nullptr;
  if (link == nullptr) return Fail("replay", "a lease is malformed or on an unknown link");
  CheckDurable(*lease, record);
  CheckTerms(*link, *lease);
  End& end = EndOf(*link, lease->side.role);
  const bool again = lease->sequence <= end.newest_issued;
  end.newest_issued = std::max(end.newest_issued, lease->sequence);
  const auto node = static_cast<size_t>(end.node);
  if (again || lease->boot_nonce != boots_[node]) return;
  Issued issued{*lease, nodes_[node].clock->TrueAt(lease->anchor), 0};
  const double longest =
      absl::ToDoubleNanoseconds(lease->lifetime) / (1.0 - static_cast<double>(rho_ppb_) / 1e9);
  issued.deadline = issued.anchor + static_cast<int64_t>(longest) + kClockSlack;
  // An old report may be of a boot whose clock stood higher; the agent refuses the lease.
  if (issued.anchor > now_ && !repeated_[node])
    Fail("time", "a lease's lifetime begins in the future");
  end.issued[lease->sequence] = std::move(issued);
  if (end.issued.size() > kMostIssued) end.issued.erase(end.issued.begin());
  if (lease->side.role == Role::kSend) CheckBudgets(*link, *lease);
}

void Checker::CheckDurable(const Lease& lease, const LinkRecord* record) {
  const std::string words = LeaseWords(lease.side, lease.sequence);
  if (record == nullptr) return Fail("durable", words + " left and its link is not in the store");
  const bool sends = lease.side.role == Role::kSend;
  const IssuedLease& stored = sends ? record->send : record->receive;
  if (stored.sequence < lease.sequence)
    return Fail("durable", words + " left before it was stored");
  if (stored.sequence == lease.sequence &&
      (stored.volume_limit != lease.volume_limit || stored.boot != lease.boot_nonce))
    return Fail("durable", words + " is not the one that was stored");
  if (sends && record->account.boot == lease.boot_nonce &&
      record->account.ceiling < lease.volume_limit)
    Fail("durable", words + " allows more than the store charges");
}

void Checker::CheckTerms(const Link& link, const Lease& lease) {
  const std::string words = LeaseWords(lease.side, lease.sequence);
  if (!link.own->quota) return Fail("revocation", words + " left and the link has no quota");
  if (ShutSince(link)) return Fail("revocation", words + " left and the link is revoked");
  const bool sends = lease.side.role == Role::kSend;
  for (const Budget* budget : link.budgets) {
    const std::optional<Quota>& quota = budget->quota;
    if (quota && (lease.rate > quota->rate || lease.burst > quota->burst ||
                  (sends && lease.lifetime > quota->lease_lifetime)))
      Fail("conservation",
           StrCat(words, " is faster or longer than the quota of ", budget->scope.ToString()));
  }
}

void Checker::CheckBudgets(Link& link, const Lease& lease) {
  for (Budget* budget : link.budgets) {
    if (!budget->quota || !Counts(*budget, link)) continue;
    Roll(*budget);
    const uint64_t potential = Used(*budget) + Headroom(*budget);
    if (potential > budget->allowed)
      Fail("renewal",
           StrCat(LeaseWords(lease.side, lease.sequence), " left: ", Used(*budget), " bytes of ",
                  budget->scope.ToString(), " are used, and leases allow up to ", potential, " of ",
                  budget->allowed));
  }
}

bool Checker::IsLive(const End& end) const {
  return end.held && now_ < end.held->deadline &&
         nodes_[static_cast<size_t>(end.node)].clock->Now() < end.held->lease.ExpiresAt();
}

void Checker::CheckRates(Budget& budget) {
  if (!budget.quota) return;
  uint64_t rate = 0;
  uint64_t burst = 0;
  for (const Link* link : budget.links) {
    if (!IsLive(link->sender) || !Counts(budget, *link)) continue;
    rate += link->sender.held->lease.rate.bps;
    burst += link->sender.held->lease.burst.value;
  }
  const bool within = rate <= budget.quota->rate.bps && burst <= budget.quota->burst.value;
  if (!within && budget.rates_bounded)
    Fail("conservation",
         StrCat("the gates of ", budget.scope.ToString(), " may do ", rate, " bit/s and bursts of ",
                burst, " of ", budget.quota->rate.bps, " and ", budget.quota->burst.value));
  budget.rates_bounded |= within;
}

void Checker::GateChanged(int node) {
  const FakeGate& gate = *nodes_[static_cast<size_t>(node)].gate;
  for (auto& [link, role] : sides_[static_cast<size_t>(node)]) {
    End& end = EndOf(*link, role);
    const std::optional<GateLease> lease = gate.LeaseOf(end.side);
    if (!lease) {
      end.held.reset();
    } else if (!end.held || end.held->lease.sequence != lease->sequence) {
      CheckHeld(*link, end, *lease);
    }
  }
}

void Checker::CheckHeld(Link& link, End& end, const GateLease& lease) {
  const std::string words = LeaseWords(end.side, lease.sequence);
  const auto issued = end.issued.find(lease.sequence);
  if (issued == end.issued.end())
    return Fail("replay", words + " is at the gate; it was not issued for this boot");
  if (lease.sequence <= end.newest_held)
    return Fail("replay", StrCat(words, " was taken after lease ", end.newest_held));
  if (lease.sequence <= end.revoked)
    return Fail("revocation", words + " was taken after it was revoked");
  if (lease.volume_limit > issued->second.lease.volume_limit)
    return Fail("conservation", words + " allows more at the gate than it says");
  if (lease.expires_at > issued->second.lease.ExpiresAt())
    return Fail("time", words + " ends later at the gate than it says");
  end.newest_held = lease.sequence;
  end.held = issued->second;
  if (end.side.role != Role::kSend) return;
  for (Budget* budget : link.budgets) CheckRates(*budget);
}

void Checker::Admitted(size_t index, Role role, uint64_t bytes) {
  Link& link = links_[index];
  const End& end = EndOf(link, role);
  if (!end.held)
    return Fail("fail closed", StrCat(link.name.ToString(), " (", RoleName(role),
                                      "): admitted without a lease of this boot"));
  CheckTime(link, end);
  if (end.held->lease.sequence <= end.revoked)
    Fail("revocation", LeaseWords(end.side, end.held->lease.sequence) +
                           " admitted a packet after its Revoke was obeyed");
  const std::optional<TrueTime> shut = ShutSince(link);
  if (shut && now_ - std::max(*shut, quiet_since_) > kRecallBound)
    Fail("revocation",
         link.name.ToString() + ": a packet was admitted although the link is long revoked");
  if (role == Role::kReceive) return;
  for (Budget* budget : link.budgets) Roll(*budget);
  link.admitted += bytes;
  link.boot_admitted += bytes;
  for (Budget* budget : link.budgets) {
    if (!Counts(*budget, link)) budget->baseline += bytes;
    if (budget->quota && Used(*budget) > budget->allowed)
      Fail("conservation", StrCat(budget->scope.ToString(), ": ", Used(*budget),
                                  " bytes were admitted of ", budget->allowed, " allowed"));
  }
}

void Checker::CheckTime(Link&, const End& end) {
  const Issued& held = *end.held;
  if (now_ >= held.deadline)
    return Fail("time", StrCat(LeaseWords(end.side, held.lease.sequence), " admitted a packet ",
                               now_ - held.deadline, " ns after it must have ended"));
  // What the controller believes matters near the end only: once dead, dead for good.
  const int64_t shortest = static_cast<int64_t>(absl::ToDoubleNanoseconds(held.lease.lifetime) /
                                                (1.0 + static_cast<double>(rho_ppb_) / 1e9));
  if (now_ >= held.anchor + shortest - kMillisecond) CheckBelief(end);
}

void Checker::CheckBelief(const End& end) {
  if (core_ == nullptr) return;
  const uint64_t sequence = end.held->lease.sequence;
  for (const LeaseView& view : core_->Leases()) {
    if (view.side != end.side || view.sequence != sequence) continue;
    if (view.state == LeaseView::State::kDead)
      Fail("time", LeaseWords(end.side, sequence) + " is dead to the controller and admits");
    if (view.state == LeaseView::State::kClosed)
      Fail("unreported",
           LeaseWords(end.side, sequence) + " is closed to the controller and admits");
  }
}

void Checker::Committed(const LinkRecord& record) {
  Link* link = Find(record.link);
  if (link == nullptr || !link->own->quota || !record.quota) return;
  // A command's own commit: QuotaSet follows.
  Budget& budget = *link->own;
  const Quota& ours = *budget.quota;
  const Quota& theirs = *record.quota;
  if (ours.volume != theirs.volume || ours.window != theirs.window) return;
  Roll(budget);
  if (ours.window) {
    const LedgerTime start = budget.grid + *ours.window * budget.window;
    if (record.account.window_start != start) return;  // not rolled yet
  }
  CheckSums(*link, record);
}

void Checker::CheckSums(Link& link, const LinkRecord& record) {
  const LinkAccount& account = record.account;
  const uint64_t charged =
      account.spent.value + Difference(account.ceiling.value, account.reported.value);
  uint64_t live = 0;
  if (IsLive(link.sender))
    live = Difference(link.sender.held->lease.volume_limit.value, link.boot_admitted);
  const uint64_t used = Used(*link.own);
  if (charged < used + live)
    Fail("unreported", StrCat(link.name.ToString(), ": the store charges ", charged, " bytes; ",
                              used, " were admitted and a live lease allows ", live, " more"));
  if (charged <= link.own->quota->volume.value) {
    link.bounded = true;
  } else if (link.bounded && !link.overcounted) {
    Fail("conservation", StrCat(link.name.ToString(), ": the store charges ", charged, " bytes of ",
                                link.own->quota->volume.value));
  }
}

}  // namespace sluice::sim
