#include "controller/telemetry/telemetry.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sluice {
namespace {

const LinkName kLink{"a1", "b1"};
const absl::Time kWall = absl::FromUnixSeconds(1'800'000'000);

LinkView View(uint64_t sent, absl::Duration age = absl::ZeroDuration()) {
  LinkView view;
  view.link = kLink;
  view.leased_rate = BitRate{1'000};
  view.sender = EndView{sent, 1, age, absl::Seconds(1)};
  return view;
}

using Column = HistoryColumn;

NodeView NodeNamed(const std::string& name) {
  NodeView view;
  view.name = name;
  return view;
}

EndView Counted(uint64_t bytes, uint64_t refused_for_rate = 0) {
  EndView end{bytes, 1, absl::ZeroDuration(), absl::Seconds(1)};
  end.refused[SLUICE_DROP_RATE] = refused_for_rate;
  return end;
}

class TelemetryTest : public testing::Test {
 protected:
  void Take(const LinkView& view) { Take({}, {view}); }
  void Take(const std::vector<NodeView>& nodes, const std::vector<LinkView>& links) {
    now_ = now_ + absl::Seconds(1);
    wall_ += absl::Seconds(1);
    telemetry_.Take(nodes, links, now_, wall_);
  }
  // Of the last whole second; unknown if there is no such column.
  template <typename Name>
  float LastOf(const Name& name, size_t column) {
    const std::vector<float> values = telemetry_.HistoryOf(name)->at(0).columns[column];
    return values.empty() ? kUnknown : values.back();
  }
  std::optional<double> Sent() { return telemetry_.RatesOf(kLink).sent_bps; }

  Telemetry telemetry_{absl::Milliseconds(200)};
  BootTime now_{1'000'000'000};
  absl::Time wall_ = kWall;
};

TEST_F(TelemetryTest, ARateIsBetweenTwoReports) {
  Take(View(1'000));
  EXPECT_EQ(Sent(), std::nullopt) << "one report says nothing of a rate";
  Take(View(2'000));
  EXPECT_DOUBLE_EQ(*Sent(), 8'000);
  EXPECT_EQ(telemetry_.RatesOf(kLink).received_bps, std::nullopt);
  EXPECT_EQ(telemetry_.RatesOf({"b1", "a1"}).sent_bps, std::nullopt);
}

TEST_F(TelemetryTest, TheReportsTimeCountsNotOurs) {
  Take(View(0, absl::Milliseconds(500)));
  Take(View(1'000, absl::Milliseconds(100)));
  EXPECT_NEAR(*Sent(), 8'000 / 1.4, 1e-6);
}

TEST_F(TelemetryTest, WithoutNewReportsTheRateBecomesUnknown) {
  Take(View(0));
  Take(View(1'000));
  for (int i = 1; i <= 3; ++i) {
    Take(View(1'000, absl::Seconds(i)));
    EXPECT_DOUBLE_EQ(*Sent(), 8'000);
  }
  Take(View(1'000, absl::Seconds(4)));
  EXPECT_EQ(Sent(), std::nullopt);
}

TEST_F(TelemetryTest, ACounterThatBeginsAnewHasNoRate) {
  Take(View(5'000));
  Take(View(100));
  EXPECT_EQ(Sent(), std::nullopt);
  Take(View(200));
  EXPECT_DOUBLE_EQ(*Sent(), 800);
}

TEST_F(TelemetryTest, RefusedPacketsHaveARate) {
  Take(View(0));
  LinkView view = View(0);
  view.sender->refused[SLUICE_DROP_RATE] = 7;
  view.receiver = Counted(0, 40);
  Take(view);
  EXPECT_DOUBLE_EQ(*telemetry_.RatesOf(kLink).refused_pps, 7) << "the receiver's are not known yet";
  view.receiver->refused[SLUICE_DROP_RATE] = 41;
  view.receiver->refused[SLUICE_DROP_NO_LEASE] = 2;
  view.sender->refused[SLUICE_DROP_RATE] = 12;
  Take(view);
  EXPECT_DOUBLE_EQ(*telemetry_.RatesOf(kLink).refused_pps, 8);
  Take(view);
  EXPECT_EQ(LastOf(kLink, Column::Of(SLUICE_DROP_RATE)), 6) << "of both ends";
  EXPECT_EQ(LastOf(kLink, Column::Of(SLUICE_DROP_NO_LEASE)), 2);
  EXPECT_EQ(LastOf(kLink, Column::kRefusedPps), 8);
  EXPECT_TRUE(telemetry_.HistoryOf(kLink)->at(0).columns[Column::Of(SLUICE_DROP_VOLUME)].empty());
}

TEST_F(TelemetryTest, AllCountersOfAnEndBeginAnewTogether) {
  LinkView view = View(0);
  view.sender->refused[SLUICE_DROP_RATE] = 100;
  Take(view);
  view.sender = Counted(1'000, 5);
  Take(view);
  EXPECT_EQ(Sent(), std::nullopt);
  EXPECT_EQ(telemetry_.RatesOf(kLink).refused_pps, std::nullopt);
  view.sender = Counted(2'000, 8);
  Take(view);
  EXPECT_DOUBLE_EQ(*Sent(), 8'000);
  EXPECT_DOUBLE_EQ(*telemetry_.RatesOf(kLink).refused_pps, 3);
}

TEST_F(TelemetryTest, AReportIsTheSameThoughItsAgeWasReckonedLater) {
  Take(View(0));
  Take(View(1'000));
  Take(View(1'000, absl::Milliseconds(998)));
  EXPECT_DOUBLE_EQ(*Sent(), 8'000);
}

TEST_F(TelemetryTest, SlowHeartbeatsAreNotOld) {
  Telemetry slow(absl::Seconds(5));
  slow.Take({}, {View(0)}, now_, wall_);
  slow.Take({}, {View(1'000)}, now_ + absl::Seconds(5), wall_);
  slow.Take({}, {View(1'000, absl::Seconds(5))}, now_ + absl::Seconds(10), wall_);
  EXPECT_DOUBLE_EQ(*slow.RatesOf(kLink).sent_bps, 1'600);
}

TEST_F(TelemetryTest, HistoryOutlivesTheLinkByADay) {
  Take(View(0));
  Take(View(1'000));
  Take(View(2'000));
  ASSERT_TRUE(telemetry_.HistoryOf(kLink));
  EXPECT_EQ(telemetry_.HistoryOf(kLink)->at(0).size, 2U);
  telemetry_.Take({}, {}, now_ + absl::Hours(23), wall_);
  EXPECT_EQ(Sent(), std::nullopt);
  EXPECT_TRUE(telemetry_.HistoryOf(kLink));
  telemetry_.Take({}, {}, now_ + absl::Hours(25), wall_);
  EXPECT_FALSE(telemetry_.HistoryOf(kLink));
}

// "a1" sends to "b1" and "c1" and receives from "b1"; they count as much more with each turn.
std::vector<LinkView> Triangle(uint64_t turn) {
  LinkView there;
  there.link = kLink;
  there.leased_rate = BitRate{10'000};
  there.sender = Counted(1'000 * turn, 3 * turn);
  there.receiver = Counted(900 * turn, 50 * turn);
  LinkView aside = there;
  aside.link = {"a1", "c1"};
  aside.sender = Counted(500 * turn);
  LinkView back = there;
  back.link = {"b1", "a1"};
  back.leased_rate = BitRate{7};
  back.receiver = Counted(250 * turn, 2 * turn);
  return {there, aside, back};
}

TEST_F(TelemetryTest, ANodesHistoryIsOfItsEndsAndItsGate) {
  NodeView a1 = NodeNamed("a1");
  a1.unattributed_age = absl::Milliseconds(10);
  for (uint64_t turn = 1; turn <= 3; ++turn) {
    a1.unattributed[SLUICE_DROP_CLEARTEXT].packets = 11 * turn;
    Take({a1, NodeNamed("b1")}, Triangle(turn));
  }
  EXPECT_EQ(LastOf("a1", Column::kSentBps), 12'000);
  EXPECT_EQ(LastOf("a1", Column::kReceivedBps), 2'000);
  EXPECT_EQ(LastOf("a1", Column::kLeasedBps), 20'000) << "of what leaves it";
  EXPECT_EQ(LastOf("a1", Column::Of(SLUICE_DROP_RATE)), 5) << "not what the other ends refused";
  EXPECT_EQ(LastOf("a1", Column::Of(SLUICE_DROP_CLEARTEXT)), 11);
  EXPECT_EQ(LastOf("a1", Column::kRefusedPps), 16);
  EXPECT_TRUE(std::isnan(LastOf("a1", Column::kUsedBytes)));
  EXPECT_EQ(LastOf("b1", Column::kReceivedBps), 7'200);
  EXPECT_FALSE(telemetry_.HistoryOf("c1")) << "it is in no reading of nodes";
}

TEST_F(TelemetryTest, OfANodeThatDoesNotReportOnlyTheLeasesAreKnown) {
  for (uint64_t turn = 1; turn <= 3; ++turn) {
    std::vector<LinkView> links = Triangle(turn);
    links[0].sender = links[1].sender = links[2].receiver = std::nullopt;
    Take({NodeNamed("a1"), NodeNamed("d1")}, links);
  }
  for (const size_t column : {Column::kSentBps, Column::kReceivedBps, Column::kRefusedPps})
    for (const char* node : {"a1", "d1"}) EXPECT_TRUE(std::isnan(LastOf(node, column))) << node;
  EXPECT_EQ(LastOf("a1", Column::kLeasedBps), 20'000);
  EXPECT_EQ(LastOf("d1", Column::kLeasedBps), 0) << "it has no link";
}

TEST_F(TelemetryTest, WhatANodeDoesNotReportIsLeftOutOfItsSums) {
  for (uint64_t turn = 1; turn <= 3; ++turn) {
    std::vector<LinkView> links = Triangle(turn);
    links[1].sender->age = absl::Minutes(1);
    Take({NodeNamed("a1")}, links);
  }
  EXPECT_EQ(LastOf("a1", Column::kSentBps), 8'000);
}

TEST_F(TelemetryTest, AGatesCountersThatBeginAnewHaveNoRate) {
  NodeView node = NodeNamed("a1");
  node.unattributed_age = absl::ZeroDuration();
  const auto take = [&](uint64_t cleartext, uint64_t spoofed) {
    node.unattributed[SLUICE_DROP_CLEARTEXT].packets = cleartext;
    node.unattributed[SLUICE_DROP_SPOOFED].packets = spoofed;
    Take({node}, {});
  };
  take(100, 1);
  take(104, 1);
  take(2, 3);
  EXPECT_EQ(LastOf("a1", Column::kRefusedPps), 4);
  take(3, 3);
  EXPECT_TRUE(std::isnan(LastOf("a1", Column::kRefusedPps)));
  take(3, 3);
  EXPECT_EQ(LastOf("a1", Column::Of(SLUICE_DROP_CLEARTEXT)), 1);
  node.unattributed_age = std::nullopt;
  take(3, 3);
  take(3, 3);
  EXPECT_TRUE(std::isnan(LastOf("a1", Column::Of(SLUICE_DROP_CLEARTEXT))));
}

TEST_F(TelemetryTest, ANodesHistoryOutlivesItByADay) {
  Take({NodeNamed("a1")}, {});
  telemetry_.Take({}, {}, now_ + absl::Hours(23), wall_ + absl::Hours(23));
  EXPECT_TRUE(telemetry_.HistoryOf("a1"));
  telemetry_.Take({}, {}, now_ + absl::Hours(25), wall_ + absl::Hours(25));
  EXPECT_FALSE(telemetry_.HistoryOf("a1"));
}

}  // namespace
}  // namespace sluice
