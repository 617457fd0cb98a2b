#include "base/queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "base/system_clock.h"

namespace sluice {
namespace {

TEST(BoundedQueueTest, KeepsOrderAndRefusesWhenFull) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.Push(1));
  EXPECT_TRUE(queue.Push(2));
  EXPECT_FALSE(queue.Push(3));
  EXPECT_EQ(queue.PopFor(absl::ZeroDuration()), 1);
  EXPECT_TRUE(queue.Push(4));
  EXPECT_EQ(queue.PopFor(absl::ZeroDuration()), 2);
  EXPECT_EQ(queue.PopFor(absl::ZeroDuration()), 4);
  EXPECT_EQ(queue.PopFor(-absl::Seconds(1)), std::nullopt);
}

TEST(BoundedQueueTest, TakesWhatCanOnlyBeMoved) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  EXPECT_TRUE(queue.Push(std::make_unique<int>(5)));
  EXPECT_EQ(**queue.PopFor(absl::ZeroDuration()), 5);
}

TEST(BoundedQueueTest, AfterCloseGivesOutTheRestAndTakesNothing) {
  BoundedQueue<int> queue(4);
  EXPECT_TRUE(queue.Push(1));
  queue.Close();
  EXPECT_FALSE(queue.Push(2));
  EXPECT_EQ(queue.PopFor(absl::InfiniteDuration()), 1);
  EXPECT_EQ(queue.PopFor(absl::InfiniteDuration()), std::nullopt);
}

TEST(BoundedQueueTest, CloseWakesAWaiter) {
  BoundedQueue<int> queue(1);
  std::thread waiter([&queue] { EXPECT_EQ(queue.PopFor(absl::InfiniteDuration()), std::nullopt); });
  queue.Close();
  waiter.join();
}

TEST(BoundedQueueTest, PopWaitsForItsTimeout) {
  BoundedQueue<int> queue(1);
  SystemClock clock;
  BootTime before = clock.Now();
  EXPECT_EQ(queue.PopFor(absl::Milliseconds(20)), std::nullopt);
  EXPECT_GE(clock.Now() - before, absl::Milliseconds(20));
}

TEST(BoundedQueueTest, LosesAndDoublesNothingBetweenThreads) {
  constexpr int kThreads = 4;
  constexpr int kEach = 5'000;
  BoundedQueue<int> queue(16);
  std::vector<std::thread> producers;
  for (int t = 0; t < kThreads; ++t) {
    producers.emplace_back([&queue, t] {
      for (int i = 0; i < kEach; ++i)
        while (!queue.Push(t * kEach + i)) std::this_thread::yield();
    });
  }
  std::vector<int> last(kThreads, -1);
  for (int i = 0; i < kThreads * kEach; ++i) {
    std::optional<int> item = queue.PopFor(absl::Seconds(30));
    ASSERT_TRUE(item.has_value());
    // Each producer's items come in the order in which it pushed them.
    EXPECT_EQ(*item % kEach, last[*item / kEach] + 1);
    last[*item / kEach] = *item % kEach;
  }
  for (std::thread& producer : producers) producer.join();
  EXPECT_EQ(queue.size(), 0u);
}

TEST(BoundedQueueTest, WhatIsUrgentJumpsEvenAFullQueue) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.Push(1));
  ASSERT_FALSE(queue.Push(2));
  EXPECT_TRUE(queue.PushFirst(3));
  EXPECT_EQ(queue.PopFor(absl::ZeroDuration()), 3);
  EXPECT_EQ(queue.PopFor(absl::ZeroDuration()), 1);
  queue.Close();
  EXPECT_FALSE(queue.PushFirst(4));
}

TEST(SystemClockTest, RunsForwardsInTheRightEra) {
  SystemClock clock;
  BootTime first = clock.Now();
  EXPECT_GT(first.ns, 0);
  EXPECT_LE(first, clock.Now());
  EXPECT_GT(clock.WallNow(), absl::FromUnixSeconds(1'600'000'000));
}

}  // namespace
}  // namespace sluice
