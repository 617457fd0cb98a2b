#include "model/scope.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(ScopeTest, ReadsWhatItWrites) {
  for (const Scope& scope :
       {Scope::Fleet(), Scope::Enclosure("east"), Scope::Node("a1"), Scope::Link({"a1", "b1"})}) {
    const auto parsed = ParseScope(scope.ToString());
    ASSERT_TRUE(parsed.ok()) << parsed.status();
    EXPECT_EQ(*parsed, scope);
  }
  EXPECT_EQ(Scope::Enclosure("east").ToString(), "enclosure:east");
  EXPECT_EQ(Scope::Link({"a1", "b1"}).ToString(), "a1>b1");
}

TEST(ScopeTest, ErrorsSayWhatToWrite) {
  for (const char* text : {"", "a1", "Fleet", "enclosure", "enclosure:", "node:A1", "node:a1>b1",
                           "a1>", ">b1", "a1>a1", "link:a1>b1"}) {
    const auto parsed = ParseScope(text);
    EXPECT_TRUE(absl::IsInvalidArgument(parsed.status())) << text;
  }
  EXPECT_NE(std::string(ParseScope("east").status().message()).find("enclosure:east"),
            std::string::npos);
}

}  // namespace
}  // namespace sluice
