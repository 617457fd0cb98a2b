#include "agent/meter/fabric_meter.h"

#include <map>
#include <string>

#include "base/status.h"

namespace sluice {
namespace {

constexpr absl::Duration kMeterInterval = absl::Seconds(1);

}  // namespace

absl::StatusOr<std::vector<PortCounts>> FabricMeter::Take(BootTime now) {
  if (now < next_) return std::vector<PortCounts>{};
  next_ = now + kMeterInterval;
  SLUICE_ASSIGN_OR_RETURN(std::vector<PortCounts> ports, datapath_.ReadFabric());
  for (PortCounts& counts : ports) {
    SLUICE_ASSIGN_OR_RETURN(const DeviceTraffic device, devices_.Counters(counts.port));
    counts.rx.device = device.rx;
    counts.tx.device = device.tx;
  }
  return ports;
}

}  // namespace sluice
