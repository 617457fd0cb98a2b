// RouteTable over rtnetlink(7).
#ifndef SLUICE_OS_NETLINK_ROUTE_TABLE_H_
#define SLUICE_OS_NETLINK_ROUTE_TABLE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "os/netlink/netlink_socket.h"
#include "os/netlink/route_interface.h"

namespace sluice {

// Works in the network namespace in which it was opened. A device that is not
// there is NotFound; a kind that the kernel does not know is Unimplemented.
class RtnetlinkRouteTable final : public RouteTable {
 public:
  static absl::StatusOr<std::unique_ptr<RtnetlinkRouteTable>> Open();

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
  // A route as the kernel lists it, with what is needed to name it in a delete.
  struct Listed {
    IpPrefix destination;
    int device_index = 0;
    uint32_t metric = 0;
    uint8_t type = 0;
    uint32_t table = 0;
    bool plain = true;  // no gateway or next hops: one that ReplaceTable could have made
  };

  explicit RtnetlinkRouteTable(std::unique_ptr<NetlinkSocket> socket)
      : socket_(std::move(socket)) {}
  // Calls `reply` with the kernel's words about the device.
  absl::Status AskForDevice(const std::string& name,
                            const std::function<void(const nlmsghdr*)>& reply);
  // Whether two routes to the same destination lead the same way.
  static bool Same(const Listed& a, const Listed& b);
  static Listed ParseRoute(const nlmsghdr* message);
  absl::Status ListRoutes(int family, uint32_t table, std::vector<Listed>& out);
  absl::StatusOr<Listed> Wanted(uint32_t table, const Route& route);
  absl::Status PutRoute(const Listed& route);
  absl::Status DeleteRoute(const Listed& route);
  absl::Status ChangeRule(bool add, int family, const std::string& input_device, uint32_t table,
                          uint32_t priority);

  std::unique_ptr<NetlinkSocket> socket_;
};

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_ROUTE_TABLE_H_
