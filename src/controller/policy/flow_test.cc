#include "controller/policy/flow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Kind = FlowFinding::Kind;

constexpr uint64_t kSegment = 1'400;  // bytes of an IP packet
constexpr uint64_t kFrame = kSegment + 90;

class FlowTest : public ::testing::Test {
 protected:
  void SetUp() override { Restart(); }
  // Both ports' counters begin anew.
  void Restart() {
    sample_.ports.assign(2, {});
    sample_.ports[0].port = "fab0";
    sample_.ports[1].port = "fab1";
    sample_.admitted = {};
    sample_.links = 2;
  }
  static void Count(Traffic& traffic, uint64_t bytes, uint64_t packets) {
    traffic.bytes += bytes;
    traffic.packets += packets;
  }
  // Leased packets leave by fab0, and as many arrive there.
  void Leased(uint64_t packets) {
    Count(sample_.admitted, packets * kSegment, packets);
    for (PortFlow* flow : {&sample_.ports[0].tx, &sample_.ports[0].rx}) {
      Count(flow->tunnel, packets * kFrame, packets);
      Count(flow->device, packets * kFrame, packets);
    }
  }
  // `each` happens before each of that many samples, a second apart.
  template <typename F>
  void Seconds(int count, F each) {
    for (int i = 0; i < count; ++i) {
      each();
      sample_.at = sample_.at + absl::Seconds(1);
      changes_ += judge_.Take(sample_) ? 1 : 0;
    }
  }
  std::vector<std::pair<Kind, std::vector<std::string>>> Found() const {
    std::vector<std::pair<Kind, std::vector<std::string>>> found;
    for (const FlowFinding& finding : judge_.Findings())
      found.emplace_back(finding.kind, finding.ports);
    return found;
  }

  FlowSample sample_;
  FlowJudge judge_;
  int changes_ = 0;
};

TEST_F(FlowTest, SteadyTrafficIsAccountedFor) {
  Seconds(20, [&] { Leased(100'000); });
  Seconds(10, [] {});
  Seconds(20, [&] {
    Leased(10);
    Count(sample_.ports[0].rx.refused, 9'000'000, 6'000);
    Count(sample_.ports[0].rx.device, 9'000'000, 6'000);
    Count(sample_.ports[1].tx.control, 5'000'000, 6'000);
    Count(sample_.ports[1].tx.device, 5'000'000, 6'000);
  });
  EXPECT_EQ(changes_, 0);
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(FlowTest, FrameCheckSequencesAreNothing) {
  Seconds(20, [&] {
    Leased(1'000);
    Count(sample_.ports[0].rx.device, 1'000'000 * 68, 1'000'000);
    Count(sample_.ports[0].rx.refused, 1'000'000 * 60, 1'000'000);
  });
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(FlowTest, WhatBypassesTheGateStandsOutByPort) {
  const auto bypass = [&] {
    Leased(1'000);
    Count(sample_.ports[1].tx.device, 200'000, 150);
  };
  Seconds(6, bypass);
  EXPECT_THAT(Found(), IsEmpty()) << "it has not lasted yet";
  Seconds(2, bypass);
  EXPECT_THAT(Found(), ElementsAre(std::pair(Kind::kUnseenTx, std::vector<std::string>{"fab1"})));
  const FlowFinding finding = judge_.Findings()[0];
  EXPECT_EQ(finding.carried, Bytes{1'000'000});
  EXPECT_EQ(finding.accounted, Bytes{0});
  EXPECT_EQ(finding.window, absl::Seconds(5));
  EXPECT_EQ(changes_, 1);
  Seconds(8, [&] { Leased(1'000); });
  EXPECT_THAT(Found(), SizeIs(1)) << "its window still tells of it, and then one more";
  Seconds(2, [&] { Leased(1'000); });
  EXPECT_THAT(Found(), IsEmpty());
  EXPECT_EQ(changes_, 2);
}

TEST_F(FlowTest, WhatIsRefusedHidesNothingThatIsSent) {
  Seconds(10, [&] {
    Count(sample_.ports[0].tx.refused, 200'000, 150);
    Count(sample_.ports[0].tx.device, 200'000, 150);
  });
  EXPECT_THAT(Found(), ElementsAre(std::pair(Kind::kUnseenTx, std::vector<std::string>{"fab0"})));
}

TEST_F(FlowTest, WhatIsTakenBeforeTheGateStandsOut) {
  Seconds(10, [&] { Count(sample_.ports[0].rx.device, 200'000, 150); });
  EXPECT_THAT(Found(), ElementsAre(std::pair(Kind::kUnseenRx, std::vector<std::string>{"fab0"})));
}

TEST_F(FlowTest, TunnelFramesNeedALease) {
  Seconds(10, [&] {
    Leased(1'000);
    for (PortCounts& port : sample_.ports) {
      Count(port.tx.tunnel, 100'000, 80);
      Count(port.tx.device, 100'000, 80);
    }
  });
  EXPECT_THAT(Found(),
              ElementsAre(std::pair(Kind::kUnleased, std::vector<std::string>{"fab0", "fab1"})));
}

TEST_F(FlowTest, HandshakesNeedNone) {
  sample_.links = 1'000;
  Seconds(10, [&] {
    Count(sample_.ports[0].tx.tunnel, 70'000, 400);
    Count(sample_.ports[0].tx.device, 70'000, 400);
  });
  EXPECT_THAT(Found(), IsEmpty());
}

TEST_F(FlowTest, ASinglePeakIsNoFinding) {
  Seconds(5, [&] { Leased(1'000); });
  Seconds(1, [&] { Count(sample_.ports[0].tx.device, 50'000'000, 40'000); });
  Seconds(20, [&] { Leased(1'000); });
  EXPECT_EQ(changes_, 0);
}

TEST_F(FlowTest, CountersThatGoBackBeginAnew) {
  Seconds(10, [&] { Leased(1'000); });
  for (int i = 0; i < 10; ++i) {
    Restart();
    Count(sample_.ports[0].tx.device, 90'000'000, 60'000);  // the gate alone began anew
    Seconds(1, [] {});
    Seconds(3, [&] { Leased(1'000); });
  }
  EXPECT_EQ(changes_, 0);
}

TEST_F(FlowTest, PortsThatComeAndGoBeginAnew) {
  Seconds(10, [&] { Leased(1'000); });
  sample_.ports.pop_back();
  Seconds(10, [&] { Leased(1'000); });
  sample_.ports.insert(sample_.ports.begin(), PortCounts{"fab9", {}, {}});
  Seconds(10, [&] { Count(sample_.ports[1].tx.device, 1, 1); });
  EXPECT_EQ(changes_, 0);
}

// The device counts a super-packet's headers once, the gate those of each segment.
TEST_F(FlowTest, SuperPacketsAreNoExcess) {
  Seconds(20, [&] {
    Leased(1'000);
    Count(sample_.admitted, 45'000 * kSegment, 45'000);
    Count(sample_.ports[0].tx.tunnel, 45'000 * kFrame, 45'000);
    Count(sample_.ports[0].tx.device, 45'000 * (kFrame - 42) + 1'000 * 42, 1'000);
  });
  EXPECT_EQ(changes_, 0);
}

}  // namespace
}  // namespace sluice
