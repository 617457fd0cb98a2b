// Links, addresses, routes and rules of this network namespace (rtnetlink(7)).
#ifndef SLUICE_OS_NETLINK_ROUTE_INTERFACE_H_
#define SLUICE_OS_NETLINK_ROUTE_INTERFACE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/port_counts.h"
#include "model/prefix.h"

namespace sluice {

struct NetDevice {
  int index = 0;
  std::string name;
  std::string kind;  // "veth", "wireguard", "tun", …; empty for physical ones
  int mtu = 0;
  bool up = false;
};

// An address with the length of its on-link prefix.
struct InterfaceAddress {
  IpAddress address;
  uint8_t prefix_length = 0;
};

struct Route {
  IpPrefix destination;
  std::string device;
  uint32_t table = 254;    // main
  bool blackhole = false;  // device is empty then
};

// Not thread-safe. Every add is idempotent; every remove of what is not there is OK.
class RouteTable {
 public:
  virtual ~RouteTable() = default;
  virtual absl::StatusOr<NetDevice> Device(const std::string& name) = 0;
  // What the device itself has counted since it was made.
  virtual absl::StatusOr<DeviceTraffic> Counters(const std::string& name) = 0;
  virtual absl::Status CreateDevice(const std::string& name, const std::string& kind) = 0;
  virtual absl::Status DeleteDevice(const std::string& name) = 0;
  virtual absl::Status SetUp(const std::string& name, bool up) = 0;
  virtual absl::Status SetMtu(const std::string& name, int mtu) = 0;
  virtual absl::Status AddAddress(const std::string& name, const InterfaceAddress& address) = 0;
  // Global-scope addresses only.
  virtual absl::StatusOr<std::vector<InterfaceAddress>> Addresses(const std::string& name) = 0;
  // The address that the machine puts on packets with this fwmark to `destination`.
  // Unavailable if nothing leads there.
  virtual absl::StatusOr<IpAddress> SourceTo(const IpAddress& destination, uint32_t mark) = 0;
  // Makes `routes` the only ones in `table` (never main or local).
  virtual absl::Status ReplaceTable(uint32_t table, const std::vector<Route>& routes) = 0;
  // Packets that came in by `input_device` are routed by `table`, IPv4 and IPv6.
  virtual absl::Status AddInputRule(const std::string& input_device, uint32_t table,
                                    uint32_t priority) = 0;
  virtual absl::Status RemoveInputRule(const std::string& input_device, uint32_t table,
                                       uint32_t priority) = 0;
};

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_ROUTE_INTERFACE_H_
