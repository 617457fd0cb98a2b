#include "agent/probe/question_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"

namespace sluice {
namespace {

class QuestionPlanTest : public ::testing::Test {
 protected:
  static std::set<std::string> Targets(int count) {
    std::set<std::string> targets;
    for (int i = 0; i < count; ++i) targets.insert(StrCat("n", i));
    return targets;
  }
  void Prove(const std::string& node, const std::string& port = "fab0") {
    NeighbourTable::Proof proof;
    proof.port = {node, port};
    proof.wanted = true;
    proof.interval = plan_.target_interval();
    proof.patience = plan_.target_interval();
    known_.Take(proof, now_);
  }
  // How many questions are asked by name in that time, and the most in any ten milliseconds.
  struct Asked {
    int all = 0;
    int at_once = 0;
  };
  Asked Run(absl::Duration time, bool prove) {
    Asked asked;
    int lately = 0;
    for (int ms = 0; ms < time / absl::Milliseconds(1); ++ms) {
      now_ = now_ + absl::Milliseconds(1);
      plan_.Update(1, targets_, known_, now_);
      if (ms % 10 == 0) lately = 0;
      for (const Asking& asking : plan_.Due(now_)) {
        if (asking.target.empty()) continue;
        if (prove) Prove(asking.target);
        ++asked.all;
        asked.at_once = std::max(asked.at_once, ++lately);
      }
      known_.Forget(absl::ZeroDuration(), now_);
    }
    return asked;
  }

  BootTime now_{1'000'000'000};
  std::set<std::string> targets_;
  NeighbourTable known_;
  QuestionPlan plan_;
};

TEST_F(QuestionPlanTest, FewTargetsAreAskedFiveTimesASecond) {
  targets_ = Targets(50);
  Run(absl::Seconds(2), true);
  EXPECT_EQ(Run(absl::Seconds(4), true).all, 50 * 5 * 4);
}

TEST_F(QuestionPlanTest, ManyTargetsShareThePaceAndKeepTheirProofs) {
  targets_ = Targets(500);
  Run(absl::Seconds(12), true);
  for (int i = 0; i < 10; ++i) {
    const Asked asked = Run(absl::Seconds(1), true);
    EXPECT_NEAR(asked.all, 250, 10);
    EXPECT_LE(asked.at_once, 20) << "not in one breath";
    EXPECT_EQ(known_.size(), 500u) << "no proof lapses";
  }
  // All are overdue now.
  now_ = now_ + absl::Seconds(30);
  EXPECT_LE(Run(absl::Milliseconds(100), true).at_once, 20);
}

TEST_F(QuestionPlanTest, SeveralPortsOfATargetCount) {
  targets_ = Targets(50);
  Run(absl::Seconds(1), true);
  for (const std::string& target : targets_) Prove(target, "fab1");
  plan_.Update(1, targets_, known_, now_);
  EXPECT_EQ(plan_.places(), 100u);
  EXPECT_EQ(plan_.target_interval(), absl::Milliseconds(400));
}

TEST_F(QuestionPlanTest, TargetsThatNobodyHearsAreAskedForSeldom) {
  targets_ = Targets(2);
  EXPECT_LE(Run(absl::Seconds(4), false).all, 2 * (4000 / 400 + 1));
  targets_ = Targets(500);
  plan_.Update(2, targets_, known_, now_);
  plan_ = {};
  EXPECT_LE(Run(absl::Seconds(4), false).all, 4 * 50 + 1);
}

TEST_F(QuestionPlanTest, OneThatIsHeardIsAskedAtOnce) {
  targets_ = Targets(500);
  Run(absl::Seconds(12), false);
  Prove("n0");
  plan_.Update(1, targets_, known_, now_);
  EXPECT_THAT(plan_.Due(now_), testing::Contains(testing::Field(&Asking::target, "n0")));
}

TEST_F(QuestionPlanTest, WhoAsksIsAskedBackButNotWithEveryQuestion) {
  targets_ = Targets(500);
  Run(absl::Seconds(12), false);
  now_ = now_ + absl::Seconds(1);
  EXPECT_FALSE(plan_.AskBack("stranger", now_));
  ASSERT_TRUE(plan_.AskBack("n1", now_));
  EXPECT_FALSE(plan_.AskBack("n2", now_ + absl::Milliseconds(19)));
  EXPECT_TRUE(plan_.AskBack("n2", now_ + absl::Milliseconds(20)));
  EXPECT_FALSE(plan_.AskBack("n1", now_ + absl::Milliseconds(399)));
  EXPECT_TRUE(plan_.AskBack("n1", now_ + absl::Milliseconds(400)));
  Prove("n1");
  plan_.Update(1, targets_, known_, now_);
  EXPECT_FALSE(plan_.AskBack("n1", now_ + absl::Seconds(9)));
}

}  // namespace
}  // namespace sluice
