// A RouteTable in memory, for tests.
#ifndef SLUICE_OS_NETLINK_ROUTE_TABLE_FAKE_H_
#define SLUICE_OS_NETLINK_ROUTE_TABLE_FAKE_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "os/netlink/route_interface.h"

namespace sluice {

class RouteTableFake final : public RouteTable {
 public:
  // Puts a device there that nobody created, such as a port.
  void AddDevice(const std::string& name, const std::string& kind);
  // CreateDevice of any kind but these is Unimplemented.
  std::set<std::string> known_kinds = {"wireguard", "veth", "bridge"};
  // By destination: what SourceTo answers, Unavailable for others.
  std::map<IpAddress, IpAddress> sources;
  // By device: what Counters says, 0 for others.
  std::map<std::string, DeviceTraffic> counters;
  // If not OK, every call returns it and does nothing.
  absl::Status fail_with;

  struct InputRule {
    std::string input_device;
    uint32_t table = 0;
    uint32_t priority = 0;
    friend auto operator<=>(const InputRule&, const InputRule&) = default;
  };
  const std::map<std::string, NetDevice>& devices() const { return devices_; }
  const std::map<uint32_t, std::vector<Route>>& tables() const { return tables_; }
  const std::set<InputRule>& rules() const { return rules_; }

  absl::StatusOr<NetDevice> Device(const std::string& name) override;
  absl::StatusOr<DeviceTraffic> Counters(const std::string& name) override;
  absl::Status CreateDevice(const std::string& name, const std::string& kind) override;
  absl::Status DeleteDevice(const std::string& name) override;
  absl::Status SetUp(const std::string& name, bool up) override;
  absl::Status SetMtu(const std::string& name, int mtu) override;
  absl::Status AddAddress(const std::string& name, const InterfaceAddress& address) override;
  absl::StatusOr<std::vector<InterfaceAddress>> Addresses(const std::string& name) override;
  absl::StatusOr<IpAddress> SourceTo(const IpAddress& destination, uint32_t mark) override;
  absl::Status ReplaceTable(uint32_t table, const std::vector<Route>& routes) override;
  absl::Status AddInputRule(const std::string& input_device, uint32_t table,
                            uint32_t priority) override;
  absl::Status RemoveInputRule(const std::string& input_device, uint32_t table,
                               uint32_t priority) override;

 private:
  absl::StatusOr<NetDevice*> Find(const std::string& name);

  int next_index_ = 2;
  std::map<std::string, NetDevice> devices_;
  std::map<std::string, std::vector<InterfaceAddress>> addresses_;
  std::map<uint32_t, std::vector<Route>> tables_;
  std::set<InputRule> rules_;
};

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_ROUTE_TABLE_FAKE_H_
