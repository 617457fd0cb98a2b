// WireGuard by the kernel, over generic netlink.
#ifndef SLUICE_TUNNEL_WIREGUARD_KERNEL_BACKEND_H_
#define SLUICE_TUNNEL_WIREGUARD_KERNEL_BACKEND_H_

#include <memory>
#include <string>
#include <utility>

#include "os/netlink/netlink_socket.h"
#include "tunnel/wireguard/wireguard_backend.h"

namespace sluice {

class KernelWireguard final : public WireguardBackend {
 public:
  // For a device of kind "wireguard" that exists.
  static absl::StatusOr<std::unique_ptr<KernelWireguard>> Open(const std::string& device);

  absl::StatusOr<WireguardState> Get() override;
  absl::Status Set(const WireguardChange& change) override;
  absl::Status SetPeer(const TunnelPeer& peer, bool replace_allowed) override;
  absl::Status RemovePeer(const PublicKey& key) override;
  // The kernel itself refuses a port in use, when it is set or the device comes up.
  absl::Status CheckPortFree(uint16_t /*port*/) override { return absl::OkStatus(); }
  absl::Status AwaitListening(uint16_t port) override;
  absl::Status AwaitGone() override { return absl::OkStatus(); }

 private:
  KernelWireguard(std::unique_ptr<NetlinkSocket> socket, uint16_t family, std::string device)
      : socket_(std::move(socket)), family_(family), device_(std::move(device)) {}

  std::unique_ptr<NetlinkSocket> socket_;
  uint16_t family_;
  std::string device_;
};

}  // namespace sluice

#endif  // SLUICE_TUNNEL_WIREGUARD_KERNEL_BACKEND_H_
