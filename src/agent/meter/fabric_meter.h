// What comes and goes by the fabric ports: as the gate counts it and as the devices do.
#ifndef SLUICE_AGENT_METER_FABRIC_METER_H_
#define SLUICE_AGENT_METER_FABRIC_METER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "datapath/datapath_interface.h"
#include "model/port_counts.h"
#include "os/netlink/route_interface.h"

namespace sluice {

// Not thread-safe. The parts outlive it.
class FabricMeter {
 public:
  FabricMeter(Datapath& datapath, RouteTable& devices) : datapath_(datapath), devices_(devices) {}

  // Reads both, at most once a second: nothing in between.
  absl::StatusOr<std::vector<PortCounts>> Take(BootTime now);

 private:
  Datapath& datapath_;
  RouteTable& devices_;
  BootTime next_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_METER_FABRIC_METER_H_
