// The node's devices and kernel settings: from nothing to a node on which
// everything is denied, and back.
#ifndef SLUICE_AGENT_APPLY_NODE_SETUP_H_
#define SLUICE_AGENT_APPLY_NODE_SETUP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "agent/apply/identity_store.h"
#include "datapath/datapath_interface.h"
#include "model/tunnel_kind.h"
#include "os/files/files_interface.h"
#include "os/netlink/route_interface.h"
#include "tunnel/tunnel_interface.h"

namespace sluice {

// What both tunnels mark their packets with, so that the fabric port lets them out.
inline constexpr uint32_t kTunnelMark = 0x51;
// Before the main table's rule (32766), after what an operator puts in front.
inline constexpr uint32_t kRulePriority = 1510;
// What a WireGuard packet adds at most: IPv6, UDP, header, tag, padding. ESP adds 77.
inline constexpr int kTunnelOverhead = 80;

struct NodePorts {
  std::string accelerator_port;
  std::vector<std::string> fabric_ports;
  std::string tunnel_device;
  TunnelKind tunnel_kind = TunnelKind::kWireguard;  // of the link tunnel
  uint16_t tunnel_port = 0;
  std::string control_device;
  uint16_t control_port = 0;
  std::string pin_directory;
  std::string shaper;
};

// Not thread-safe. The parts outlive it.
class NodeSetup {
 public:
  struct Parts {
    RouteTable& routes;
    TunnelFactory& tunnels;  // WireGuard's
    Files& files;
    TunnelFactory* xfrm = nullptr;  // null: not on this machine
  };
  NodeSetup(NodePorts ports, Parts parts);

  // Whether the ports exist; the error names the flag to set.
  absl::Status CheckPorts();
  DatapathConfig datapath_config() const;

  // Before the gate: the link tunnel's device, silent if it is new. An
  // existing one keeps its key and peers; a new one gets a key that only its
  // kernel or its process ever holds.
  absl::StatusOr<std::unique_ptr<Tunnel>> OpenLinkTunnel();

  // After the gate is attached: kernel settings, routing rule and, unless an
  // earlier run's routes are to be kept, a table that routes nothing; then the
  // ports come up, the accelerator's last.
  absl::Status Open(bool keep_routes);

  // The tunnel to the controller with this key and address. `endpoint` is
  // where the controller is.
  struct ControlTunnel {
    Secret32 private_key;
    IpAddress address;
    PublicKey controller_key{};
    Endpoint endpoint;
    IpAddress controller_address;
  };
  absl::StatusOr<std::unique_ptr<Tunnel>> OpenControlTunnel(const ControlTunnel& control);

  // Whether the devices of both tunnels are still there. They go when someone deletes
  // them, or with the process of a wireguard-go.
  absl::Status CheckTunnels();

  // Networks of the accelerator port's global addresses.
  absl::StatusOr<std::vector<IpPrefix>> AcceleratorPrefixes();

  // Takes away all that Open and the tunnels made; the accelerator port goes
  // down first, and the machine forwards no more. Goes on after an error and
  // returns the first.
  absl::Status TakeDown(Datapath& datapath);

 private:
  // Takes over or makes the link tunnel's device. One that is of the other kind goes first.
  absl::StatusOr<TunnelFactory::Opened> OpenLinkDevice();
  static absl::StatusOr<std::unique_ptr<Tunnel>> OpenConfigured(
      const std::string& which, const std::function<absl::StatusOr<TunnelFactory::Opened>()>& open,
      const std::function<absl::Status(const TunnelFactory::Opened&)>& configure);
  absl::StatusOr<int> TunnelMtu();
  absl::Status RemoveGate(Datapath& datapath);
  absl::Status WriteSettings();
  absl::Status WriteSetting(const std::string& path, const std::string& value);
  absl::Status LoosenReversePathFilter();

  const NodePorts ports_;
  const Parts parts_;
};

// A peer with the controller's key, seen from a node.
TunnelPeer ControllerPeer(const NodeSetup::ControlTunnel& control);

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_NODE_SETUP_H_
