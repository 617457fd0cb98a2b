#include "agent/apply/config_codec.h"

#include <set>
#include <string>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "wire/fixed_bytes.h"
#include "wire/lease_codec.h"

namespace sluice {
namespace {

template <typename Strings>
absl::StatusOr<std::vector<IpPrefix>> Prefixes(const Strings& texts) {
  std::vector<IpPrefix> prefixes;
  for (const std::string& text : texts) {
    SLUICE_ASSIGN_OR_RETURN(IpPrefix prefix, ParseIpPrefix(text));
    prefixes.push_back(prefix);
  }
  return prefixes;
}

absl::StatusOr<PeerConfig> Peer(const agent::v1::Peer& proto) {
  PeerConfig peer;
  SLUICE_RETURN_IF_ERROR(CheckName("peer", proto.node()));
  peer.node = proto.node();
  SLUICE_ASSIGN_OR_RETURN(peer.prefixes, Prefixes(proto.accelerator_prefixes()));
  if (!proto.tunnel_key().empty()) {
    SLUICE_ASSIGN_OR_RETURN(peer.key, FromWireBytes<32>("tunnel key", proto.tunnel_key()));
  }
  for (const std::string& text : proto.fabric_endpoints()) {
    SLUICE_ASSIGN_OR_RETURN(Endpoint endpoint, ParseEndpoint(text));
    peer.endpoints.push_back(endpoint);
  }
  return peer;
}

absl::StatusOr<LinkConfig> Link(std::string_view node, const agent::v1::LinkConfig& proto) {
  LinkConfig link;
  SLUICE_ASSIGN_OR_RETURN(link.side.link, ParseLinkName(proto.link()));
  SLUICE_ASSIGN_OR_RETURN(link.side.role, FromProto(proto.role()));
  link.quota_version = proto.quota_version();
  if (NearNode(link.side) != node) {
    return absl::InvalidArgumentError(
        StrCat("link ", proto.link(), " does not ", RoleName(link.side.role), " at this node"));
  }
  return link;
}

}  // namespace

absl::StatusOr<NodeConfig> NodeConfigFromProto(std::string_view node,
                                               const agent::v1::Config& proto) {
  NodeConfig config;
  config.generation = proto.generation();
  config.heartbeat_interval = absl::Nanoseconds(proto.heartbeat_interval_ns());
  SLUICE_ASSIGN_OR_RETURN(config.own_prefixes, Prefixes(proto.accelerator_prefixes()));
  if (!proto.tunnel().empty()) {
    SLUICE_ASSIGN_OR_RETURN(config.tunnel, ParseTunnelKind(proto.tunnel()));
  }
  std::set<std::string> names;
  for (const auto& peer_proto : proto.peers()) {
    absl::StatusOr<PeerConfig> peer = Peer(peer_proto);
    if (!peer.ok()) return Annotate(peer.status(), StrCat("peer ", ForMessage(peer_proto.node())));
    if (peer->node == node || !names.insert(peer->node).second) {
      return absl::InvalidArgumentError(
          StrCat("peer ", peer->node, " is this node or named twice"));
    }
    config.peers.push_back(*std::move(peer));
  }
  std::set<LinkSide> sides;
  for (const auto& link_proto : proto.links()) {
    SLUICE_ASSIGN_OR_RETURN(LinkConfig link, Link(node, link_proto));
    if (!sides.insert(link.side).second) {
      return absl::InvalidArgumentError(StrCat("link ", link_proto.link(), " is named twice"));
    }
    config.links.push_back(std::move(link));
  }
  return config;
}

}  // namespace sluice
