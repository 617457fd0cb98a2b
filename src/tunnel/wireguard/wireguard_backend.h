// What does WireGuard on this machine: the kernel or wireguard-go.
#ifndef SLUICE_TUNNEL_WIREGUARD_WIREGUARD_BACKEND_H_
#define SLUICE_TUNNEL_WIREGUARD_WIREGUARD_BACKEND_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tunnel/wireguard/wireguard_state.h"

namespace sluice {

// One device that exists. Not thread-safe.
class WireguardBackend {
 public:
  virtual ~WireguardBackend() = default;

  virtual absl::StatusOr<WireguardState> Get() = 0;
  virtual absl::Status Set(const WireguardChange& change) = 0;
  // As UapiSetPeer.
  virtual absl::Status SetPeer(const TunnelPeer& peer, bool replace_allowed) = 0;
  virtual absl::Status RemovePeer(const PublicKey& key) = 0;
  // OK if `port` is free or already this device's, so that it may be set.
  virtual absl::Status CheckPortFree(uint16_t port) = 0;
  // Waits until the device, which is up, listens on `port`.
  virtual absl::Status AwaitListening(uint16_t port) = 0;
  // Waits until nothing is left of the device, which has been deleted.
  virtual absl::Status AwaitGone() = 0;
};

}  // namespace sluice

#endif  // SLUICE_TUNNEL_WIREGUARD_WIREGUARD_BACKEND_H_
