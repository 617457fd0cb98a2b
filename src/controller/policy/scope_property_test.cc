// Scopes hold their volume, rate and burst under random sequences of requests on many
// links, lost leases, traffic, reports, reboots and windows, at any scale up to
// 400 Gbit/s and 4 EiB.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <vector>

#include "controller/policy/grant.h"
#include "controller/policy/ledger.h"
#include "controller/policy/scope.h"

namespace sluice {
namespace {

constexpr size_t kLinkCount = 4;
constexpr uint64_t kClaimants = kLinkCount;

struct Move {
  int kind = 0;
  uint64_t amount = 0;
  uint32_t link = 0;
  bool lost = false;
  friend std::ostream& operator<<(std::ostream& out, const Move& move) {
    return out << "{" << move.kind << ", " << move.amount << ", " << move.link << ", " << move.lost
               << "}";
  }
};

// An honest sender's gate and what the ledger keeps of its link.
struct Side {
  LinkRecord record;
  uint64_t admitted = 0;
  uint64_t limit = 0;
  uint64_t sequence = 0;
  bool open = false;
};

// All links are in the fleet; the first two are of one node.
class Shared {
 public:
  Shared(const Quota& link, const Quota& fleet, const Quota& node) {
    scopes_[0].quota = fleet;
    scopes_[1].quota = node;
    for (Side& side : sides_) {
      side.record.quota = link;
      side.record.account = Rebooted(LinkAccount{}, BootNonce{1}, Bytes{0});
    }
  }

  void Do(const Move& move) {
    Side& side = sides_[move.link % kLinkCount];
    switch (move.kind) {
      case 0:
        return Request(side, move.link % kLinkCount, move.lost);
      case 1:
        return Traffic(side, move.link % kLinkCount, move.amount);
      case 2:
        return Report(side);
      case 3:
        side.open = false;
        return move.lost ? void() : Report(side);
      case 4:
        return Reboot(side);
      default:
        now_ = now_ + absl::Nanoseconds(static_cast<int64_t>(move.amount >> 26));
        return Roll();
    }
  }

  void Check() {
    for (size_t i = 0; i < scopes_.size(); ++i) {
      const ScopeSums sums = Sums(i);
      const Bytes charged = SaturatingAdd(Spent(scopes_[i], sums), Outstanding(sums));
      RC_ASSERT(charged <= scopes_[i].quota.volume);
      RC_ASSERT(Bytes{truth_[i]} <= charged);
      RC_ASSERT(!IsExceeded(scopes_[i], sums));
    }
  }

 private:
  static bool In(size_t scope, size_t link) { return scope == 0 || link < 2; }
  LinkCharge Charge(const Side& side) const {
    const IssuedLease& lease = side.record.send;
    return ChargeOf(side.record, lease.sequence > 0 && !lease.closed && now_ < lease.dead_at, now_);
  }
  ScopeSums Sums(size_t scope) const {
    ScopeSums sums;
    for (size_t link = 0; link < kLinkCount; ++link)
      if (In(scope, link)) sums += Charge(sides_[link]);
    return sums;
  }
  void Roll() {
    for (size_t i = 0; i < scopes_.size(); ++i) {
      const LedgerTime before = scopes_[i].window_start;
      scopes_[i] = Rolled(scopes_[i], Sums(i), now_);
      if (scopes_[i].window_start != before) truth_[i] = 0;
    }
  }

  void Report(Side& side) {
    SenderCount count{*side.record.account.boot, Bytes{side.admitted}, std::nullopt, Bytes{0}};
    if (side.sequence >= side.record.send.sequence) {
      count.bound = Bytes{side.open ? side.limit : side.admitted};
      side.record.send.closed = !side.open;
      side.record.held = HeldRate{};
    }
    side.record.account = Reported(side.record.account, count);
  }

  void Request(Side& side, size_t link, bool lost) {
    Report(side);
    GrantInput input;
    input.quota = side.record.quota;
    input.account = side.record.account;
    input.now = now_;
    input.receiver_present = true;
    for (size_t i = 0; i < scopes_.size(); ++i)
      if (In(i, link))
        input.rooms.push_back(RoomFor(scopes_[i], Sums(i), Charge(side), kClaimants, now_));
    const GrantDecision decision = DecideGrant(input);
    if (!std::holds_alternative<Grant>(decision)) return;
    const Grant& grant = std::get<Grant>(decision);
    IssuedLease& lease = side.record.send;
    if (lease.sequence > 0 && !lease.closed && now_ < lease.dead_at)
      side.record.held = Held(side.record, now_);
    side.record.account = grant.account;
    ++lease.sequence;
    lease.rate = grant.rate;
    lease.burst = grant.burst;
    lease.dead_at = now_ + grant.lifetime;
    lease.closed = false;
    if (lost) return;
    side.sequence = lease.sequence;
    side.limit = grant.volume_limit.value;
    side.open = true;
  }

  void Traffic(Side& side, size_t link, uint64_t wanted) {
    if (!side.open || side.admitted >= side.limit) return;
    const uint64_t bytes = std::min(wanted, side.limit - side.admitted);
    side.admitted += bytes;
    for (size_t i = 0; i < scopes_.size(); ++i)
      if (In(i, link)) truth_[i] += bytes;
  }

  void Reboot(Side& side) {
    BootNonce boot = *side.record.account.boot;
    ++boot[1];
    side.record.account = Rebooted(side.record.account, boot, Bytes{0});
    side.record.send.closed = true;
    side.record.held = HeldRate{};
    side.admitted = side.limit = 0;
    side.open = false;
  }

  std::array<Side, kLinkCount> sides_;
  std::array<ScopeRecord, 2> scopes_;
  std::array<uint64_t, 2> truth_{};
  LedgerTime now_{1};
};

rc::Gen<uint64_t> Sized(uint64_t most) {
  return rc::gen::apply([most](uint64_t raw, int shift) { return std::min(raw >> shift, most); },
                        rc::gen::arbitrary<uint64_t>(), rc::gen::inRange(1, 64));
}

rc::Gen<Quota> QuotaOf(Scope scope) {
  const bool link = scope.is_link();
  return rc::gen::apply(
      [scope, link](uint64_t rate, uint64_t volume, bool windowed, uint32_t window_s) {
        Quota quota;
        quota.scope = scope;
        quota.rate = std::max(kMinRate, BitRate{rate});
        quota.burst = DefaultBurst(quota.rate, scope.kind);
        quota.volume = Bytes{volume + 1};
        quota.lease_lifetime = absl::Seconds(30);
        if (windowed && !link) quota.window = absl::Seconds(1 + window_s);
        return quota;
      },
      Sized(link ? kMaxRate.bps : kMaxScopeRate.bps), Sized(kMaxVolume.value - 1),
      rc::gen::arbitrary<bool>(), rc::gen::inRange<uint32_t>(0, 1'000));
}

TEST(ScopePropertyTest, VolumeRateAndBurstHoldWhateverHappens) {
  EXPECT_TRUE(rc::check([] {
    Shared shared(*QuotaOf(Scope::Link({"a1", "b1"})), *QuotaOf(Scope::Fleet()),
                  *QuotaOf(Scope::Node("a1")));
    const auto moves =
        *rc::gen::resize(400, rc::gen::container<std::vector<Move>>(rc::gen::build<Move>(
                                  rc::gen::set(&Move::kind, rc::gen::inRange(0, 6)),
                                  rc::gen::set(&Move::amount, Sized(~uint64_t{0})),
                                  rc::gen::set(&Move::link), rc::gen::set(&Move::lost))));
    for (const Move& move : moves) {
      shared.Do(move);
      shared.Check();
    }
  }));
}

}  // namespace
}  // namespace sluice
