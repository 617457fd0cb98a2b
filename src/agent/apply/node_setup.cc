#include "agent/apply/node_setup.h"

#include <algorithm>
#include <utility>

#include "agent/apply/addresses.h"
#include "agent/apply/executor.h"
#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr uint8_t kControlPrefixLength = 64;
constexpr absl::Duration kControlKeepalive = absl::Seconds(5);
constexpr size_t kSettingLimit = 64;

std::string Setting4(const std::string& device, const std::string& name) {
  return StrCat("/proc/sys/net/ipv4/conf/", device, "/", name);
}
std::string Setting6(const std::string& device, const std::string& name) {
  return StrCat("/proc/sys/net/ipv6/conf/", device, "/", name);
}

}  // namespace

TunnelPeer ControllerPeer(const NodeSetup::ControlTunnel& control) {
  TunnelPeer peer;
  peer.key = control.controller_key;
  peer.endpoint = control.endpoint;
  peer.allowed = {
      {control.controller_address, static_cast<uint8_t>(control.controller_address.v6 ? 128 : 32)}};
  // So that a controller that lost its peers' whereabouts learns them anew.
  peer.keepalive = kControlKeepalive;
  return peer;
}

NodeSetup::NodeSetup(NodePorts ports, Parts parts) : ports_(std::move(ports)), parts_(parts) {}

absl::Status NodeSetup::CheckPorts() {
  const auto check = [this](const std::string& port, std::string_view flag) -> absl::Status {
    const absl::Status s = parts_.routes.Device(port).status();
    if (!absl::IsNotFound(s)) return s;
    return absl::NotFoundError(StrCat(port, " does not exist; name it with ", flag));
  };
  SLUICE_RETURN_IF_ERROR(check(ports_.accelerator_port, "--accelerator-port"));
  for (const std::string& port : ports_.fabric_ports) {
    SLUICE_RETURN_IF_ERROR(check(port, "--fabric-port"));
  }
  return absl::OkStatus();
}

DatapathConfig NodeSetup::datapath_config() const {
  DatapathConfig config;
  config.accelerator_port = ports_.accelerator_port;
  config.fabric_ports = ports_.fabric_ports;
  config.tunnel_device = ports_.tunnel_device;
  config.pin_directory = ports_.pin_directory;
  config.tunnel_transport =
      ports_.tunnel_kind == TunnelKind::kXfrm ? TunnelTransport::kEsp : TunnelTransport::kUdp;
  config.tunnel_port = ports_.tunnel_port;
  config.control_port = ports_.control_port;
  config.tunnel_mark = kTunnelMark;
  config.shaper = ports_.shaper;
  return config;
}

absl::StatusOr<int> NodeSetup::TunnelMtu() {
  int mtu = 0;
  for (const std::string& port : ports_.fabric_ports) {
    SLUICE_ASSIGN_OR_RETURN(const NetDevice device, parts_.routes.Device(port));
    mtu = mtu == 0 ? device.mtu : std::min(mtu, device.mtu);
  }
  // IPv6 needs 1280; a fabric that is too small for it is no reason to stop.
  return std::max(mtu - kTunnelOverhead, 1280);
}

absl::StatusOr<std::unique_ptr<Tunnel>> NodeSetup::OpenLinkTunnel() {
  TunnelConfig config;
  SLUICE_ASSIGN_OR_RETURN(config.mtu, TunnelMtu());
  config.listen_port = ports_.tunnel_port;
  config.mark = kTunnelMark;
  const auto configure = [&](const TunnelFactory::Opened& opened) -> absl::Status {
    TunnelConfig own = config;
    // Fails for a device that an earlier run made and then died over.
    if (opened.adopted && opened.tunnel->Configure(own).ok()) return absl::OkStatus();
    own.private_key = NewSecret();
    return opened.tunnel->Configure(own);
  };
  return OpenConfigured(
      "link", [this] { return OpenLinkDevice(); }, configure);
}

// A tunnel that was taken over may have been dying, as all on a node that is being killed;
// then there is none any more, and another is made.
absl::StatusOr<std::unique_ptr<Tunnel>> NodeSetup::OpenConfigured(
    const std::string& which, const std::function<absl::StatusOr<TunnelFactory::Opened>()>& open,
    const std::function<absl::Status(const TunnelFactory::Opened&)>& configure) {
  absl::Status status;
  for (int i = 0; i < 2; ++i) {
    absl::StatusOr<TunnelFactory::Opened> opened = open();
    if (!opened.ok())
      return Annotate(opened.status(), StrCat("cannot open the ", which, " tunnel"));
    status = configure(*opened);
    if (status.ok()) return std::move(opened->tunnel);
    if (!opened->adopted) break;
  }
  return Annotate(status, StrCat("cannot configure the ", which, " tunnel"));
}

absl::StatusOr<TunnelFactory::Opened> NodeSetup::OpenLinkDevice() {
  const bool xfrm = ports_.tunnel_kind == TunnelKind::kXfrm;
  if (xfrm && parts_.xfrm == nullptr)
    return absl::FailedPreconditionError("this machine has no IPsec tunnels");
  TunnelFactory& factory = xfrm ? *parts_.xfrm : parts_.tunnels;
  const absl::StatusOr<NetDevice> device = parts_.routes.Device(ports_.tunnel_device);
  if (device.ok() && (device->kind == "xfrm") != xfrm && parts_.xfrm != nullptr) {
    TunnelFactory& other = xfrm ? parts_.tunnels : *parts_.xfrm;
    SLUICE_ASSIGN_OR_RETURN(const TunnelFactory::Opened old, other.Open(ports_.tunnel_device));
    SLUICE_RETURN_IF_ERROR(old.tunnel->Destroy());
  }
  return factory.Open(ports_.tunnel_device);
}

absl::Status NodeSetup::WriteSetting(const std::string& path, const std::string& value) {
  const absl::Status s = parts_.files.WriteControl(path, value);
  // A kernel without IPv6 forwards none.
  if (absl::IsNotFound(s) && path.find("/ipv6/") != std::string::npos) return absl::OkStatus();
  return s;
}

// The kernel uses the stricter of "all" and the port's own, so the strictness
// of "all" moves to the fabric ports.
absl::Status NodeSetup::LoosenReversePathFilter() {
  SLUICE_ASSIGN_OR_RETURN(const std::string all,
                          parts_.files.Read(Setting4("all", "rp_filter"), kSettingLimit));
  const std::string mode = all.substr(0, 1);
  if (mode != "0") {
    for (const std::string& port : ports_.fabric_ports) {
      SLUICE_RETURN_IF_ERROR(WriteSetting(Setting4(port, "rp_filter"), mode));
    }
    SLUICE_RETURN_IF_ERROR(WriteSetting(Setting4("all", "rp_filter"), "0"));
  }
  SLUICE_RETURN_IF_ERROR(WriteSetting(Setting4(ports_.accelerator_port, "rp_filter"), "0"));
  return WriteSetting(Setting4(ports_.tunnel_device, "rp_filter"), "0");
}

absl::Status NodeSetup::WriteSettings() {
  SLUICE_RETURN_IF_ERROR(LoosenReversePathFilter());
  for (const std::string& port : ports_.fabric_ports) {
    // A forwarding node would otherwise lose the addresses that routers advertise.
    SLUICE_RETURN_IF_ERROR(WriteSetting(Setting6(port, "accept_ra"), "2"));
    SLUICE_RETURN_IF_ERROR(WriteSetting(Setting6(port, "keep_addr_on_down"), "1"));
  }
  SLUICE_RETURN_IF_ERROR(WriteSetting(Setting6(ports_.accelerator_port, "keep_addr_on_down"), "1"));
  SLUICE_RETURN_IF_ERROR(WriteSetting("/proc/sys/net/ipv4/ip_forward", "1"));
  return WriteSetting(Setting6("all", "forwarding"), "1");
}

absl::Status NodeSetup::Open(bool keep_routes) {
  SLUICE_RETURN_IF_ERROR(
      parts_.routes.AddInputRule(ports_.accelerator_port, kAcceleratorTable, kRulePriority));
  if (!keep_routes) {
    SLUICE_RETURN_IF_ERROR(parts_.routes.ReplaceTable(
        kAcceleratorTable, AcceleratorTableRoutes(ports_.tunnel_device, {})));
  }
  SLUICE_RETURN_IF_ERROR(WriteSettings());
  for (const std::string& port : ports_.fabric_ports) {
    SLUICE_RETURN_IF_ERROR(parts_.routes.SetUp(port, true));
  }
  return parts_.routes.SetUp(ports_.accelerator_port, true);
}

absl::StatusOr<std::unique_ptr<Tunnel>> NodeSetup::OpenControlTunnel(const ControlTunnel& control) {
  for (const std::string& port : ports_.fabric_ports) {
    SLUICE_RETURN_IF_ERROR(parts_.routes.SetUp(port, true));
  }
  TunnelConfig config;
  SLUICE_ASSIGN_OR_RETURN(config.mtu, TunnelMtu());
  config.private_key = control.private_key;
  config.listen_port = ports_.control_port;
  config.mark = kTunnelMark;
  SLUICE_ASSIGN_OR_RETURN(
      std::unique_ptr<Tunnel> tunnel,
      OpenConfigured(
          "control", [this] { return parts_.tunnels.Open(ports_.control_device); },
          [&](const TunnelFactory::Opened& opened) { return opened.tunnel->Configure(config); }));
  SLUICE_RETURN_IF_ERROR(
      parts_.routes.AddAddress(ports_.control_device, {control.address, kControlPrefixLength}));
  SLUICE_RETURN_IF_ERROR(tunnel->SetPeer(ControllerPeer(control)));
  return tunnel;
}

absl::Status NodeSetup::CheckTunnels() {
  for (const std::string& device : {ports_.tunnel_device, ports_.control_device}) {
    if (absl::IsNotFound(parts_.routes.Device(device).status())) {
      return absl::NotFoundError(StrCat("the tunnel device ", device, " is gone"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<IpPrefix>> NodeSetup::AcceleratorPrefixes() {
  SLUICE_ASSIGN_OR_RETURN(const std::vector<InterfaceAddress> addresses,
                          parts_.routes.Addresses(ports_.accelerator_port));
  std::vector<IpPrefix> prefixes;
  for (const InterfaceAddress& address : addresses) {
    const IpPrefix network = NetworkOf(address);
    if (std::find(prefixes.begin(), prefixes.end(), network) == prefixes.end()) {
      prefixes.push_back(network);
    }
  }
  return prefixes;
}

absl::Status NodeSetup::TakeDown(Datapath& datapath) {
  absl::Status first;
  const auto note = [&first](const absl::Status& s) {
    if (first.ok() && !absl::IsNotFound(s)) first = s;
  };
  note(parts_.routes.SetUp(ports_.accelerator_port, false));
  // While the gate still stands: should someone take the port up again later,
  // nothing behind it is forwarded in clear.
  note(WriteSetting("/proc/sys/net/ipv4/ip_forward", "0"));
  note(WriteSetting(Setting6("all", "forwarding"), "0"));
  note(RemoveGate(datapath));
  for (const std::string& device : {ports_.tunnel_device, ports_.control_device}) {
    if (!parts_.routes.Device(device).ok()) continue;
    absl::StatusOr<TunnelFactory::Opened> opened =
        device == ports_.tunnel_device ? OpenLinkDevice() : parts_.tunnels.Open(device);
    note(opened.ok() ? opened->tunnel->Destroy() : opened.status());
  }
  note(parts_.routes.ReplaceTable(kAcceleratorTable, {}));
  note(parts_.routes.RemoveInputRule(ports_.accelerator_port, kAcceleratorTable, kRulePriority));
  return first;
}

// A datapath can only take away what it has taken over.
absl::Status NodeSetup::RemoveGate(Datapath& datapath) {
  SLUICE_RETURN_IF_ERROR(OpenLinkTunnel().status());
  SLUICE_RETURN_IF_ERROR(datapath.Start(datapath_config()).status());
  return datapath.Remove();
}

}  // namespace sluice
