#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "controller/web/json_codec.h"

namespace sluice {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(JsonChangesTest, ReadsTheEventsQuery) {
  const auto filter = DecodeEventFilter("12", "5", "silent,revoked", "node:a1");
  ASSERT_TRUE(filter.ok()) << filter.status();
  EXPECT_EQ(filter->before, 12U);
  EXPECT_EQ(filter->limit, 5U);
  EXPECT_THAT(filter->kinds, ElementsAre("silent", "revoked"));
  EXPECT_EQ(filter->scope, Scope::Node("a1"));
  const auto nothing = DecodeEventFilter("", "", "", "");
  ASSERT_TRUE(nothing.ok());
  EXPECT_EQ(nothing->before, 0U);
  EXPECT_FALSE(nothing->scope);
}

TEST(JsonChangesTest, RefusesAQueryThatMakesNoSense) {
  for (const char* number : {"0", "-1", "x", "1001", "99999999999999999999"}) {
    const absl::Status status = DecodeEventFilter("", number, "", "").status();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << number;
    EXPECT_EQ(FieldOf(status), "limit");
  }
  EXPECT_EQ(FieldOf(DecodeEventFilter("x", "", "", "").status()), "before");
  EXPECT_EQ(FieldOf(DecodeEventFilter("", "", "", "a1").status()), "subject");
}

TEST(JsonChangesTest, WritesEvents) {
  EventPage page;
  page.events = {{3, 1'700, "tampered", Severity::kCritical, Scope::Node("a1"), "lid \"open\""}};
  page.more = true;
  EXPECT_EQ(json::parse(EncodeEvents(page)),
            json::parse(R"({"events":[{"id":3,"at_ms":1700,"kind":"tampered",
                           "severity":"critical","subject":"node:a1","text":"lid \"open\""}],
                           "more":true})"));
}

TEST(JsonChangesTest, WritesWhatAChangeWouldDo) {
  ChangeView view;
  Quota quota;
  quota.scope = Scope::Link({"a1", "b1"});
  quota.rate = BitRate{1'000};
  view.after = quota;
  view.links = {{{"a1", "b1"},
                 LinkView::State::kOpen,
                 BitRate{5},
                 LinkChange::Change::kRecalled,
                 "it is recalled"}};
  view.sums = {{Scope::Fleet(), BitRate{1}, BitRate{2}, BitRate{3}, Bytes{4}, Bytes{5}, Bytes{6}}};
  view.notes = {"note"};
  const json out = json::parse(EncodeChange(quota.scope, view));
  EXPECT_EQ(out["scope"], "a1>b1");
  EXPECT_EQ(out["quota"]["rate_bps"], 1'000);
  EXPECT_TRUE(out["before"].is_null());
  EXPECT_EQ(out["links"], json::parse(R"([{"link":"a1>b1","state":"open","leased_rate_bps":5,
                                           "change":"recalled","text":"it is recalled"}])"));
  EXPECT_EQ(out["sums"], json::parse(R"([{"scope":"fleet","rate_bps":1,"leased_rate_bps":2,
             "links_rate_bps":3,"volume_bytes":4,"used_bytes":5,"outstanding_bytes":6}])"));
  EXPECT_EQ(out["notes"], json({"note"}));
}

}  // namespace
}  // namespace sluice
