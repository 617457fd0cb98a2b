#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "commands.h"
#include "tables.h"

namespace sluice::ctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PlanFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-plan-XXXXXX";
    const int fd = mkstemp(name);
    ASSERT_GE(fd, 0);
    close(fd);
    path_ = name;
  }
  void TearDown() override { std::remove(path_.c_str()); }
  absl::Status Check(const std::string& text, bool json = false) {
    std::ofstream(path_) << text;
    out_.str("");
    return PlanCheck(path_, json, out_);
  }
  std::string path_;
  std::ostringstream out_;
};

constexpr char kGood[] =
    "graph f { a [enclosure=e]; b [enclosure=e]; a:p -- b:p [max_rtt=\"5us\"]; }";

TEST_F(PlanFileTest, AGoodPlanIsSummedUp) {
  ASSERT_TRUE(Check(kGood).ok());
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("2 nodes"), HasSubstr("1 with a delay ceiling")));
}

TEST_F(PlanFileTest, EveryMistakeIsToldWithItsPlace) {
  const absl::Status status = Check(
      "graph f {\n a [enclosure=e]; b [enclosure=e];\n"
      " a:p -- b:p [max_rt=\"5us\"];\n a:p -- c:p;\n}");
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()),
              AllOf(HasSubstr(path_ + ":3:"), HasSubstr(path_ + ":4:")));
  EXPECT_FALSE(Check("graph {", /*json=*/true).ok());
  EXPECT_THAT(out_.str(), HasSubstr("\"line\""));
}

TEST_F(PlanFileTest, AFileThatIsNotThere) {
  EXPECT_THAT(std::string(PlanCheck("/none/plan.dot", false, out_).message()),
              HasSubstr("/none/plan.dot"));
}

TEST(TopologyTextTest, ShowsWiresAndFindings) {
  const Json answer = Json::parse(R"json({"plan_version":2,"wires":[
    {"a":"a1:fab0","b":"leaf1:p1","verdict":"wrong-port","since_s":3,"rtt_s":0.0000123,
     "max_rtt_s":null,"a_sees":"leaf1:p9 (claimed)","b_sees":""}],
    "findings":[{"text":"look at it","since_s":3,"closes":true}],
    "policies":[{"scope":"fleet","policy":"enforce"}]})json");
  EXPECT_THAT(TopologyText(answer, true),
              AllOf(HasSubstr("a1:fab0 -- leaf1:p1"), HasSubstr("12.3us"), HasSubstr("look at it"),
                    HasSubstr("leaf1:p9 (claimed)"), HasSubstr("fleet: enforce")));
  EXPECT_THAT(TopologyText(answer, false), Not(HasSubstr("CABLE")));
  EXPECT_THAT(TopologyText(Json::parse(R"({"plan_version":null})"), true), HasSubstr("no plan"));
}

TEST(TopologyTextTest, ShowsWhatAPlanWouldDo) {
  const Json answer = Json::parse(R"({"closes":["a1>b1: why"],"opens":["a2>b2"],"findings":[]})");
  EXPECT_THAT(PlanPreviewText(answer),
              AllOf(HasSubstr("closes a1>b1: why"), HasSubstr("lets lease again a2>b2")));
}

}  // namespace
}  // namespace sluice::ctl
