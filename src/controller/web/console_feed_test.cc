#include "controller/web/console_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/system_clock.h"
#include "controller/web/core_fake.h"
#include "controller/web/json_history.h"

namespace sluice {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

FleetReading SampleReading() {
  FleetReading reading;
  NodeView node;
  node.name = "a1";
  node.enclosure = "east";
  node.state = NodeView::State::kOnline;
  node.heartbeat_age = absl::Milliseconds(150);
  node.faults = {"one"};
  node.desired_generation = 7;
  node.applied_generation = 6;
  NodeView pending;
  pending.name = "gw";
  pending.enclosure = "out";
  pending.gateway = true;
  reading.nodes = {node, pending};
  reading.links = {SampleLinks()[0]};
  reading.links[0].recalling = true;
  reading.links[0].key = KeyView{3, absl::Seconds(1), true};
  reading.last_event = 12;
  return reading;
}

TEST(ConsoleFeedTest, TheFleetNamesWhatTheFiguresCount) {
  const json fleet = json::parse(
      EncodeFleet({"lab", "1.2.3", absl::Milliseconds(200), {}, 0}, 4, SampleReading()));
  EXPECT_EQ(fleet["version"], 4);
  EXPECT_EQ(fleet["fleet"], "lab");
  EXPECT_EQ(fleet["heartbeat_s"], 0.2);
  EXPECT_EQ(fleet["nodes"][1], json({{"name", "gw"}, {"enclosure", "out"}, {"role", "gateway"}}));
  EXPECT_EQ(fleet["links"], json({"a1>b1"}));
}

TEST(ConsoleFeedTest, FiguresAreRowsAndWhatIsNotKnownIsNull) {
  FleetReading reading = SampleReading();
  Telemetry telemetry(absl::Milliseconds(200));
  const json first = json::parse(EncodeFigures(4, reading, telemetry, absl::FromUnixMillis(1'234)));
  EXPECT_EQ(first["at_ms"], 1'234);
  EXPECT_EQ(first["store_ok"], false);
  EXPECT_EQ(first["last_event"], 12);
  EXPECT_EQ(first["wiring"], json({0, 0, 0}));
  EXPECT_EQ(first["nodes"], json::parse("[[2,0.2,0,1,7,6],[0,null,0,0,0,0]]"));
  EXPECT_EQ(first["links"][0],
            json::parse("[0,100000000,null,null,1500,4611686018427386403,12.5,null,6]"));
  telemetry.Take(reading.nodes, reading.links, BootTime{1'000'000'000}, absl::FromUnixSeconds(1));
  reading.links[0].sender->bytes += 1'000;
  telemetry.Take(reading.nodes, reading.links, BootTime{2'000'000'000}, absl::FromUnixSeconds(2));
  const json second = json::parse(EncodeFigures(4, reading, telemetry, absl::UnixEpoch()));
  EXPECT_EQ(second["links"][0][2], 8'000);
  EXPECT_EQ(second["links"][0][3], 0) << "the receiver says the same as before";
}

class ConsoleFeedRunsTest : public testing::Test {
 protected:
  void SetUp() override {
    runner_.core.links = SampleLinks();
    NodeView node;
    node.name = "a1";
    runner_.core.nodes = {node};
    feed_ = std::make_unique<ConsoleFeed>(
        ConsoleConfig{"lab", "1", absl::Milliseconds(200), absl::Milliseconds(5), 2}, runner_,
        clock_);
  }
  // Once it has points.
  template <typename Name>
  json HistoryOf(const Name& name) {
    for (int i = 0; i < 1'000; ++i) {
      const absl::StatusOr<std::string> history = feed_->HistoryOf(name);
      const json body = history.ok() ? json::parse(*history) : json();
      if (history.ok() && body["series"][0]["points"].size() > 0) return body;
      absl::SleepFor(absl::Milliseconds(10));
    }
    ADD_FAILURE() << "no history";
    return {};
  }

  SystemClock clock_;
  CoreRunnerFake runner_;
  std::unique_ptr<ConsoleFeed> feed_;
};

TEST_F(ConsoleFeedRunsTest, TheFleetComesFirstAndWhenItChanges) {
  auto watcher = feed_->Watch();
  EXPECT_THAT(*watcher->Next(), StartsWith("event: fleet\ndata: {\"version\":1,"));
  EXPECT_THAT(*watcher->Next(), StartsWith("event: figures\ndata: {\"version\":1,"));
  runner_.With([](CoreRunnerFake& runner) {
    NodeView node;
    node.name = "n9";
    runner.core.nodes.push_back(node);
  });
  std::string next;
  while (!(next = *watcher->Next()).starts_with("event: fleet")) {
  }
  EXPECT_THAT(next, HasSubstr("\"version\":2"));
  EXPECT_THAT(next, HasSubstr("n9"));
}

TEST_F(ConsoleFeedRunsTest, ACoreThatDoesNotAnswerIsToldAsSuch) {
  auto watcher = feed_->Watch();
  runner_.With([](CoreRunnerFake& runner) { runner.state = absl::UnavailableError("stopping"); });
  while (!watcher->Next()->starts_with("event: unavailable")) {
  }
}

TEST_F(ConsoleFeedRunsTest, KeepsHistoryWithoutWatchers) {
  const json link = HistoryOf(LinkName{"a1", "b1"});
  EXPECT_EQ(link["link"], "a1>b1");
  EXPECT_EQ(link["fields"],
            json({"sent_bps", "received_bps", "leased_bps", "refused_pps", "used_bytes"}));
  EXPECT_EQ(link["series"][0]["step_s"], 1);
  EXPECT_EQ(link["series"][0]["points"][0][2], 100'000'000);
  EXPECT_TRUE(absl::IsNotFound(feed_->HistoryOf(LinkName{"b1", "a1"}).status()));
  const json node = HistoryOf(std::string("a1"));
  EXPECT_EQ(node["node"], "a1");
  EXPECT_EQ(node["fields"], json({"sent_bps", "received_bps", "leased_bps", "refused_pps"}));
  EXPECT_EQ(node["series"][0]["points"][0], json({nullptr, nullptr, 100'000'000, nullptr}))
      << "one reading has no rates";
  EXPECT_TRUE(absl::IsNotFound(feed_->HistoryOf(std::string("b1")).status()));
}

TEST(JsonHistoryTest, ReasonsAreNamedAndWhatIsNotKnownIsNull) {
  History history;
  HistoryPoint point;
  point[HistoryColumn::kLeasedBps] = 5;
  history.Add(1'000, point);
  point[HistoryColumn::kRefusedPps] = 1.5;
  for (size_t i = HistoryColumn::kByReason; i < HistoryColumn::kCount; ++i) point[i] = 0;
  point[HistoryColumn::Of(SLUICE_DROP_NO_LEASE)] = 1.5;
  history.Add(1'001, point);
  history.Add(1'003, point);
  const absl::Time at = absl::FromUnixMillis(1'003'500);
  const json node = json::parse(EncodeHistory(std::string("a1"), history.Series(), at));
  EXPECT_EQ(node["now_ms"], 1'003'500);
  EXPECT_EQ(node["fields"], json({"sent_bps", "received_bps", "leased_bps", "refused_pps",
                                  "refused_pps.no_lease"}));
  EXPECT_EQ(
      node["series"][0],
      json({{"step_s", 1},
            {"first_ms", 1'000'000},
            {"points", json::parse("[[null,null,5,null,null],[null,null,5,1.5,1.5],null]")}}));
  EXPECT_EQ(node["series"][2]["points"], json::array());
}

}  // namespace
}  // namespace sluice
