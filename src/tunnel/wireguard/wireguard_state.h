// What a WireGuard device says of itself.
#ifndef SLUICE_TUNNEL_WIREGUARD_WIREGUARD_STATE_H_
#define SLUICE_TUNNEL_WIREGUARD_WIREGUARD_STATE_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/secret.h"
#include "tunnel/tunnel_interface.h"

namespace sluice {

struct WireguardState {
  std::optional<PublicKey> public_key;  // none: the device has no private key
  uint16_t listen_port = 0;             // UDP
  uint32_t mark = 0;
  std::vector<TunnelPeerState> peers;
};

// WireGuard has one preshared key for a peer, of its newest epoch. Null: none, or keep it.
inline const Secret32* PresharedOf(const TunnelPeer& peer) {
  if (peer.epochs.empty() || peer.epochs.back().preshared.IsZero()) return nullptr;
  return &peer.epochs.back().preshared;
}
inline void SetPreshared(TunnelPeer& peer, Secret32 key) {
  if (!key.IsZero()) peer.epochs.emplace_back().preshared = std::move(key);
}

// What to change of a device; what is not set stays as it is.
struct WireguardChange {
  std::optional<Secret32> private_key;
  std::optional<uint16_t> listen_port;
  std::optional<uint32_t> mark;
};

}  // namespace sluice

#endif  // SLUICE_TUNNEL_WIREGUARD_WIREGUARD_STATE_H_
