// How much of what many share each of them gets. Values in, values out.
#ifndef SLUICE_CONTROLLER_POLICY_FAIR_SHARE_H_
#define SLUICE_CONTROLLER_POLICY_FAIR_SHARE_H_

#include <cstdint>
#include <vector>

namespace sluice {

// Someone who wants up to `most` of every pool that he is in, the same of each.
struct Claim {
  uint64_t most = 0;
  std::vector<uint32_t> pools;  // indices; in none: gets `most`
};

// Max-min fair shares, one for each claim: nobody's share can grow but at the cost of
// one that is no larger. By progressive filling (Bertsekas and Gallager, Data Networks,
// 2nd ed., §6.5.2). The shares in a pool add up to no more than it holds.
std::vector<uint64_t> MaxMinShares(const std::vector<uint64_t>& pools,
                                   const std::vector<Claim>& claims);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_POLICY_FAIR_SHARE_H_
