#include "top_frame.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "format.h"

namespace sluice::ctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kSecond = 1'000'000'000;

Json Link(const std::string& name, const std::string& state, uint64_t bytes, double age) {
  return {{"link", name},
          {"state", state},
          {"rate_bps", 100'000'000},
          {"volume_bytes", 1'000'000'000},
          {"volume_used_bytes", bytes},
          {"volume_left_bytes", 1'000'000'000 - bytes},
          {"expires_in_s", 12},
          {"drops", {{"rate", 4}}},
          {"sender", {{"bytes", bytes}, {"packets", 1}, {"age_s", age}}}};
}

TopInput Input() {
  TopInput input;
  input.api = "http://h:1";
  input.before = LinkSample{{10 * kSecond}, {Link("a1>b1", "open", 100'000'000, 0.1)}};
  // 6.25 MB in the 1.0 s between the sender's two reports: 50 Mbit/s.
  input.last = LinkSample{{11 * kSecond}, {Link("a1>b1", "open", 106'250'000, 0.1)}};
  input.now = BootTime{11 * kSecond};
  return input;
}

TEST(TopFrameTest, ShowsLinksAndTheirRates) {
  const auto lines = TopFrame(Input());
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "sluice top  http://h:1  1 link, 1 open");
  EXPECT_THAT(lines[3], HasSubstr("a1>b1  open   100Mbit  50Mbit  █████·····  106.3MB"));
  EXPECT_THAT(lines[3], HasSubstr("4 rate"));
}

TEST(TopFrameTest, RatesCountFromWhenTheSenderReported) {
  TopInput input = Input();
  input.before->links[0]["sender"]["age_s"] = 0.6;  // so 1.5 s lie between the reports
  EXPECT_EQ(RateBetween(*input.before, *input.last, "a1>b1"), 33'333'333u);
  input.last->links[0]["sender"]["age_s"] = 1.6;  // no newer report
  EXPECT_EQ(RateBetween(*input.before, *input.last, "a1>b1"), std::nullopt);
  EXPECT_EQ(RateBetween(*input.before, *input.last, "zz>b1"), std::nullopt);
}

TEST(TopFrameTest, NoRateAcrossARestartOfTheCount) {
  TopInput input = Input();
  input.last->links[0]["sender"]["bytes"] = 5;
  EXPECT_EQ(RateBetween(*input.before, *input.last, "a1>b1"), std::nullopt);
}

TEST(TopFrameTest, SaysHowOldThePictureIs) {
  TopInput input = Input();
  input.now = BootTime{18 * kSecond};
  EXPECT_THAT(TopFrame(input)[0], HasSubstr("STALE, 7.0s old: no answer"));
  input.error = "cannot connect";
  EXPECT_THAT(TopFrame(input)[0], HasSubstr("STALE, 7.0s old: cannot connect"));
  EXPECT_THAT(TopFrame(input)[3], HasSubstr("a1>b1"));
  input.last.reset();
  EXPECT_THAT(TopFrame(input)[0], AllOf(HasSubstr("cannot connect"), Not(HasSubstr("STALE"))));
}

TEST(TopFrameTest, FitsTheTerminal) {
  TopInput input = Input();
  for (int i = 0; i < 50; ++i)
    input.last->links.push_back(Link("n" + std::to_string(i) + ">b1", "open", 5, 0));
  for (size_t rows : {1u, 2u, 3u, 5u, 24u, 100u}) {
    for (size_t columns : {1u, 10u, 40u, 200u}) {
      input.lines = rows;
      input.columns = columns;
      const auto lines = TopFrame(input);
      EXPECT_LE(lines.size(), rows);
      for (const std::string& line : lines) EXPECT_LE(Width(line), columns);
    }
  }
  input.lines = 24;
  input.columns = 200;
  EXPECT_EQ(TopFrame(input).back(), "... and 31 more links");
}

TEST(TopFrameTest, ColorsOnlyTheState) {
  TopInput input = Input();
  input.color = true;
  EXPECT_THAT(TopFrame(input)[3], HasSubstr("a1>b1  \x1b[32mopen\x1b[0m "));
  input.last->links[0]["state"] = "exhausted";
  EXPECT_THAT(TopFrame(input)[3], HasSubstr("\x1b[31mexhausted\x1b[0m"));
  input.columns = 9;  // the state does not fit
  EXPECT_THAT(TopFrame(input)[3], Not(HasSubstr("\x1b")));
}

TEST(TopFrameTest, NoLinksSaysWhatThatMeans) {
  TopInput input = Input();
  input.last->links = Json::array();
  EXPECT_THAT(TopFrame(input).back(), HasSubstr("nothing flows"));
}

}  // namespace
}  // namespace sluice::ctl
