#include "controller/web/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

#include "controller/web/core_fake.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

MetricsView SampleMetrics() {
  MetricsView view;
  view.fleet = "la\"b\\\n";
  view.version = "1.2.3";
  NodeView node;
  node.name = "a1";
  node.enclosure = "east";
  node.state = NodeView::State::kOnline;
  node.heartbeat_age = absl::Milliseconds(150);
  NodeView pending;
  pending.name = "b1";
  pending.enclosure = "west";
  view.nodes = {node, pending};
  view.links = SampleLinks();
  QuotaView quota;
  quota.quota = *view.links[0].quota;
  quota.used = Bytes{77};
  view.quotas = {quota};
  view.last_event = 5;
  return view;
}

TEST(MetricsTest, EveryLineIsOfTheFormatAndItEndsAsItMust) {
  const std::string text = EncodeMetrics(SampleMetrics());
  EXPECT_TRUE(text.ends_with("# EOF\n"));
  const std::regex meta("# (TYPE [a-z_]+ (counter|gauge|info)|HELP [a-z_]+ .+|EOF)");
  const std::regex sample(R"re([a-z_]+(\{([a-z]+="([^"\\]|\\["\\n])*",?)+\})? -?[0-9.e+-]+)re");
  std::istringstream lines(text);
  std::set<std::string> families;
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_TRUE(std::regex_match(line, line.starts_with('#') ? meta : sample)) << line;
    if (line.starts_with("# TYPE ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(families.insert(family).second) << family << " is there twice";
    } else if (!line.starts_with('#')) {
      EXPECT_TRUE(line.starts_with(family)) << line;
    }
  }
  EXPECT_GT(families.size(), 20U);
}

TEST(MetricsTest, SaysWhatIsSo) {
  const std::string text = EncodeMetrics(SampleMetrics());
  for (const char* line :
       {"sluice_controller_info{fleet=\"la\\\"b\\\\\\n\",version=\"1.2.3\"} 1\n",
        "sluice_store_ok 1\n", "sluice_last_event 5\n",
        "sluice_node_online{node=\"a1\",enclosure=\"east\"} 1\n",
        "sluice_node_online{node=\"b1\",enclosure=\"west\"} 0\n",
        "sluice_node_heartbeat_age_seconds{node=\"a1\",enclosure=\"east\"} 0.15\n",
        "sluice_link_open{link=\"a1>b1\",src=\"a1\",dst=\"b1\"} 1\n",
        "sluice_link_sent_bytes_total{link=\"a1>b1\",src=\"a1\",dst=\"b1\"} 1500\n",
        "sluice_link_received_bytes_total{link=\"a1>b1\",src=\"a1\",dst=\"b1\"} 1400\n",
        "sluice_quota_used_bytes{scope=\"a1>b1\",kind=\"link\"} 77\n"})
    EXPECT_THAT(text, HasSubstr(line));
  EXPECT_THAT(text, HasSubstr("reason=\"malformed\"} 4\n"));
}

TEST(MetricsTest, LargeNumbersAreExact) {
  MetricsView view = SampleMetrics();
  view.links[0].used = Bytes{1'234'567'890'123};
  view.controller.ledger_time = absl::Seconds(1'234'567'891);
  const std::string text = EncodeMetrics(view);
  EXPECT_THAT(text, HasSubstr("dst=\"b1\"} 1234567890123\n"));
  EXPECT_THAT(text, HasSubstr("sluice_ledger_time_seconds 1234567891\n"));
}

TEST(MetricsTest, WhatIsNotKnownIsLeftOut) {
  const std::string text = EncodeMetrics(SampleMetrics());
  EXPECT_THAT(text, Not(HasSubstr("heartbeat_age_seconds{node=\"b1\"")));
  EXPECT_THAT(text, Not(HasSubstr("sent_bytes_total{link=\"b1>a1\"")));
}

}  // namespace
}  // namespace sluice
