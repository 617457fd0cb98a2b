#include "tunnel/xfrm/xfrm_kernel.h"

#include <algorithm>

namespace sluice {

const XfrmSaState* XfrmKernel::Find(const XfrmSa& sa) const {
  const auto it = std::ranges::find_if(sas, [&](const XfrmSaState& s) {
    return s.sa.spi == sa.spi && s.sa.destination == sa.destination;
  });
  return it == sas.end() ? nullptr : &*it;
}

bool XfrmKernel::Holds(uint32_t reqid) const {
  return std::ranges::any_of(sas, [&](const auto& s) { return s.sa.reqid == reqid; }) ||
         std::ranges::any_of(policies, [&](const auto& p) { return p.reqid == reqid; });
}

const XfrmSaState* XfrmKernel::Sender(uint32_t reqid) const {
  for (const XfrmPolicy& policy : policies) {
    if (policy.reqid != reqid || policy.direction != XfrmDirection::kOut) continue;
    XfrmSa sa;
    sa.spi = policy.spi;
    sa.destination = policy.outer_destination;
    return Find(sa);
  }
  return nullptr;
}

}  // namespace sluice
