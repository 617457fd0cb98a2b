#include "controller/policy/fair_share.h"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace sluice {
namespace {

class Filling {
 public:
  Filling(const std::vector<uint64_t>& pools, const std::vector<Claim>& claims)
      : left_(pools), waiting_(pools.size(), 0), claims_(claims), shares_(claims.size(), 0) {
    for (size_t i = 0; i < claims.size(); ++i) {
      open_.push_back(i);
      for (const uint32_t pool : claims[i].pools) ++waiting_[pool];
    }
  }

  std::vector<uint64_t> Run() {
    while (!open_.empty()) {
      const uint64_t level = Level();
      if (Settle([&](const Claim& c) { return c.most <= level; }, level)) continue;
      Settle([&](const Claim& c) { return IsFull(c, level); }, level);
    }
    return shares_;
  }

 private:
  uint64_t LevelOf(size_t pool) const { return left_[pool] / waiting_[pool]; }

  // What every open claim can have now.
  uint64_t Level() const {
    uint64_t level = std::numeric_limits<uint64_t>::max();
    for (size_t pool = 0; pool < left_.size(); ++pool) {
      if (waiting_[pool] > 0) level = std::min(level, LevelOf(pool));
    }
    return level;
  }

  bool IsFull(const Claim& claim, uint64_t level) const {
    return std::ranges::any_of(claim.pools, [&](uint32_t pool) { return LevelOf(pool) <= level; });
  }

  // Gives what `settled` picks its share for good. False if it picks none.
  template <typename Settled>
  bool Settle(Settled settled, uint64_t level) {
    const auto rest = std::stable_partition(open_.begin(), open_.end(),
                                            [&](size_t i) { return !settled(claims_[i]); });
    const bool any = rest != open_.end();
    for (auto it = rest; it != open_.end(); ++it) {
      const Claim& claim = claims_[*it];
      shares_[*it] = std::min(claim.most, level);
      for (const uint32_t pool : claim.pools) {
        left_[pool] -= shares_[*it];
        --waiting_[pool];
      }
    }
    open_.erase(rest, open_.end());
    return any;
  }

  std::vector<uint64_t> left_;
  std::vector<uint64_t> waiting_;  // open claims in each pool
  const std::vector<Claim>& claims_;
  std::vector<uint64_t> shares_;
  std::vector<size_t> open_;
};

}  // namespace

std::vector<uint64_t> MaxMinShares(const std::vector<uint64_t>& pools,
                                   const std::vector<Claim>& claims) {
  return Filling(pools, claims).Run();
}

}  // namespace sluice
