// Conservation under random sequences of requests, lost and late leases,
// traffic, reports that are lost, repeated and reordered, reboots, windows and
// operators' changes, at any scale up to 400 Gbit/s and 4 EiB.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <ostream>
#include <vector>

#include "controller/policy/grant.h"
#include "controller/policy/ledger.h"

namespace sluice {
namespace {

struct Step {
  int kind = 0;
  uint64_t amount = 0;
  uint32_t choice = 0;
  friend std::ostream& operator<<(std::ostream& out, const Step& step) {
    return out << "{" << step.kind << ", " << step.amount << ", " << step.choice << "}";
  }
};

struct GateReport {
  BootNonce boot{};
  uint64_t sequence = 0;
  uint64_t admitted = 0;
  uint64_t limit = 0;
  bool closed = false;
};

struct SentLease {
  BootNonce boot{};
  uint64_t sequence = 0;
  uint64_t limit = 0;
};

// An honest gate: admits up to the limit of the newest lease it was given.
struct Gate {
  BootNonce boot{1};
  uint64_t sequence = 0;
  uint64_t admitted = 0;
  uint64_t limit = 0;
  bool closed = true;

  void Apply(const SentLease& lease) {
    if (lease.boot != boot || lease.sequence <= sequence) return;
    sequence = lease.sequence;
    limit = lease.limit;
    closed = false;
  }
  uint64_t Admit(uint64_t wanted) {
    if (closed || admitted >= limit) return 0;
    const uint64_t bytes = std::min(wanted, limit - admitted);
    admitted += bytes;
    return bytes;
  }
  GateReport Report() const { return {boot, sequence, admitted, limit, closed}; }
};

// A ledger and its gate with everything between them that may go wrong, and
// the truth, counted beside both.
class World {
 public:
  explicit World(const Quota& quota) : quota_(quota) {
    account_ = DecideQuotaChange(std::nullopt, quota, LinkAccount{}, std::nullopt, now_).account;
    account_ = Rebooted(account_, gate_.boot, Bytes{0});
    cap_ = quota.volume;
  }

  void Do(const Step& step) {
    switch (step.kind) {
      case 0:
        return Request(step);
      case 1:
        truth_ += gate_.Admit(step.amount);
        return;
      case 2:
        reports_.push_back(gate_.Report());
        return;
      case 3:
        return DeliverReport(step);
      case 4:
        return DeliverLease(step);
      case 5:
        gate_.closed = true;
        return;
      case 6:
        return Reboot(step);
      case 7:
        return Pass(absl::Nanoseconds(static_cast<int64_t>(step.amount >> 16)));
      default:
        return ChangeQuota(step);
    }
  }

  void Check() {
    const Bytes charged = SaturatingAdd(account_.spent, Outstanding(account_));
    // Lowering a quota cannot take back what was charged before; it only may
    // not grow from there.
    cap_ = std::max(quota_.volume, std::min(cap_, charged));
    RC_ASSERT(charged <= cap_);
    RC_ASSERT(account_.reported <= account_.ceiling);
    RC_ASSERT(account_.ceiling <= kMaxCount);
    RC_ASSERT(Bytes{truth_} <= charged);
    if (account_.boot == gate_.boot && !gate_.closed) {
      RC_ASSERT(Bytes{gate_.limit} <= account_.ceiling);
    }
  }

 private:
  void Roll() {
    const LinkAccount before = account_;
    account_ = Rolled(quota_, account_, now_);
    if (account_.window_start != before.window_start) truth_ = 0;
  }

  void Take(const GateReport& report) {
    SenderCount count{report.boot, Bytes{report.admitted}, std::nullopt, Bytes{0}};
    const bool newest = report.boot == account_.boot && report.sequence >= issued_;
    if (newest) count.bound = Bytes{report.closed ? report.admitted : report.limit};
    account_ = Reported(account_, count);
    if (newest && report.closed) recalling_ = false;
  }

  void Request(const Step& step) {
    Roll();
    Take(gate_.Report());
    GrantInput input;
    input.quota = quota_;
    input.account = account_;
    input.now = now_;
    input.recalling = recalling_;
    input.receiver_present = true;
    const GrantDecision decision = DecideGrant(input);
    if (!std::holds_alternative<Grant>(decision)) return;
    account_ = std::get<Grant>(decision).account;
    const SentLease lease{gate_.boot, ++issued_, std::get<Grant>(decision).volume_limit.value};
    if (step.choice % 3 == 0) {
      gate_.Apply(lease);
    } else {
      leases_.push_back(lease);  // late, repeated, or lost for ever
    }
  }

  void DeliverReport(const Step& step) {
    if (reports_.empty()) return;
    Roll();
    Take(reports_[step.choice % reports_.size()]);  // stays: may come again
  }

  void DeliverLease(const Step& step) {
    if (!leases_.empty()) gate_.Apply(leases_[step.choice % leases_.size()]);
  }

  void Reboot(const Step& step) {
    gate_ = Gate{};
    gate_.boot =
        BootNonce{static_cast<uint8_t>(2 + step.choice % 200), static_cast<uint8_t>(++reboots_)};
    Roll();
    account_ = Rebooted(account_, gate_.boot, Bytes{0});
    recalling_ = false;
  }

  void Pass(absl::Duration d) {
    now_ = now_ + d;
    Roll();
  }

  void ChangeQuota(const Step& step) {
    Roll();
    Quota after = quota_;
    after.volume = Bytes{step.amount % kMaxVolume.value + 1};
    if (step.choice % 3 == 1) after.window = absl::Seconds(1 + step.choice % 100'000);
    if (step.choice % 3 == 2) after.window.reset();
    IssuedLease lease;
    lease.rate = quota_.rate;
    lease.burst = quota_.burst;
    lease.lifetime = quota_.lease_lifetime;
    const auto out = issued_ > 0 ? std::optional(lease) : std::nullopt;
    const QuotaChange change = DecideQuotaChange(quota_, after, account_, out, now_);
    account_ = change.account;
    recalling_ = recalling_ || change.recall;
    quota_ = after;
    cap_ = std::max(quota_.volume, SaturatingAdd(account_.spent, Outstanding(account_)));
  }

  Quota quota_;
  LinkAccount account_;
  LedgerTime now_{1};
  uint64_t issued_ = 0;
  bool recalling_ = false;
  Gate gate_;
  std::vector<SentLease> leases_;
  std::vector<GateReport> reports_;
  int reboots_ = 0;
  uint64_t truth_ = 0;  // admitted since `spent` was last 0
  Bytes cap_;
};

// Uniform over magnitudes: small and huge amounts are equally likely.
rc::Gen<uint64_t> Magnitude(uint64_t most) {
  return rc::gen::apply([most](uint64_t raw, int shift) { return std::min(raw >> shift, most); },
                        rc::gen::arbitrary<uint64_t>(), rc::gen::inRange(1, 64));
}

rc::Gen<std::vector<Step>> Steps() {
  return rc::gen::container<std::vector<Step>>(
      rc::gen::build<Step>(rc::gen::set(&Step::kind, rc::gen::inRange(0, 9)),
                           rc::gen::set(&Step::amount, Magnitude(~uint64_t{0})),
                           rc::gen::set(&Step::choice, rc::gen::inRange<uint32_t>(0, 1'000'000))));
}

rc::Gen<Quota> Quotas() {
  return rc::gen::apply(
      [](uint64_t rate, uint64_t volume, uint64_t lifetime_ms, bool windowed, uint32_t window_s) {
        Quota quota;
        quota.scope = Scope::Link({"a1", "b1"});
        quota.rate = std::max(kMinRate, BitRate{rate});
        quota.burst = DefaultBurst(quota.rate);
        quota.volume = Bytes{volume + 1};
        quota.lease_lifetime = absl::Milliseconds(1'000 + static_cast<int64_t>(lifetime_ms));
        if (windowed) quota.window = absl::Seconds(1 + window_s);
        return quota;
      },
      Magnitude(kMaxRate.bps), Magnitude(kMaxVolume.value - 1), Magnitude(86'399'000),
      rc::gen::arbitrary<bool>(), rc::gen::inRange<uint32_t>(0, 10'000'000));
}

TEST(ConservationTest, HoldsWhateverHappens) {
  EXPECT_TRUE(rc::check("spent + outstanding <= budget, and the truth is below both", [] {
    const Quota quota = *Quotas();
    World world(quota);
    for (const Step& step : *rc::gen::resize(400, Steps())) {
      world.Do(step);
      world.Check();
    }
  }));
}

TEST(ConservationTest, AGrantNeverExceedsRateTimesLifetimeNorTheBudget) {
  EXPECT_TRUE(rc::check([] {
    GrantInput input;
    input.quota = *Quotas();
    input.account.boot = BootNonce{1};
    input.account.reported = Bytes{*Magnitude(kMaxCount.value)};
    input.account.ceiling = input.account.reported;
    input.account.spent = Bytes{*Magnitude(kMaxCount.value)};
    input.receiver_present = true;
    const GrantDecision decision = DecideGrant(input);
    if (const auto* grant = std::get_if<Grant>(&decision)) {
      const uint64_t slice = grant->volume_limit.value - input.account.reported.value;
      RC_ASSERT(slice > 0u);
      RC_ASSERT(Bytes{slice} <= Left(*input.quota, input.account));
      const __uint128_t carried =
          static_cast<__uint128_t>(input.quota->rate.bps) *
          static_cast<__uint128_t>(absl::ToInt64Nanoseconds(input.quota->lease_lifetime)) / 8 /
          1'000'000'000;
      RC_ASSERT(static_cast<__uint128_t>(slice) <= carried + input.quota->burst.value);
    } else {
      RC_ASSERT(input.account.spent >= input.quota->volume || input.account.reported == kMaxCount);
    }
  }));
}

}  // namespace
}  // namespace sluice
