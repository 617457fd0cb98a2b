// What the fabric ports carried is compared with what gates and leases account for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/grants/core_test_fleet.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CoreFlowsTest : public ::testing::Test, protected TestFleet {
 protected:
  void SetUp() override {
    Join("a1", "10.1.0.0/24");
    Join("b1", "10.2.0.0/24");
    ASSERT_TRUE(Hello("a1").ok());
    ASSERT_TRUE(Hello("b1").ok());
    ASSERT_TRUE(SetQuota(MakeQuota(kLink, 1'000 * kMegabyte)).ok());
    agent("a1").ports.resize(1);
    agent("a1").ports[0].port = "fab0";
  }
  PortFlow& Sent() { return agent("a1").ports[0].tx; }
  // Each second the device sends `bytes`, of which the tunnel `tunnelled`, of which `leased`.
  void Drive(int seconds, uint64_t bytes, uint64_t tunnelled, uint64_t leased) {
    for (int i = 0; i < seconds; ++i) {
      if (i % 3 == 0) Request(kLink);
      EXPECT_EQ(Traffic(kLink, leased), leased);
      Sent().device.bytes += bytes;
      Sent().tunnel.bytes += tunnelled;
      Pass(absl::Seconds(1));
    }
  }
  std::vector<Finding> Findings() const { return core_->Topology().findings; }
  std::vector<std::string> EventKinds() const {
    std::vector<std::string> kinds;
    for (const FleetEvent& e : core_->Events({.kinds = {"wiring", "wiring_mended"}}).events)
      kinds.insert(kinds.begin(), e.kind);
    return kinds;
  }
};

TEST_F(CoreFlowsTest, LeasedTrafficIsNoFinding) {
  Drive(15, kMegabyte, kMegabyte, kMegabyte);
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_THAT(EventKinds(), IsEmpty());
}

TEST_F(CoreFlowsTest, UnseenBytesAreAFindingWhileTheyCome) {
  Drive(12, 2 * kMegabyte, kMegabyte, kMegabyte);
  ASSERT_THAT(Findings(), SizeIs(1));
  const Finding finding = Findings()[0];
  EXPECT_EQ(finding.verdict, "unaccounted");
  EXPECT_THAT(finding.ports, ElementsAre("a1:fab0"));
  EXPECT_THAT(finding.text, HasSubstr("a1:fab0 sent 10MB in 5s, and the gate passed 5MB of it"));
  EXPECT_FALSE(finding.closes);
  EXPECT_EQ(core_->Topology().plan_version, 0u);
  EXPECT_THAT(EventKinds(), ElementsAre("wiring"));
  EXPECT_EQ(core_->Events({.kinds = {"wiring"}}).events[0].scope, Scope::Node("a1"));
  Drive(12, kMegabyte, kMegabyte, kMegabyte);
  EXPECT_THAT(Findings(), IsEmpty());
  EXPECT_THAT(EventKinds(), ElementsAre("wiring", "wiring_mended"));
}

TEST_F(CoreFlowsTest, TunnelFramesBeyondTheLeasesAreAFinding) {
  Drive(12, 3 * kMegabyte, 3 * kMegabyte, kMegabyte);
  ASSERT_THAT(Findings(), SizeIs(1));
  EXPECT_THAT(Findings()[0].ports, ElementsAre("a1:fab0"));
  EXPECT_THAT(Findings()[0].text, HasSubstr("a1 sent 15MB through its link tunnel in 5s"));
}

TEST_F(CoreFlowsTest, ANewSessionBeginsAnew) {
  Drive(12, 2 * kMegabyte, kMegabyte, kMegabyte);
  ASSERT_THAT(Findings(), SizeIs(1));
  ASSERT_TRUE(Hello("a1").ok());
  EXPECT_THAT(Findings(), IsEmpty());
  Sent() = {};
  Drive(3, 2 * kMegabyte, kMegabyte, kMegabyte);
  EXPECT_THAT(Findings(), IsEmpty()) << "it has not lasted yet";
}

TEST_F(CoreFlowsTest, CountsThatMakeNoSenseAreRefused) {
  agent("a1").ports.push_back(agent("a1").ports[0]);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(absl::IsInvalidArgument(Heartbeat("a1")));
}

}  // namespace
}  // namespace sluice
