// What the controller wants of this node, as plain values.
#ifndef SLUICE_AGENT_RECONCILE_NODE_CONFIG_H_
#define SLUICE_AGENT_RECONCILE_NODE_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/secret.h"
#include "model/names.h"
#include "model/prefix.h"
#include "model/tunnel_kind.h"

namespace sluice {

// Another node that ours has links with.
struct PeerConfig {
  std::string node;
  std::vector<IpPrefix> prefixes;  // of its accelerators
  std::optional<PublicKey> key;    // of its link tunnel; none while it is not known to be up
  std::vector<Endpoint> endpoints;
  friend bool operator==(const PeerConfig&, const PeerConfig&) = default;
};

struct LinkConfig {
  LinkSide side;
  uint64_t quota_version = 0;
  friend bool operator==(const LinkConfig&, const LinkConfig&) = default;
};

// proto/agent.proto, message Config, says what each field means.
struct NodeConfig {
  uint64_t generation = 0;
  std::vector<IpPrefix> own_prefixes;
  std::vector<PeerConfig> peers;
  std::vector<LinkConfig> links;
  absl::Duration heartbeat_interval = absl::Milliseconds(200);
  TunnelKind tunnel = TunnelKind::kWireguard;
  friend bool operator==(const NodeConfig&, const NodeConfig&) = default;
};

// The node at the other end of our side of a link.
inline const std::string& FarNode(const LinkSide& side) {
  return side.role == Role::kSend ? side.link.dst : side.link.src;
}
// Our node, as the side names it.
inline const std::string& NearNode(const LinkSide& side) {
  return side.role == Role::kSend ? side.link.src : side.link.dst;
}

}  // namespace sluice

#endif  // SLUICE_AGENT_RECONCILE_NODE_CONFIG_H_
