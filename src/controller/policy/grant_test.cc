#include "controller/policy/grant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/policy/ledger.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

Quota QuotaOf(uint64_t volume) {
  Quota quota;
  quota.rate = BitRate{8'000'000};  // 1 MB/s
  quota.burst = Bytes{10'000};
  quota.volume = Bytes{volume};
  quota.lease_lifetime = absl::Seconds(2);
  return quota;
}

GrantInput MakeInput(uint64_t volume, uint64_t spent, uint64_t reported, uint64_t ceiling) {
  GrantInput input;
  input.quota = QuotaOf(volume);
  input.account.spent = Bytes{spent};
  input.account.boot = BootNonce{1};
  input.account.reported = Bytes{reported};
  input.account.ceiling = Bytes{ceiling};
  input.receiver_present = true;
  return input;
}

Denial Denied(const GrantInput& input) {
  const GrantDecision decision = DecideGrant(input);
  EXPECT_TRUE(std::holds_alternative<Denial>(decision));
  return std::get<Denial>(decision);
}

Grant Granted(const GrantInput& input) {
  const GrantDecision decision = DecideGrant(input);
  EXPECT_TRUE(std::holds_alternative<Grant>(decision));
  return std::get<Grant>(decision);
}

TEST(DecideGrantTest, SliceIsWhatTheRateCarries) {
  const Grant grant = Granted(MakeInput(10'000'000, 0, 0, 0));
  EXPECT_EQ(grant.volume_limit, Bytes{2'010'000});
  EXPECT_EQ(grant.account.ceiling, grant.volume_limit);
  EXPECT_EQ(grant.rate, BitRate{8'000'000});
  EXPECT_EQ(grant.lifetime, absl::Seconds(2));
}

TEST(DecideGrantTest, RenewalRaisesTheCeilingFromWhatIsUsed) {
  const Grant grant = Granted(MakeInput(10'000'000, 1'500'000, 1'500'000, 2'010'000));
  EXPECT_EQ(grant.volume_limit, Bytes{3'510'000});
}

TEST(DecideGrantTest, LastSliceIsWhatIsLeft) {
  const Grant grant = Granted(MakeInput(10'000'000, 9'500'000, 9'500'000, 9'600'000));
  EXPECT_EQ(grant.volume_limit, Bytes{10'000'000});
}

TEST(DecideGrantTest, NothingLeftToGrantRenewsTheLifetimeWithTheSameCeiling) {
  const Grant grant = Granted(MakeInput(10'000'000, 9'999'000, 9'999'000, 10'000'000));
  EXPECT_EQ(grant.volume_limit, Bytes{10'000'000});
}

TEST(DecideGrantTest, NothingLeftAtAllIsExhausted) {
  const Denial denial = Denied(MakeInput(10'000'000, 10'000'000, 10'000'000, 10'000'000));
  EXPECT_EQ(denial.reason, Denial::Reason::kExhausted);
}

TEST(DecideGrantTest, ExhaustedInAWindowIsRetriedAtItsEnd) {
  GrantInput input = MakeInput(1'000, 1'000, 1'000, 1'000);
  input.quota->window = absl::Seconds(20);
  input.now = LedgerTime{} + absl::Seconds(15);
  const Denial denial = Denied(input);
  EXPECT_EQ(denial.reason, Denial::Reason::kExhausted);
  EXPECT_EQ(denial.retry_after, absl::Seconds(5));
}

TEST(DecideGrantTest, OutstandingOfALaterWindowIsNotGrantedTwice) {
  // 1 MB of the last window is still out: only 9 MB may be granted beside it.
  GrantInput input = MakeInput(2'000'000, 0, 5'000'000, 6'000'000);
  const Grant grant = Granted(input);
  EXPECT_EQ(grant.volume_limit, Bytes{7'000'000});
  EXPECT_EQ(Available(*input.quota, grant.account), Bytes{0});
}

TEST(DecideGrantTest, ALoweredQuotaBoundsTheNextLeaseEvenIfTheLastOneIsUnaccountedFor) {
  // 9 MB were out under a lease that died unreported; the quota is 2 MB now.
  const Grant grant = Granted(MakeInput(2'000'000, 1'000'000, 1'000'000, 10'000'000));
  EXPECT_EQ(grant.volume_limit, Bytes{2'000'000});
  EXPECT_EQ(grant.account.ceiling, Bytes{10'000'000});
}

TEST(DecideGrantTest, EveryRefusalHasItsReasonAndTellsWhenToRetry) {
  GrantInput input = MakeInput(1'000'000, 0, 0, 0);
  input.receiver_present = false;
  EXPECT_EQ(Denied(input).reason, Denial::Reason::kPeerAbsent);
  input.recalling = true;
  EXPECT_EQ(Denied(input).reason, Denial::Reason::kRecalling);
  input.revoked = "drill";
  EXPECT_EQ(Denied(input).reason, Denial::Reason::kRevoked);
  EXPECT_THAT(Denied(input).text, HasSubstr("drill"));
  input.quota.reset();
  EXPECT_EQ(Denied(input).reason, Denial::Reason::kNoQuota);
  EXPECT_GT(Denied(input).retry_after, absl::ZeroDuration());
}

TEST(DecideGrantTest, ExtremesDoNotOverflow) {
  GrantInput input = MakeInput(kMaxVolume.value, 0, kMaxCount.value - 10, kMaxCount.value - 10);
  input.quota->rate = kMaxRate;
  input.quota->lease_lifetime = kMaxLeaseLifetime;
  EXPECT_EQ(Granted(input).volume_limit, kMaxCount);
  input.quota->rate = kMinRate;
  input.quota->lease_lifetime = kMinLeaseLifetime;
  input.account.reported = input.account.ceiling = Bytes{0};
  EXPECT_EQ(Granted(input).volume_limit, Bytes{11'000});
}

class QuotaChangeTest : public testing::Test {
 protected:
  QuotaChangeTest() {
    account_.spent = account_.reported = Bytes{400};
    account_.ceiling = Bytes{900};
    account_.boot = BootNonce{1};
    lease_.sequence = 3;
    lease_.rate = quota_.rate;
    lease_.burst = quota_.burst;
    lease_.lifetime = quota_.lease_lifetime;
  }
  QuotaChange Change(const Quota& after) {
    return DecideQuotaChange(quota_, after, account_, lease_, LedgerTime{5});
  }
  Quota quota_ = QuotaOf(1'000);
  LinkAccount account_;
  IssuedLease lease_;
};

TEST_F(QuotaChangeTest, RaisingNeedsNoRecallAndKeepsWhatIsSpent) {
  Quota after = quota_;
  after.volume = Bytes{5'000};
  after.rate = BitRate{16'000'000};
  const QuotaChange change = Change(after);
  EXPECT_FALSE(change.recall);
  EXPECT_EQ(change.account, account_);
}

TEST_F(QuotaChangeTest, LoweringBelowTheLeaseRecallsIt) {
  Quota after = quota_;
  after.volume = Bytes{899};
  EXPECT_TRUE(Change(after).recall);
  after.volume = Bytes{900};
  EXPECT_FALSE(Change(after).recall);
  after.rate.bps -= 1;
  EXPECT_TRUE(Change(after).recall);
  after = quota_;
  after.burst.value -= 1;
  EXPECT_TRUE(Change(after).recall);
  after = quota_;
  after.lease_lifetime -= absl::Milliseconds(1);
  EXPECT_TRUE(Change(after).recall);
}

TEST_F(QuotaChangeTest, WithoutALiveLeaseThereIsNothingToRecall) {
  Quota after = quota_;
  after.rate = kMinRate;
  EXPECT_FALSE(DecideQuotaChange(quota_, after, account_, std::nullopt, LedgerTime{5}).recall);
}

TEST_F(QuotaChangeTest, ANewWindowBeginsNowAndCarriesWhatIsSpent) {
  Quota after = quota_;
  after.window = absl::Hours(1);
  const QuotaChange change = Change(after);
  EXPECT_EQ(change.account.window_start, LedgerTime{5});
  EXPECT_EQ(change.account.spent, Bytes{400});
}

TEST_F(QuotaChangeTest, ANewLifeForgetsTheBudgetButNotWhatIsOutstanding) {
  const QuotaChange change =
      DecideQuotaChange(std::nullopt, quota_, account_, std::nullopt, LedgerTime{5});
  EXPECT_EQ(change.account.spent, Bytes{0});
  EXPECT_EQ(Outstanding(change.account), Bytes{500});
}

TEST(GrantTest, ATamperedEndGetsNothing) {
  GrantInput input;
  input.quota.emplace();
  input.receiver_present = true;
  input.tampered = "node b1 was tampered with";
  const GrantDecision decision = DecideGrant(input);
  const auto* denial = std::get_if<Denial>(&decision);
  ASSERT_NE(denial, nullptr);
  EXPECT_EQ(denial->reason, Denial::Reason::kTampered);
  EXPECT_EQ(denial->text, input.tampered);
}

}  // namespace
}  // namespace sluice
