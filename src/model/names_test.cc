#include "model/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace sluice {
namespace {

using ::testing::HasSubstr;

TEST(NamesTest, TakesNames) {
  for (const char* name : {"a1", "0", "gw", "rack-7-dpu-2", "a-"})
    EXPECT_TRUE(CheckName("node", name).ok()) << name;
  EXPECT_TRUE(CheckName("node", std::string(32, 'x')).ok());
}

TEST(NamesTest, RefusesWhatIsNoNameAndSaysWhich) {
  for (std::string name : {"", "A1", "-a", "a_b", "a.b", "a b", "a>b", "a\n", "é", "a/b"}) {
    absl::Status status = CheckName("enclosure", name);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr("enclosure")) << name;
  }
  EXPECT_FALSE(CheckName("node", std::string(33, 'x')).ok());
  EXPECT_FALSE(CheckName("node", std::string_view("a\0b", 3)).ok());
}

TEST(NamesTest, ParsesLinks) {
  absl::StatusOr<LinkName> link = ParseLinkName("a1>b1");
  ASSERT_TRUE(link.ok()) << link.status();
  EXPECT_EQ(link->src, "a1");
  EXPECT_EQ(link->dst, "b1");
  EXPECT_EQ(link->ToString(), "a1>b1");
}

TEST(NamesTest, RefusesBadLinksAndNamesTheBadPart) {
  const std::vector<std::pair<std::string, std::string>> kCases = {{"", "a1>b1"},
                                                                   {"a1", "has no \">\""},
                                                                   {">b1", "the source"},
                                                                   {"a1>", "the destination"},
                                                                   {"a1>b1>c1", "the destination"},
                                                                   {"a1 > b1", "source"},
                                                                   {"a1>B1", "the destination"},
                                                                   {"a1>a1", "same node"},
                                                                   {"a1<b1", "a1>b1"}};
  for (const auto& [text, problem] : kCases) {
    absl::StatusOr<LinkName> link = ParseLinkName(text);
    ASSERT_FALSE(link.ok()) << text;
    EXPECT_EQ(link.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(link.status().message()), HasSubstr(problem)) << text;
  }
}

TEST(NamesTest, OrdersSidesByLinkThenRole) {
  LinkSide send{{"a1", "b1"}, Role::kSend};
  LinkSide receive{{"a1", "b1"}, Role::kReceive};
  LinkSide other{{"a1", "b2"}, Role::kSend};
  EXPECT_LT(send, receive);
  EXPECT_LT(receive, other);
  EXPECT_EQ(RoleName(Role::kSend), "send");
  EXPECT_EQ(RoleName(Role::kReceive), "receive");
}

}  // namespace
}  // namespace sluice
