// What both ends count is compared.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/grants/core_test_fleet.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CoreMismatchTest : public testing::Test {
 protected:
  void SetUp() override {
    fleet_.Join("a1", "10.1.0.0/24");
    fleet_.Join("b1", "10.2.0.0/24");
    ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, 1'000 * kMegabyte)).ok());
    ASSERT_TRUE(fleet_.Hello("a1").ok());
    ASSERT_TRUE(fleet_.Hello("b1").ok());
  }
  // Traffic at 1 MB/s, of which `arrives` of a hundred do.
  void Drive(int seconds, uint64_t arrives = 100) {
    for (int i = 0; i < 5 * seconds; ++i) {
      if (i % 25 == 0) (void)fleet_.Request(kLink);
      const uint64_t sent = fleet_.Admit("a1", {kLink, Role::kSend}, kMegabyte / 5);
      fleet_.Admit("b1", {kLink, Role::kReceive}, sent * arrives / 100);
      fleet_.Pass(absl::Milliseconds(200));
    }
  }
  std::optional<MismatchView> Mismatch() const { return fleet_.View(kLink).mismatch; }
  TestFleet fleet_;
};

TEST_F(CoreMismatchTest, HonestEndsAgree) {
  Drive(30);
  EXPECT_FALSE(Mismatch());
  Drive(10, 95);
  EXPECT_FALSE(Mismatch()) << "ordinary loss";
}

TEST_F(CoreMismatchTest, ASenderThatSaysTooLittleIsNamed) {
  fleet_.agent("a1").honesty = 0.7;
  Drive(30);
  const auto mismatch = Mismatch();
  ASSERT_TRUE(mismatch);
  EXPECT_GT(mismatch->received.value, mismatch->sent.value * 5 / 4);
  EXPECT_GT(mismatch->since, absl::Seconds(1));
  EXPECT_THAT(mismatch->text, HasSubstr(std::to_string(mismatch->sent.value)));
  EXPECT_THAT(mismatch->text, HasSubstr(std::to_string(mismatch->received.value)));
}

TEST_F(CoreMismatchTest, ItsBeginningAndItsEndAreEvents) {
  const auto events = [&] {
    std::vector<std::string> kinds;
    for (const FleetEvent& e :
         fleet_.core_->Events({.kinds = {"mismatch", "mismatch_over"}}).events)
      kinds.insert(kinds.begin(), e.kind);
    return kinds;
  };
  fleet_.agent("b1").honesty = 0.5;
  Drive(15);
  EXPECT_THAT(events(), ElementsAre("mismatch"));
  fleet_.agent("b1").honesty = 1;
  Drive(15);
  EXPECT_THAT(events(), ElementsAre("mismatch", "mismatch_over"));
}

TEST_F(CoreMismatchTest, AReceiverThatSaysTooLittleIsNamed) {
  fleet_.agent("b1").honesty = 0.5;
  Drive(15);
  ASSERT_TRUE(Mismatch());
  EXPECT_GT(Mismatch()->sent, Mismatch()->received);
}

TEST_F(CoreMismatchTest, AnEndThatIsSilentAccusesNobody) {
  Drive(2);
  for (int i = 0; i < 50; ++i) {
    fleet_.Traffic(kLink, kMegabyte / 5);
    fleet_.clock_.Advance(absl::Milliseconds(200));
    ASSERT_TRUE(fleet_.Heartbeat("b1").ok());
  }
  EXPECT_FALSE(Mismatch());
}

TEST_F(CoreMismatchTest, ARestartedControllerStillSeesIt) {
  fleet_.agent("a1").honesty = 0.7;
  Drive(30);
  ASSERT_TRUE(Mismatch());
  fleet_.Restart();
  ASSERT_TRUE(fleet_.Hello("a1").ok());
  ASSERT_TRUE(fleet_.Hello("b1").ok());
  Drive(3);
  EXPECT_TRUE(Mismatch());
}

}  // namespace
}  // namespace sluice
