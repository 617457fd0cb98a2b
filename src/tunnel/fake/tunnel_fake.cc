#include "tunnel/fake/tunnel_fake.h"

#include <utility>

#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {

absl::Status TunnelFake::Check() const {
  if (!fake_->exists) return absl::NotFoundError(StrCat("tunnel device ", name_, " is destroyed"));
  return fake_->fail_with;
}

absl::Status TunnelFake::Configure(const TunnelConfig& config) {
  SLUICE_RETURN_IF_ERROR(Check());
  const Secret32 kept = fake_->config.private_key;
  if (config.private_key.IsZero() && kept.IsZero()) {
    return absl::FailedPreconditionError(StrCat("tunnel device ", name_, " has no private key"));
  }
  fake_->config = config;
  if (config.private_key.IsZero()) fake_->config.private_key = kept;
  return absl::OkStatus();
}

absl::StatusOr<PublicKey> TunnelFake::public_key() {
  SLUICE_RETURN_IF_ERROR(Check());
  if (fake_->config.private_key.IsZero()) {
    return absl::FailedPreconditionError(StrCat("tunnel device ", name_, " has no private key"));
  }
  return X25519PublicKey(fake_->config.private_key);
}

absl::Status TunnelFake::SetPeer(const TunnelPeer& peer) {
  SLUICE_RETURN_IF_ERROR(Check());
  // An address belongs to one peer: the last that asked for it.
  for (auto& [key, state] : fake_->peers) {
    if (key == peer.key) continue;
    for (const IpPrefix& prefix : peer.allowed) std::erase(state.peer.allowed, prefix);
  }
  TunnelPeer& stored = fake_->peers[peer.key].peer;
  const std::optional<Endpoint> learnt = stored.endpoint;
  stored = peer;
  if (!peer.endpoint) stored.endpoint = learnt;
  return absl::OkStatus();
}

absl::Status TunnelFake::Limit(const PublicKey& key, Role role, const TunnelLimits& limits) {
  SLUICE_RETURN_IF_ERROR(Check());
  if (!fake_->peers.contains(key)) return absl::NotFoundError("there is no such peer");
  fake_->limits[{key, role}] = limits;
  return absl::OkStatus();
}

absl::Status TunnelFake::RemovePeer(const PublicKey& key) {
  SLUICE_RETURN_IF_ERROR(Check());
  fake_->removals += static_cast<int>(fake_->peers.erase(key));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TunnelPeerState>> TunnelFake::Peers() {
  SLUICE_RETURN_IF_ERROR(Check());
  std::vector<TunnelPeerState> result;
  for (const auto& [key, state] : fake_->peers) result.push_back(state);
  return result;
}

absl::Status TunnelFake::Destroy() {
  fake_->exists = false;
  fake_->peers.clear();
  fake_->config = TunnelConfig();
  return absl::OkStatus();
}

absl::StatusOr<TunnelFactory::Opened> TunnelFactoryFake::Open(const std::string& device) {
  const std::lock_guard lock(mutex_);
  SLUICE_RETURN_IF_ERROR(fail_with);
  auto& slot = devices_[device];
  const bool adopted = slot != nullptr && slot->exists;
  if (!adopted) slot = std::make_shared<TunnelDeviceFake>();
  return Opened{std::make_unique<TunnelFake>(device, slot), adopted};
}

std::shared_ptr<TunnelDeviceFake> TunnelFactoryFake::device(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto it = devices_.find(name);
  return it == devices_.end() || !it->second->exists ? nullptr : it->second;
}

}  // namespace sluice
