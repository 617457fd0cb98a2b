#include "controller/policy/fair_share.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace sluice {
namespace {

using Shares = std::vector<uint64_t>;

TEST(FairShareTest, WhatSmallOnesLeaveGoesToTheRest) {
  EXPECT_EQ(MaxMinShares({9}, {{1, {0}}, {8, {0}}, {8, {0}}}), (Shares{1, 4, 4}));
  EXPECT_EQ(MaxMinShares({9}, {{1, {0}}, {2, {0}}, {8, {0}}}), (Shares{1, 2, 6}));
  EXPECT_EQ(MaxMinShares({}, {{5, {}}}), (Shares{5}));
  EXPECT_EQ(MaxMinShares({2}, {{5, {0}}, {5, {0}}, {5, {0}}}), (Shares{0, 0, 0}));
}

TEST(FairShareTest, WhoIsHeldElsewhereLeavesRoom) {
  // A pool of 100 for all, and one of 10 for the first two.
  EXPECT_EQ(MaxMinShares({100, 10}, {{100, {0, 1}}, {100, {0, 1}}, {100, {0}}}),
            (Shares{5, 5, 90}));
}

TEST(FairShareTest, IsFairAndFillsItsPools) {
  EXPECT_TRUE(rc::check([] {
    const auto pools = *rc::gen::container<Shares>(rc::gen::inRange<uint64_t>(0, 1'000'000'000));
    std::vector<Claim> claims;
    const auto wants = *rc::gen::container<Shares>(rc::gen::inRange<uint64_t>(0, 400'000'000));
    for (const uint64_t most : wants) {
      Claim& claim = claims.emplace_back();
      claim.most = most;
      for (uint32_t pool = 0; pool < pools.size(); ++pool)
        if (*rc::gen::arbitrary<bool>()) claim.pools.push_back(pool);
    }
    const Shares shares = MaxMinShares(pools, claims);
    RC_ASSERT(shares.size() == claims.size());
    Shares used(pools.size(), 0);
    Shares largest(pools.size(), 0);
    Shares members(pools.size(), 0);
    for (size_t i = 0; i < claims.size(); ++i) {
      RC_ASSERT(shares[i] <= claims[i].most);
      for (const uint32_t pool : claims[i].pools) {
        used[pool] += shares[i];
        largest[pool] = std::max(largest[pool], shares[i]);
        ++members[pool];
      }
    }
    for (size_t pool = 0; pool < pools.size(); ++pool) RC_ASSERT(used[pool] <= pools[pool]);
    // Who has less than he wants is among the largest of a pool that is full, but for what
    // does not divide.
    for (size_t i = 0; i < claims.size(); ++i) {
      if (shares[i] == claims[i].most) continue;
      RC_ASSERT(std::any_of(claims[i].pools.begin(), claims[i].pools.end(), [&](uint32_t pool) {
        return pools[pool] - used[pool] < members[pool] &&
               largest[pool] <= shares[i] + members[pool];
      }));
    }
  }));
}

}  // namespace
}  // namespace sluice
