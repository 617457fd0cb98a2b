// The gate's counts of the fabric ports: its map "fabric".
#ifndef SLUICE_DATAPATH_TC_FABRIC_COUNTS_H_
#define SLUICE_DATAPATH_TC_FABRIC_COUNTS_H_

#include <cstdint>
#include <set>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/port_counts.h"

namespace sluice {

// Makes the gate count on these ports and no others, as far as the map has room. What it has
// counted there stays.
absl::Status CountPorts(int map_fd, const std::set<uint32_t>& indexes);

// All but the port's name and its device's own counters. NotFound if it is not counted.
absl::StatusOr<PortCounts> ReadPort(int map_fd, uint32_t index);

}  // namespace sluice

#endif  // SLUICE_DATAPATH_TC_FABRIC_COUNTS_H_
