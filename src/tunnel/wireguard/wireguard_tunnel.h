// A Tunnel by WireGuard.
#ifndef SLUICE_TUNNEL_WIREGUARD_WIREGUARD_TUNNEL_H_
#define SLUICE_TUNNEL_WIREGUARD_WIREGUARD_TUNNEL_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "os/netlink/route_interface.h"
#include "os/process/process_interface.h"
#include "tunnel/tunnel_interface.h"
#include "tunnel/wireguard/wireguard_backend.h"

namespace sluice {

class WireguardTunnel final : public Tunnel {
 public:
  WireguardTunnel(std::string device, std::string backend, std::string reason,
                  std::unique_ptr<RouteTable> routes, std::unique_ptr<WireguardBackend> wireguard);

  const std::string& device() const override { return device_; }
  const std::string& backend() const override { return backend_; }
  const std::string& backend_reason() const override { return reason_; }
  // What is as asked for already is not touched, so taking over a device
  // disturbs no traffic.
  absl::Status Configure(const TunnelConfig& config) override;
  absl::StatusOr<PublicKey> public_key() override;
  absl::Status SetPeer(const TunnelPeer& peer) override;
  // WireGuard counts nothing and knows no lease: only the gate ends what it carries.
  absl::Status Limit(const PublicKey&, Role, const TunnelLimits&) override {
    return absl::OkStatus();
  }
  absl::Status RemovePeer(const PublicKey& key) override;
  absl::StatusOr<std::vector<TunnelPeerState>> Peers() override;
  absl::Status Destroy() override;

 private:
  absl::Status ReadBack(const TunnelConfig& config, const PublicKey& key);

  const std::string device_;
  const std::string backend_;
  const std::string reason_;
  const std::unique_ptr<RouteTable> routes_;
  const std::unique_ptr<WireguardBackend> wireguard_;
};

// Makes WireguardTunnels in the network namespace of the calling thread.
class WireguardTunnelFactory final : public TunnelFactory {
 public:
  using OpenRoutes = std::function<absl::StatusOr<std::unique_ptr<RouteTable>>()>;
  // `runner` starts wireguard-go and must live as long as this.
  // `open_routes` is RtnetlinkRouteTable::Open but for tests.
  explicit WireguardTunnelFactory(ProcessRunner& runner);
  WireguardTunnelFactory(ProcessRunner& runner, OpenRoutes open_routes);

  absl::StatusOr<Opened> Open(const std::string& device) override;

 private:
  absl::StatusOr<Opened> Adopt(const NetDevice& device, std::unique_ptr<RouteTable> routes);
  absl::StatusOr<Opened> OpenKernel(const std::string& device, std::unique_ptr<RouteTable> routes,
                                    bool adopted);
  absl::StatusOr<Opened> StartUserspace(const std::string& device,
                                        std::unique_ptr<RouteTable> routes);

  ProcessRunner& runner_;
  const OpenRoutes open_routes_;
};

}  // namespace sluice

#endif  // SLUICE_TUNNEL_WIREGUARD_WIREGUARD_TUNNEL_H_
