// The control tunnel's device: address, key, and the peers that the core wants.
#ifndef SLUICE_APPS_CONTROLLER_CONTROL_TUNNEL_H_
#define SLUICE_APPS_CONTROLLER_CONTROL_TUNNEL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/grants/controller_core.h"
#include "os/netlink/route_interface.h"
#include "tunnel/tunnel_interface.h"

namespace sluice {

// Not thread-safe.
class ControlTunnel {
 public:
  struct Config {
    std::string device;
    uint16_t port = 0;
    Secret32 private_key;
  };
  // Makes the device or takes over what a killed controller left, and gives it
  // its key, port and address. `routes` outlives the tunnel.
  static absl::StatusOr<std::unique_ptr<ControlTunnel>> Open(TunnelFactory& factory,
                                                             RouteTable& routes,
                                                             const Config& config);

  // Makes `wanted` the only peers.
  absl::Status Sync(const std::vector<ControlPeer>& wanted);
  // Takes the device away.
  absl::Status Destroy() { return tunnel_->Destroy(); }

 private:
  explicit ControlTunnel(std::unique_ptr<Tunnel> tunnel) : tunnel_(std::move(tunnel)) {}

  std::unique_ptr<Tunnel> tunnel_;
};

}  // namespace sluice

#endif  // SLUICE_APPS_CONTROLLER_CONTROL_TUNNEL_H_
