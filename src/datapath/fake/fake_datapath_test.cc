#include "datapath/fake/fake_datapath.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using Call = FakeDatapath::Call;
using ::testing::Optional;

const LinkSide kSend{{"a1", "b1"}, Role::kSend};
const LinkSide kReceive{{"b1", "a1"}, Role::kReceive};

class FakeDatapathTest : public ::testing::Test {
 protected:
  FakeDatapathTest() {
    EXPECT_FALSE(datapath_.Start({})->counters_kept);
    const IpPrefix far = ParseIpPrefix("10.2.0.0/24").value();
    EXPECT_TRUE(datapath_.SetRoutes({{far, kSend}, {far, kReceive}}).ok());
  }
  GateLease Lease(uint64_t volume, absl::Duration lifetime = absl::Seconds(30)) {
    GateLease lease;
    lease.sequence = 3;
    lease.rate = BitRate{8'000'000};  // one byte per microsecond
    lease.burst = Bytes{3000};
    lease.volume_limit = Bytes{volume};
    lease.expires_at = clock_.Now() + lifetime;
    return lease;
  }

  FakeClock clock_;
  FakeGate gate_{clock_};
  FakeDatapath datapath_{gate_};
};

TEST_F(FakeDatapathTest, ChecksInTheGatesOrder) {
  EXPECT_THAT(gate_.Offer({{"x", "y"}, Role::kSend}, 100), Optional(SLUICE_DROP_NO_LINK));
  EXPECT_THAT(gate_.Offer(kSend, 100), Optional(SLUICE_DROP_NO_LEASE));
  ASSERT_TRUE(datapath_.Apply(kSend, Lease(1000)).ok());
  EXPECT_EQ(gate_.Offer(kSend, 900), std::nullopt);
  EXPECT_THAT(gate_.Offer(kSend, 101), Optional(SLUICE_DROP_VOLUME));
  EXPECT_EQ(gate_.Offer(kSend, 100), std::nullopt);
  clock_.Advance(absl::Seconds(30));
  EXPECT_THAT(gate_.Offer(kSend, 1), Optional(SLUICE_DROP_EXPIRED));
  ASSERT_TRUE(datapath_.SetKillSwitch(true).ok());
  EXPECT_THAT(gate_.Offer(kSend, 1), Optional(SLUICE_DROP_KILL_SWITCH));
  const auto reading = datapath_.Read();
  ASSERT_TRUE(reading.ok());
  EXPECT_EQ(reading->unattributed[SLUICE_DROP_KILL_SWITCH].packets, 1u);
  EXPECT_EQ(reading->unattributed[SLUICE_DROP_NO_LINK].bytes, 100u);
  EXPECT_EQ(reading->links[0].drops[SLUICE_DROP_VOLUME].bytes, 101u);
  EXPECT_EQ(reading->links[0].admitted.value, 1000u);
}

TEST_F(FakeDatapathTest, SendersKeepTheirRate) {
  ASSERT_TRUE(datapath_.Apply(kSend, Lease(kMaxVolume.value)).ok());
  uint64_t sent = 0;
  for (int ms = 0; ms < 1000; ++ms) {
    while (gate_.Offer(kSend, 1000) == std::nullopt) sent += 1000;
    clock_.Advance(absl::Milliseconds(1));
  }
  EXPECT_LE(sent, 1'000'000u + 3000 + 5000 + 1000);
  EXPECT_GE(sent, 1'000'000u);
  ASSERT_TRUE(datapath_.Apply(kReceive, Lease(kMaxVolume.value)).ok());
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(gate_.Offer(kReceive, 1000), std::nullopt);
}

TEST_F(FakeDatapathTest, NothingLeavesAfterTheEnd) {
  ASSERT_TRUE(datapath_.Apply(kSend, Lease(kMaxVolume.value, absl::Milliseconds(2))).ok());
  while (gate_.Offer(kSend, 500) == std::nullopt) {
  }
  EXPECT_THAT(gate_.Offer(kSend, 500), Optional(SLUICE_DROP_EXPIRED));
  EXPECT_LE(gate_.Admitted(kSend), 3000u + 2000 + 500);
}

TEST_F(FakeDatapathTest, TheGateOutlivesItsAgentAndDiesWithTheNode) {
  ASSERT_TRUE(datapath_.Apply(kSend, Lease(1000)).ok());
  EXPECT_EQ(gate_.Offer(kSend, 600), std::nullopt);
  FakeDatapath next(gate_);
  EXPECT_FALSE(next.Read().ok()) << "not started";
  EXPECT_TRUE(next.Start({})->counters_kept);
  EXPECT_EQ(next.Read()->links[0].admitted.value, 600u);
  EXPECT_THAT(gate_.Offer(kSend, 600), Optional(SLUICE_DROP_VOLUME));
  gate_.Reboot();
  EXPECT_THAT(gate_.Offer(kSend, 1), Optional(SLUICE_DROP_NO_LINK));
  FakeDatapath last(gate_);
  EXPECT_FALSE(last.Start({})->counters_kept);
}

TEST_F(FakeDatapathTest, CloseIsFinalAndCountsNeverGoBack) {
  ASSERT_TRUE(datapath_.Apply(kSend, Lease(1000)).ok());
  EXPECT_EQ(gate_.Offer(kSend, 600), std::nullopt);
  const auto report = datapath_.Close(kSend);
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->closed);
  EXPECT_EQ(report->admitted.value, 600u);
  EXPECT_EQ(report->lease_sequence, 3u);
  EXPECT_THAT(gate_.Offer(kSend, 1), Optional(SLUICE_DROP_NO_LEASE));
  ASSERT_TRUE(datapath_.SetRoutes({}).ok());
  EXPECT_TRUE(absl::IsNotFound(datapath_.Apply(kSend, Lease(1000))));
  ASSERT_TRUE(datapath_.SetRoutes({{ParseIpPrefix("10.2.0.0/24").value(), kSend}}).ok());
  EXPECT_EQ(datapath_.Read()->links[0].admitted.value, 600u);
}

TEST_F(FakeDatapathTest, ARouteLostClosesTheSide) {
  ASSERT_TRUE(datapath_.Apply(kSend, Lease(1000)).ok());
  const IpPrefix far = ParseIpPrefix("10.2.0.0/24").value();
  ASSERT_TRUE(datapath_.SetRoutes({{far, kReceive}}).ok());
  ASSERT_TRUE(datapath_.SetRoutes({{far, kSend}, {far, kReceive}}).ok());
  EXPECT_EQ(gate_.LeaseOf(kSend), std::nullopt);
}

TEST_F(FakeDatapathTest, FailsAsToldAndChangesNothing) {
  datapath_.Fail(Call::kApply, absl::InternalError("no"), 2);
  EXPECT_FALSE(datapath_.Apply(kSend, Lease(1000)).ok());
  EXPECT_FALSE(datapath_.Apply(kSend, Lease(1000)).ok());
  EXPECT_EQ(gate_.LeaseOf(kSend), std::nullopt);
  EXPECT_TRUE(datapath_.Apply(kSend, Lease(1000)).ok());
  EXPECT_EQ(datapath_.Calls(Call::kApply), 3);
  datapath_.Fail(Call::kClose, absl::UnavailableError("no"));
  EXPECT_FALSE(datapath_.Close(kSend).ok());
  EXPECT_NE(gate_.LeaseOf(kSend), std::nullopt);
}

}  // namespace
}  // namespace sluice
