#include "format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "json_view.h"

namespace sluice::ctl {
namespace {

TEST(FormatTest, ShowsSecondsAsPeopleSayThem) {
  EXPECT_EQ(ShowSeconds(std::nullopt), "-");
  EXPECT_EQ(ShowSeconds(0), "0.0s");
  EXPECT_EQ(ShowSeconds(0.25), "0.2s");
  EXPECT_EQ(ShowSeconds(9.94), "9.9s");
  EXPECT_EQ(ShowSeconds(9.96), "10s");
  EXPECT_EQ(ShowSeconds(59.4), "59s");
  EXPECT_EQ(ShowSeconds(59.6), "1m00s");
  EXPECT_EQ(ShowSeconds(200), "3m20s");
  EXPECT_EQ(ShowSeconds(7'500), "2h05m");
  EXPECT_EQ(ShowSeconds(356'400), "4d03h");
  EXPECT_EQ(ShowSeconds(-0.1), "over");
  EXPECT_EQ(ShowSeconds(1e300), "forever");
  EXPECT_EQ(ShowSeconds(std::nan("")), "-");
}

TEST(FormatTest, ShowsExactSecondsAsInQuotas) {
  EXPECT_EQ(ShowExactSeconds(30), "30s");
  EXPECT_EQ(ShowExactSeconds(86'400), "24h");
  EXPECT_EQ(ShowExactSeconds(1.5), "1500ms");
  EXPECT_EQ(ShowExactSeconds(-1), "-");
  EXPECT_EQ(ShowExactSeconds(1e300), "-");
  EXPECT_EQ(ShowExactSeconds(std::nan("")), "-");
}

TEST(FormatTest, WidthAndClipCountCharactersNotBytes) {
  EXPECT_EQ(Width("█·a"), 3u);
  EXPECT_EQ(Clip("█·a", 2), "█·");
  EXPECT_EQ(Clip("abc", 0), "");
  EXPECT_EQ(Clip("abc", 9), "abc");
}

TEST(FormatTest, RendersColumns) {
  Table table{{"LINK", "RATE"}, {false, true}, {{"a1>b1", "8kbit"}, {"█", "100Mbit"}, {"x"}}};
  EXPECT_EQ(Render(table),
            "LINK      RATE\n"
            "a1>b1    8kbit\n"
            "█      100Mbit\n"
            "x\n");
}

TEST(JsonViewTest, ReadsWhatIsMissingOrOfAnotherTypeAsAbsent) {
  const Json object = {{"t", "x"}, {"n", 5}, {"f", 1.5}, {"b", true}, {"a", {1, 2}}};
  EXPECT_EQ(Text(object, "t"), "x");
  EXPECT_EQ(Text(object, "n"), "");
  EXPECT_EQ(Text(object, "absent"), "");
  EXPECT_EQ(Number(object, "f"), 1.5);
  EXPECT_EQ(Number(object, "t"), std::nullopt);
  EXPECT_TRUE(IsTrue(object, "b"));
  EXPECT_FALSE(IsTrue(object, "n"));
  EXPECT_EQ(Items(object, "a").size(), 2u);
  EXPECT_EQ(Items(object, "t").size(), 0u);
  EXPECT_TRUE(Member(Json::array(), "t").is_null());
}

TEST(JsonViewTest, CountsStayInRange) {
  const Json object = {{"max", UINT64_MAX}, {"minus", -5}, {"big", 1e30}, {"f", 2.9}};
  EXPECT_EQ(Count(object, "max"), UINT64_MAX);
  EXPECT_EQ(Count(object, "minus"), 0u);
  EXPECT_EQ(Count(object, "big"), UINT64_MAX);
  EXPECT_EQ(Count(object, "f"), 2u);
}

TEST(JsonViewTest, PrintableKeepsTextAndDropsControls) {
  EXPECT_EQ(Printable("a\x1b[2Jb\n\x7f"), "a?[2Jb??");
  EXPECT_EQ(Printable("é…"), "é…");
  EXPECT_EQ(Printable("\xc2\x9b"
                      "31m"),
            "?31m");
}

}  // namespace
}  // namespace sluice::ctl
