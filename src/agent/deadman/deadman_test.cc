#include "agent/deadman/deadman.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const LinkSide kA{{"a1", "b1"}, Role::kSend};
const LinkSide kB{{"b1", "a1"}, Role::kReceive};
const LinkSide kC{{"a1", "b2"}, Role::kSend};

TEST(DeadmanTest, KnowsTheNextDeadline) {
  Deadman deadman;
  EXPECT_EQ(deadman.NextDeadline(), std::nullopt);
  deadman.Watch(kA, BootTime{300});
  deadman.Watch(kB, BootTime{200});
  EXPECT_EQ(deadman.NextDeadline(), BootTime{200});
  deadman.Forget(kB);
  EXPECT_EQ(deadman.NextDeadline(), BootTime{300});
}

TEST(DeadmanTest, ASideIsDueAtItsEndAndNotBefore) {
  Deadman deadman;
  deadman.Watch(kA, BootTime{300});
  EXPECT_THAT(deadman.Due(BootTime{299}), IsEmpty());
  EXPECT_THAT(deadman.Due(BootTime{300}), ElementsAre(kA));
}

TEST(DeadmanTest, WhatIsDueStaysDueUntilForgotten) {
  Deadman deadman;
  deadman.Watch(kA, BootTime{300});
  deadman.Watch(kB, BootTime{100});
  deadman.Watch(kC, BootTime{400});
  EXPECT_THAT(deadman.Due(BootTime{300}), ElementsAre(kB, kA));
  EXPECT_THAT(deadman.Due(BootTime{300}), ElementsAre(kB, kA));
  deadman.Forget(kB);
  EXPECT_THAT(deadman.Due(BootTime{300}), ElementsAre(kA));
}

TEST(DeadmanTest, ARenewalMovesTheEnd) {
  Deadman deadman;
  deadman.Watch(kA, BootTime{300});
  deadman.Watch(kA, BootTime{500});
  EXPECT_THAT(deadman.Due(BootTime{499}), IsEmpty());
  EXPECT_EQ(deadman.NextDeadline(), BootTime{500});
}

}  // namespace
}  // namespace sluice
