// The keys of one epoch between two nodes.
#ifndef SLUICE_MODEL_LINK_EPOCH_H_
#define SLUICE_MODEL_LINK_EPOCH_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/secret.h"

namespace sluice {

// What both ends of a link tunnel have agreed on for one epoch (wire/link_keys.h). A
// tunnel takes of it what it needs. With all keys zero it means what the tunnel has
// already under that number, so that nobody else has to keep the keys.
struct TunnelEpoch {
  uint64_t number = 0;   // larger than those before with this peer; never 0
  Secret32 preshared;    // WireGuard's preshared key
  Secret32 send_key;     // AES-256-GCM, RFC 4106: ours to the peer …
  Secret32 receive_key;  // … and the peer's to us
  uint32_t send_salt = 0;
  uint32_t receive_salt = 0;
  uint32_t send_spi = 0;  // chosen by the peer
  uint32_t receive_spi = 0;
};

// What a node's link tunnel should have with a peer.
struct PeerKeys {
  PublicKey tunnel_key{};           // of the peer's tunnel: what the keys were made for
  std::vector<TunnelEpoch> epochs;  // packets are accepted under these; the oldest first
  uint64_t send_epoch = 0;          // 0: the peer accepts none of them yet
};
using PeerKeyMap = std::map<std::string, PeerKeys>;  // by node

}  // namespace sluice

#endif  // SLUICE_MODEL_LINK_EPOCH_H_
