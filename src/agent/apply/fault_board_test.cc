#include "agent/apply/fault_board.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr BootTime kNow{100'000'000'000};

TEST(FaultBoardTest, AStateStandsUntilItIsCleared) {
  FaultBoard board;
  board.Update("disk", absl::ResourceExhaustedError("full"));
  EXPECT_THAT(board.List(kNow + absl::Hours(9)), ElementsAre("disk: full"));
  board.Update("disk", absl::OkStatus());
  EXPECT_THAT(board.List(kNow), IsEmpty());
}

TEST(FaultBoardTest, EventsAreCountedAndFade) {
  FaultBoard board;
  board.Event("refused", kNow);
  EXPECT_THAT(board.List(kNow), ElementsAre("refused"));
  board.Event("refused", kNow + absl::Seconds(30));
  EXPECT_THAT(board.List(kNow + absl::Seconds(61)), ElementsAre("refused (2 times)"));
  EXPECT_THAT(board.List(kNow + absl::Seconds(91)), IsEmpty());
}

TEST(FaultBoardTest, AFloodOfKindsIsBounded) {
  FaultBoard board;
  for (int i = 0; i < 10'000; ++i) board.Event("kind " + std::to_string(i), kNow);
  EXPECT_LE(board.List(kNow).size(), 32u);
  board.Event("later", kNow + absl::Minutes(2));
  EXPECT_THAT(board.List(kNow + absl::Minutes(2)), ElementsAre("later"));
}

}  // namespace
}  // namespace sluice
