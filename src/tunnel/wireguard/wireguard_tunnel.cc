#include "tunnel/wireguard/wireguard_tunnel.h"

#include <algorithm>
#include <utility>

#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

std::vector<IpPrefix> Sorted(std::vector<IpPrefix> prefixes) {
  std::sort(prefixes.begin(), prefixes.end());
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
  return prefixes;
}

bool SameAllowed(const TunnelPeer& a, const TunnelPeer& b) {
  return Sorted(a.allowed) == Sorted(b.allowed);
}

// Whether `now` has the preshared key that `wanted` asks for.
bool HasPreshared(const TunnelPeer& wanted, const TunnelPeer& now) {
  const Secret32* key = PresharedOf(wanted);
  if (key == nullptr) return true;
  const Secret32* other = PresharedOf(now);
  return other != nullptr && SameBytes(key->bytes(), other->bytes());
}

const TunnelPeerState* Find(const WireguardState& state, const PublicKey& key) {
  const auto it = std::find_if(state.peers.begin(), state.peers.end(),
                               [&](const TunnelPeerState& p) { return p.peer.key == key; });
  return it == state.peers.end() ? nullptr : &*it;
}

}  // namespace

WireguardTunnel::WireguardTunnel(std::string device, std::string backend, std::string reason,
                                 std::unique_ptr<RouteTable> routes,
                                 std::unique_ptr<WireguardBackend> wireguard)
    : device_(std::move(device)),
      backend_(std::move(backend)),
      reason_(std::move(reason)),
      routes_(std::move(routes)),
      wireguard_(std::move(wireguard)) {}

absl::Status WireguardTunnel::Configure(const TunnelConfig& config) {
  SLUICE_ASSIGN_OR_RETURN(WireguardState state, wireguard_->Get());
  if (config.private_key.IsZero() && !state.public_key) {
    return absl::FailedPreconditionError(
        StrCat("tunnel device ", device_, " has no private key and none was given"));
  }
  WireguardChange change;
  const PublicKey key =
      config.private_key.IsZero() ? *state.public_key : X25519PublicKey(config.private_key);
  if (state.public_key != key) change.private_key = config.private_key;
  if (state.mark != config.mark) change.mark = config.mark;
  if (config.listen_port != 0 && state.listen_port != config.listen_port) {
    SLUICE_RETURN_IF_ERROR(wireguard_->CheckPortFree(config.listen_port));
    change.listen_port = config.listen_port;
  }
  if (change.private_key || change.mark || change.listen_port) {
    SLUICE_RETURN_IF_ERROR(wireguard_->Set(change));
  }
  if (config.mtu != 0) SLUICE_RETURN_IF_ERROR(routes_->SetMtu(device_, config.mtu));
  SLUICE_RETURN_IF_ERROR(routes_->SetUp(device_, true));
  SLUICE_RETURN_IF_ERROR(wireguard_->AwaitListening(config.listen_port));
  return ReadBack(config, key);
}

absl::Status WireguardTunnel::ReadBack(const TunnelConfig& config, const PublicKey& key) {
  SLUICE_ASSIGN_OR_RETURN(WireguardState state, wireguard_->Get());
  SLUICE_ASSIGN_OR_RETURN(NetDevice device, routes_->Device(device_));
  const char* wrong = nullptr;
  if (state.public_key != key) wrong = "another private key";
  if (state.mark != config.mark) wrong = "another fwmark";
  if (config.listen_port != 0 && state.listen_port != config.listen_port) wrong = "another port";
  if (config.mtu != 0 && device.mtu != config.mtu) wrong = "another MTU";
  if (!device.up) wrong = "not up";
  if (wrong == nullptr) return absl::OkStatus();
  return absl::InternalError(
      StrCat("tunnel device ", device_, " was configured but reads back: ", wrong));
}

absl::StatusOr<PublicKey> WireguardTunnel::public_key() {
  SLUICE_ASSIGN_OR_RETURN(WireguardState state, wireguard_->Get());
  if (state.public_key) return *state.public_key;
  return absl::FailedPreconditionError(StrCat("tunnel device ", device_, " has no private key"));
}

absl::Status WireguardTunnel::SetPeer(const TunnelPeer& peer) {
  SLUICE_ASSIGN_OR_RETURN(WireguardState before, wireguard_->Get());
  const TunnelPeerState* old = Find(before, peer.key);
  // Replacing them, even by the same, would lose the packets of that moment.
  const bool replace_allowed = old == nullptr || !SameAllowed(old->peer, peer);
  const bool same_rest = old != nullptr && old->peer.keepalive == peer.keepalive &&
                         HasPreshared(peer, old->peer) &&
                         (!peer.endpoint || old->peer.endpoint == peer.endpoint);
  if (same_rest && !replace_allowed) return absl::OkStatus();
  SLUICE_RETURN_IF_ERROR(wireguard_->SetPeer(peer, replace_allowed));
  SLUICE_ASSIGN_OR_RETURN(WireguardState after, wireguard_->Get());
  const TunnelPeerState* now = Find(after, peer.key);
  // The endpoint may have moved since: a peer's packets may come from elsewhere.
  if (now != nullptr && SameAllowed(now->peer, peer) && now->peer.keepalive == peer.keepalive &&
      HasPreshared(peer, now->peer) && (!peer.endpoint || now->peer.endpoint)) {
    return absl::OkStatus();
  }
  return absl::InternalError(StrCat("peer ", ToBase64(peer.key), " was set on ", device_,
                                    " but does not read back as set"));
}

absl::Status WireguardTunnel::RemovePeer(const PublicKey& key) {
  SLUICE_RETURN_IF_ERROR(wireguard_->RemovePeer(key));
  SLUICE_ASSIGN_OR_RETURN(WireguardState after, wireguard_->Get());
  if (Find(after, key) == nullptr) return absl::OkStatus();
  return absl::InternalError(
      StrCat("peer ", ToBase64(key), " was removed from ", device_, " but is still there"));
}

absl::StatusOr<std::vector<TunnelPeerState>> WireguardTunnel::Peers() {
  SLUICE_ASSIGN_OR_RETURN(WireguardState state, wireguard_->Get());
  for (TunnelPeerState& peer : state.peers) peer.peer.epochs.clear();
  return std::move(state.peers);
}

absl::Status WireguardTunnel::Destroy() {
  SLUICE_RETURN_IF_ERROR(routes_->DeleteDevice(device_));
  return wireguard_->AwaitGone();
}

}  // namespace sluice
