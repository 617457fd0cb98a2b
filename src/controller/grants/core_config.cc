// What each node should have, whole.
#include "controller/grants/core_impl.h"
#include "wire/credential.h"
#include "wire/fixed_bytes.h"
#include "wire/lease_codec.h"

namespace sluice {

agent::v1::Config CoreImpl::BuildConfig(const Node& node) const {
  agent::v1::Config config;
  const std::string& self = node.record.name;
  for (const IpPrefix& prefix : node.record.prefixes)
    config.add_accelerator_prefixes(prefix.ToString());
  config.set_heartbeat_interval_ns(absl::ToInt64Nanoseconds(config_.heartbeat));
  config.set_tunnel(TunnelKindName(config_.tunnel));
  if (node.record.identity_key)
    *config.mutable_credential() =
        SignCredential(signer_, {config_.fleet, self, *node.record.identity_key});

  // A node learns of those only with which it has a link.
  std::set<std::string> peers;
  for (const LinkName& name : node.links) {
    const Link& link = links_.at(name);
    if (!link.record.quota) continue;
    agent::v1::LinkConfig& out = *config.add_links();
    out.set_link(name.ToString());
    out.set_role(ToProto(name.src == self ? Role::kSend : Role::kReceive));
    out.set_quota_version(link.record.quota->version);
    peers.insert(name.src == self ? name.dst : name.src);
  }
  for (const std::string& peer : peers) {
    const Node* other = FindNode(peer);
    if (other == nullptr) continue;
    agent::v1::Peer& out = *config.add_peers();
    out.set_node(peer);
    for (const IpPrefix& prefix : other->record.prefixes)
      out.add_accelerator_prefixes(prefix.ToString());
    if (other->record.tunnel_key) out.set_tunnel_key(ToWireBytes(*other->record.tunnel_key));
    for (const std::string& endpoint : other->record.fabric_endpoints)
      out.add_fabric_endpoints(endpoint);
  }
  return config;
}

void CoreImpl::UpdateConfigsOf(const LinkName& link, Effects& effects) {
  for (const std::string& end : {link.src, link.dst}) {
    if (Node* node = FindNode(end)) UpdateConfig(*node, /*send_always=*/false, effects);
  }
}

void CoreImpl::UpdateConfigsOfPeers(const Node& node, Effects& effects) {
  std::set<std::string> peers;
  for (const LinkName& name : node.links)
    peers.insert(name.src == node.record.name ? name.dst : name.src);
  for (const std::string& peer : peers) {
    if (Node* other = FindNode(peer)) UpdateConfig(*other, /*send_always=*/false, effects);
  }
}

void CoreImpl::UpdateConfig(Node& node, bool send_always, Effects& effects) {
  agent::v1::Config config = BuildConfig(node);
  config.set_generation(node.record.config_generation);
  const bool changed = node.record.config_generation == 0 ||
                       config.SerializeAsString() != node.config.SerializeAsString();
  if (changed) {
    config.set_generation(++node.record.config_generation);
    node.dirty = true;
    node.config = config;
  }
  if (!node.session || !(changed || send_always)) return;
  Effects::Send& send = effects.sends.emplace_back();
  send.node = node.record.name;
  *send.message.mutable_config() = node.config;
}

}  // namespace sluice
