#include "base/strings.h"

#include <gtest/gtest.h>

#include <string>

#include "base/log.h"
#include "base/status.h"

namespace sluice {
namespace {

TEST(StringsTest, StrCatTakesBothStringViewsAndNumbers) {
  std::string_view std_view = "a";
  absl::string_view absl_view = "b";
  EXPECT_EQ(StrCat(std_view, absl_view, std::string("c"), "d", 5), "abcd5");
}

TEST(StringsTest, ViewsKeepNulCharacters) {
  std::string_view text("a\0b", 3);
  EXPECT_EQ(ToStd(ToAbsl(text)), text);
}

TEST(StringsTest, ForMessageShowsNothingUnprintableAndNothingLong) {
  EXPECT_EQ(ForMessage("a\x1b[2J\n\"b"), "\"a?[2J?\"b\"");
  EXPECT_EQ(ForMessage(std::string(41, 'x')), "\"" + std::string(40, 'x') + "...\"");
  EXPECT_EQ(ForMessage(std::string(40, 'x')), "\"" + std::string(40, 'x') + "\"");
}

TEST(StatusTest, AnnotateKeepsTheCodeAndLeavesOkAlone) {
  absl::Status status = Annotate(absl::NotFoundError("no a1"), "reading the plan");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ToStd(status.message()), "reading the plan: no a1");
  EXPECT_TRUE(Annotate(absl::OkStatus(), "x").ok());
}

TEST(StatusTest, ErrnoStatusNamesWhatWasTried) {
  absl::Status status = ErrnoStatus(ENOENT, "opening the store");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(ToStd(status.message()).find("opening the store"), std::string_view::npos);
}

absl::StatusOr<int> Half(int value) {
  if (value % 2 != 0) return absl::InvalidArgumentError("odd");
  return value / 2;
}

absl::StatusOr<int> Quarter(int value) {
  SLUICE_ASSIGN_OR_RETURN(int half, Half(value));
  SLUICE_ASSIGN_OR_RETURN(int quarter, Half(half));
  return quarter;
}

TEST(StatusTest, AssignOrReturnPassesErrorsOn) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).status().message(), "odd");
}

TEST(LogTest, RefusesUnknownLevels) {
  EXPECT_TRUE(InitLog("test", "info").ok());
  EXPECT_EQ(InitLog("test", "loud").code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sluice
