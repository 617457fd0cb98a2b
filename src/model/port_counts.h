// What came and went by a node's fabric ports, as the node's kernel counts it.
#ifndef SLUICE_MODEL_PORT_COUNTS_H_
#define SLUICE_MODEL_PORT_COUNTS_H_

#include <cstdint>
#include <string>

namespace sluice {

// Bytes are those of frames, from the Ethernet header on. Cumulative.
struct Traffic {
  uint64_t bytes = 0;
  uint64_t packets = 0;
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

// A network device's own counters, which also see what no gate program sees.
struct DeviceTraffic {
  Traffic rx = {};
  Traffic tx = {};
  friend bool operator==(const DeviceTraffic&, const DeviceTraffic&) = default;
};

// One direction of a fabric port: what the device says, and what the gate made of it.
struct PortFlow {
  Traffic device = {};
  Traffic tunnel = {};   // of the link tunnel, and passed
  Traffic control = {};  // passed without a lease
  Traffic refused = {};  // what is sent is refused before the device counts it
  friend bool operator==(const PortFlow&, const PortFlow&) = default;
};

// A counter that goes back began anew.
struct PortCounts {
  std::string port = {};
  PortFlow rx = {};
  PortFlow tx = {};
  friend bool operator==(const PortCounts&, const PortCounts&) = default;
};

}  // namespace sluice

#endif  // SLUICE_MODEL_PORT_COUNTS_H_
