// From what a lease bounds to what the kernel's SAs count.
#ifndef SLUICE_TUNNEL_XFRM_XFRM_LIMITS_H_
#define SLUICE_TUNNEL_XFRM_XFRM_LIMITS_H_

#include "absl/time/time.h"
#include "os/netlink/xfrm_interface.h"
#include "tunnel/tunnel_interface.h"

namespace sluice {

// The limits by which this SA, with what it has counted so far, ends `limits` after `now`.
// Seconds are rounded up.
XfrmLimits LimitsFrom(const XfrmSaState& sa, const TunnelLimits& limits, absl::Time now);

// What is left of the limits of `from` at `now`, for an SA that has counted as `to` has.
XfrmLimits RemainingLimits(const XfrmSaState& from, const XfrmSaState& to);

}  // namespace sluice

#endif  // SLUICE_TUNNEL_XFRM_XFRM_LIMITS_H_
