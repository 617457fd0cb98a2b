#include "agent/probe/nonce_memory.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(NonceMemoryTest, ForgetsInOrderOfTime) {
  NonceMemory<int> memory(3);
  const ProbeNonce one{9};
  const ProbeNonce two{1};
  const ProbeNonce three{5};
  const ProbeNonce four{0, 1};
  ASSERT_NE(memory.Add(one, 1, BootTime{10}), nullptr);
  EXPECT_EQ(memory.Add(one, 2, BootTime{10}), nullptr) << "known already";
  memory.Add(two, 2, BootTime{20});
  memory.Add(three, 3, BootTime{30});
  EXPECT_EQ(*memory.Find(one), 1);
  memory.Add(four, 4, BootTime{30});
  EXPECT_EQ(memory.Find(one), nullptr) << "the oldest makes room";
  memory.ForgetUntil(BootTime{19});
  EXPECT_EQ(memory.size(), 3u);
  memory.ForgetUntil(BootTime{20});
  EXPECT_EQ(memory.Find(two), nullptr);
  EXPECT_EQ(*memory.Find(three), 3);
  EXPECT_EQ(*memory.Find(four), 4);
}

}  // namespace
}  // namespace sluice
