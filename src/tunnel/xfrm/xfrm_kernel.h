// What one tunnel has in the kernel.
#ifndef SLUICE_TUNNEL_XFRM_XFRM_KERNEL_H_
#define SLUICE_TUNNEL_XFRM_XFRM_KERNEL_H_

#include <cstdint>
#include <vector>

#include "os/netlink/xfrm_interface.h"

namespace sluice {

struct XfrmKernel {
  std::vector<XfrmSaState> sas;
  std::vector<XfrmPolicy> policies;

  // The SA with this one's destination and SPI, or null.
  const XfrmSaState* Find(const XfrmSa& sa) const;
  // Whether a peer with that reqid has anything.
  bool Holds(uint32_t reqid) const;
  // The SA by which such a peer is sent to, or null.
  const XfrmSaState* Sender(uint32_t reqid) const;
};

}  // namespace sluice

#endif  // SLUICE_TUNNEL_XFRM_XFRM_KERNEL_H_
