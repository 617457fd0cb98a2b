// How a lease's rate and burst become a queue. Pure.
#ifndef SLUICE_DATAPATH_TC_SHAPER_PLAN_H_
#define SLUICE_DATAPATH_TC_SHAPER_PLAN_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "base/units.h"
#include "datapath/tc/shaper_interface.h"
#include "os/netlink/tc_interface.h"

namespace sluice {

// One link's queue: a class of HTB that keeps the rate and below it a TBF of
// endless rate, whose only work is to split super-packets. `htb` has no ids yet.
struct ShaperPlan {
  HtbClass htb;
  TbfParameters leaf;
  ShaperWords words;  // for the gate's virtual clock, which is the queue that drops
};

// `burst` is the lease's: in every window of length T, at most rate * T + burst
// bytes leave. `mtu` is the tunnel device's. InvalidArgument if not even one
// packet of that size fits into the burst.
absl::StatusOr<ShaperPlan> PlanHtb(BitRate rate, Bytes burst, int mtu);

// The same for EDT, which cannot split super-packets: the gate dates those so that
// they fit, and refuses what is longer than the burst.
absl::StatusOr<ShaperWords> PlanEdt(BitRate rate, Bytes burst, int mtu);

}  // namespace sluice

#endif  // SLUICE_DATAPATH_TC_SHAPER_PLAN_H_
