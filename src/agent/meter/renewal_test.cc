#include "agent/meter/renewal.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Ask = RenewalConversation::Ask;
constexpr BootTime kStart{1'000'000'000'000};
constexpr RequestId kId1{1};
constexpr RequestId kId2{2};

BootTime After(absl::Duration d) { return kStart + d; }

LeaseProgress Fresh() {
  LeaseProgress lease;
  lease.anchor = kStart;
  lease.lifetime = absl::Seconds(30);
  lease.slice_start = Bytes{1'000'000};
  lease.volume_limit = Bytes{2'000'000};
  lease.admitted = lease.slice_start;
  lease.rate = BitRate{8'000'000};  // 1 MB/s
  return lease;
}

TEST(RenewalDueTest, AtTwoThirdsOfTheLifetime) {
  EXPECT_FALSE(RenewalDue(Fresh(), After(absl::Seconds(20) - absl::Nanoseconds(1))));
  EXPECT_TRUE(RenewalDue(Fresh(), After(absl::Seconds(20))));
}

TEST(RenewalDueTest, AtFourFifthsOfTheSlice) {
  LeaseProgress lease = Fresh();
  lease.admitted = Bytes{1'799'999};
  EXPECT_FALSE(RenewalDue(lease, kStart));
  lease.admitted = Bytes{1'800'000};
  EXPECT_TRUE(RenewalDue(lease, kStart));
}

TEST(RenewalDueTest, TheLargestSliceDoesNotOverflow) {
  LeaseProgress lease = Fresh();
  lease.slice_start = Bytes{0};
  lease.volume_limit = kMaxVolume;
  lease.rate = kMaxRate;
  lease.admitted = Bytes{kMaxVolume.value / 2};
  EXPECT_FALSE(RenewalDue(lease, kStart));
  lease.admitted = Bytes{kMaxVolume.value / 100 * 81};
  EXPECT_TRUE(RenewalDue(lease, kStart));
}

TEST(RenewalDueTest, WithoutNewVolumeItAsksOnceASecond) {
  LeaseProgress lease = Fresh();
  lease.brought_no_volume = true;
  lease.admitted = lease.volume_limit;
  EXPECT_FALSE(RenewalDue(lease, After(absl::Milliseconds(999))));
  EXPECT_TRUE(RenewalDue(lease, After(absl::Seconds(1))));
}

TEST(RenewalCheckTest, LooksAgainWhenTheRateCouldHaveGotThere) {
  // 800 kB at 1 MB/s.
  EXPECT_EQ(RenewalCheckAt(Fresh(), kStart), After(absl::Milliseconds(800)));
  LeaseProgress slow = Fresh();
  slow.rate = kMinRate;
  EXPECT_EQ(RenewalCheckAt(slow, kStart), After(absl::Seconds(20)));
}

TEST(RenewalCheckTest, NeverLooksMoreThanAHundredTimesASecond) {
  LeaseProgress fast = Fresh();
  fast.rate = kMaxRate;
  EXPECT_EQ(RenewalCheckAt(fast, kStart), After(absl::Milliseconds(10)));
}

TEST(RenewalConversationTest, AsksAtOnceWithoutALease) {
  RenewalConversation talk;
  EXPECT_EQ(talk.Decide(std::nullopt, kStart), Ask::kNewRequest);
  EXPECT_EQ(talk.NextAt(std::nullopt, kStart), kStart);
}

TEST(RenewalConversationTest, IsQuietUntilTheLeaseIsDue) {
  RenewalConversation talk;
  EXPECT_EQ(talk.Decide(Fresh(), After(absl::Seconds(19))), Ask::kNothing);
  EXPECT_EQ(talk.Decide(Fresh(), After(absl::Seconds(20))), Ask::kNewRequest);
}

TEST(RenewalConversationTest, RepeatsUnderTheSameIdWithGrowingPauses) {
  RenewalConversation talk;
  BootTime now = kStart;
  talk.Sent(kId1, now);
  for (int pause_ms : {500, 1000, 2000, 2000, 2000}) {
    EXPECT_EQ(talk.Decide(std::nullopt, now + absl::Milliseconds(pause_ms - 1)), Ask::kNothing);
    now = now + absl::Milliseconds(pause_ms);
    EXPECT_EQ(talk.NextAt(std::nullopt, now), now);
    ASSERT_EQ(talk.Decide(std::nullopt, now), Ask::kRepeat);
    EXPECT_EQ(talk.request_id(), kId1);
    talk.Sent(kId1, now);
  }
}

TEST(RenewalConversationTest, AfterAnAnswerComesANewRequest) {
  RenewalConversation talk;
  talk.Sent(kId1, kStart);
  EXPECT_TRUE(talk.Granted(kId1));
  EXPECT_FALSE(talk.outstanding());
  EXPECT_EQ(talk.Decide(std::nullopt, kStart), Ask::kNewRequest);
}

TEST(RenewalConversationTest, AnswersToOthersChangeNothing) {
  RenewalConversation talk;
  talk.Sent(kId1, kStart);
  EXPECT_FALSE(talk.Granted(kId2));
  talk.Denied(kId2, absl::Seconds(9), kStart);
  EXPECT_TRUE(talk.outstanding());
  EXPECT_EQ(talk.Decide(std::nullopt, After(absl::Milliseconds(500))), Ask::kRepeat);
}

TEST(RenewalConversationTest, DenialsBackOff) {
  RenewalConversation talk;
  BootTime now = kStart;
  for (int pause_ms : {100, 200, 400, 800, 1000, 1000}) {
    talk.Sent(kId1, now);
    talk.Denied(kId1, absl::ZeroDuration(), now);
    EXPECT_EQ(talk.NextAt(std::nullopt, now), now + absl::Milliseconds(pause_ms));
    EXPECT_EQ(talk.Decide(std::nullopt, now + absl::Milliseconds(pause_ms - 1)), Ask::kNothing);
    now = now + absl::Milliseconds(pause_ms);
    ASSERT_EQ(talk.Decide(std::nullopt, now), Ask::kNewRequest);
  }
}

TEST(RenewalConversationTest, TheControllersAdviceIsKeptWithinReason) {
  RenewalConversation talk;
  talk.Sent(kId1, kStart);
  talk.Denied(kId1, absl::Seconds(30), kStart);
  EXPECT_EQ(talk.NextAt(std::nullopt, kStart), After(absl::Seconds(30)));
  talk.Sent(kId2, After(absl::Seconds(30)));
  talk.Denied(kId2, absl::Hours(1000), kStart);
  EXPECT_EQ(talk.NextAt(std::nullopt, kStart), After(absl::Minutes(5)));
}

TEST(RenewalConversationTest, AChangeEndsTheWaiting) {
  RenewalConversation talk;
  talk.Sent(kId1, kStart);
  talk.Denied(kId1, absl::Seconds(30), kStart);
  talk.Hurry();
  EXPECT_EQ(talk.Decide(std::nullopt, kStart), Ask::kNewRequest);
}

TEST(RenewalConversationTest, AChangeAsksEvenWithAFreshLease) {
  RenewalConversation talk;
  talk.Hurry();
  EXPECT_EQ(talk.Decide(Fresh(), kStart), Ask::kNewRequest);
  talk.Sent(kId1, kStart);
  EXPECT_TRUE(talk.Granted(kId1));
  EXPECT_EQ(talk.Decide(Fresh(), kStart), Ask::kNothing);
}

TEST(RenewalConversationTest, AChangeDuringARequestAsksAgainAfterItsAnswer) {
  RenewalConversation talk;
  talk.Sent(kId1, kStart);
  talk.Hurry();
  EXPECT_EQ(talk.Decide(std::nullopt, kStart), Ask::kNothing);
  talk.Granted(kId1);
  EXPECT_EQ(talk.Decide(Fresh(), kStart), Ask::kNewRequest);
}

TEST(RenewalConversationTest, ANewSessionRepeatsAtOnceUnderTheSameId) {
  RenewalConversation talk;
  talk.Sent(kId1, kStart);
  talk.Reconnected();
  EXPECT_EQ(talk.Decide(std::nullopt, kStart), Ask::kRepeat);
}

TEST(RenewalConversationTest, ALeaseThatCouldNotBeUsedDoesNotSpin) {
  RenewalConversation talk;
  talk.Sent(kId1, kStart);
  EXPECT_TRUE(talk.Granted(kId1));
  talk.Unusable(kStart);
  EXPECT_EQ(talk.Decide(std::nullopt, kStart), Ask::kNothing);
  EXPECT_EQ(talk.Decide(std::nullopt, After(absl::Milliseconds(100))), Ask::kNewRequest);
}

}  // namespace
}  // namespace sluice
