#include "tunnel/xfrm/xfrm_tunnel.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "tunnel/xfrm/xfrm_limits.h"

namespace sluice {

XfrmTunnel::XfrmTunnel(std::string device, std::string reason, std::string path, XfrmBook book,
                       Parts parts)
    : device_(std::move(device)),
      reason_(std::move(reason)),
      path_(std::move(path)),
      book_(std::move(book)),
      parts_(std::move(parts)) {}

absl::Status XfrmTunnel::Save() {
  return Annotate(parts_.files.WriteDurably(path_, EncodeXfrmBook(book_)),
                  StrCat("keeping the state of ", device_));
}

absl::StatusOr<XfrmKernel> XfrmTunnel::Read() {
  XfrmKernel kernel;
  SLUICE_ASSIGN_OR_RETURN(kernel.sas, parts_.xfrm->Sas(book_.if_id));
  SLUICE_ASSIGN_OR_RETURN(kernel.policies, parts_.xfrm->Policies(book_.if_id));
  const XfrmOwners owners(book_);
  const auto unknown = [&](const auto& one) { return owners.Of(one) == nullptr; };
  const bool strange = std::ranges::any_of(kernel.policies, unknown) ||
                       std::ranges::any_of(kernel.sas, unknown, &XfrmSaState::sa);
  if (!strange) return kernel;
  spdlog::error("{} has IPsec SAs or policies that it did not make; removing all of it", device_);
  SLUICE_RETURN_IF_ERROR(Flush());
  return absl::FailedPreconditionError(
      StrCat("tunnel device ", device_,
             " had SAs or policies that are not its own; all of them were removed"));
}

absl::Status XfrmTunnel::Check() { return Read().status(); }

absl::Status XfrmTunnel::RemoveAll() {
  SLUICE_ASSIGN_OR_RETURN(const auto policies, parts_.xfrm->Policies(book_.if_id));
  for (const XfrmPolicy& policy : policies) {
    SLUICE_RETURN_IF_ERROR(parts_.xfrm->DeletePolicy(policy));
  }
  SLUICE_ASSIGN_OR_RETURN(const auto sas, parts_.xfrm->Sas(book_.if_id));
  for (const XfrmSaState& state : sas) SLUICE_RETURN_IF_ERROR(parts_.xfrm->DeleteSa(state.sa));
  SLUICE_ASSIGN_OR_RETURN(const auto policies_left, parts_.xfrm->Policies(book_.if_id));
  SLUICE_ASSIGN_OR_RETURN(const auto sas_left, parts_.xfrm->Sas(book_.if_id));
  if (!policies_left.empty() || !sas_left.empty()) {
    return absl::InternalError(
        StrCat("the SAs and policies of ", device_, " were removed but are still there"));
  }
  return absl::OkStatus();
}

absl::Status XfrmTunnel::Flush() {
  SLUICE_RETURN_IF_ERROR(RemoveAll());
  // Their numbers stay: keys that were in use must not come back.
  for (auto& [key, peer] : book_.peers) peer.epochs.clear();
  return Save();
}

absl::Status XfrmTunnel::Configure(const TunnelConfig& config) {
  SLUICE_ASSIGN_OR_RETURN(const XfrmKernel kernel, Read());
  const XfrmOwners owners(book_);
  for (const XfrmSaState& state : kernel.sas) {
    if (state.sa.source != owners.Of(state.sa)->local || state.sa.mark == config.mark) continue;
    XfrmSa marked = state.sa;
    marked.mark = config.mark;
    SLUICE_RETURN_IF_ERROR(parts_.xfrm->UpdateSa(marked));
  }
  if (config.mtu != 0) SLUICE_RETURN_IF_ERROR(parts_.routes->SetMtu(device_, config.mtu));
  SLUICE_RETURN_IF_ERROR(parts_.routes->SetUp(device_, true));
  SLUICE_ASSIGN_OR_RETURN(const NetDevice device, parts_.routes->Device(device_));
  if (!device.up || (config.mtu != 0 && device.mtu != config.mtu)) {
    return absl::InternalError(
        StrCat("tunnel device ", device_, " was configured but does not read back so"));
  }
  mark_ = config.mark;
  return absl::OkStatus();
}

absl::StatusOr<PublicKey> XfrmTunnel::public_key() {
  SLUICE_RETURN_IF_ERROR(parts_.routes->Device(device_).status());
  return book_.id;
}

absl::Status XfrmTunnel::Limit(const PublicKey& key, Role role, const TunnelLimits& limits) {
  SLUICE_ASSIGN_OR_RETURN(const XfrmKernel kernel, Read());
  const auto it = book_.peers.find(key);
  if (it == book_.peers.end()) {
    return absl::NotFoundError(StrCat("there is no peer ", ToBase64(key), " on ", device_));
  }
  std::vector<XfrmSa> changed;
  for (const XfrmSaState& state : kernel.sas) {
    const bool sends = state.sa.source == it->second.local;
    if (state.sa.reqid != it->second.reqid || sends != (role == Role::kSend)) continue;
    changed.push_back(state.sa);
    changed.back().limits = LimitsFrom(state, limits, parts_.clock.WallNow());
    SLUICE_RETURN_IF_ERROR(parts_.xfrm->UpdateSa(changed.back()));
  }
  if (changed.empty()) {
    return absl::FailedPreconditionError(
        StrCat("peer ", ToBase64(key), " on ", device_, " has no SA to ", RoleName(role), " by"));
  }
  SLUICE_ASSIGN_OR_RETURN(const XfrmKernel after, Read());
  for (const XfrmSa& sa : changed) {
    const XfrmSaState* now = after.Find(sa);
    // One that has ended meanwhile is bounded too.
    if (now == nullptr || now->sa.limits == sa.limits) continue;
    return absl::InternalError(
        StrCat("an SA of ", device_, " was bounded but does not read back so"));
  }
  return absl::OkStatus();
}

absl::Status XfrmTunnel::RemoveAllOf(const XfrmBook::Peer& peer) {
  SLUICE_ASSIGN_OR_RETURN(const XfrmKernel kernel, Read());
  for (const XfrmPolicy& policy : kernel.policies) {
    if (policy.reqid == peer.reqid) SLUICE_RETURN_IF_ERROR(parts_.xfrm->DeletePolicy(policy));
  }
  for (const XfrmSaState& state : kernel.sas) {
    if (state.sa.reqid == peer.reqid) SLUICE_RETURN_IF_ERROR(parts_.xfrm->DeleteSa(state.sa));
  }
  SLUICE_ASSIGN_OR_RETURN(const XfrmKernel after, Read());
  if (!after.Holds(peer.reqid)) return absl::OkStatus();
  return absl::InternalError(
      StrCat("SAs or policies of a peer of ", device_, " were removed but are still there"));
}

absl::Status XfrmTunnel::RemovePeer(const PublicKey& key) {
  const auto it = book_.peers.find(key);
  if (it == book_.peers.end()) return Check();
  SLUICE_RETURN_IF_ERROR(RemoveAllOf(it->second));
  // Its numbers stay, as in Flush.
  it->second.epochs.clear();
  return Save();
}

absl::StatusOr<std::vector<TunnelPeerState>> XfrmTunnel::Peers() {
  SLUICE_ASSIGN_OR_RETURN(const XfrmKernel kernel, Read());
  std::vector<TunnelPeerState> found;
  for (const auto& [key, peer] : book_.peers) {
    if (!kernel.Holds(peer.reqid)) continue;
    TunnelPeerState& state = found.emplace_back();
    state.peer.key = key;
    state.peer.endpoint = peer.endpoint;
    const XfrmSaState* sender = kernel.Sender(peer.reqid);
    for (const XfrmPolicy& policy : kernel.policies) {
      if (policy.reqid == peer.reqid && policy.direction == XfrmDirection::kIn) {
        state.peer.allowed.push_back(policy.source);
      }
    }
    for (const XfrmBook::Epoch& epoch : peer.epochs) {
      const XfrmSaState* receives = kernel.Find(ReceivingSa(book_, peer, epoch));
      const XfrmSaState* sends = kernel.Find(SendingSa(book_, peer, epoch));
      if (sends != nullptr) state.sent_bytes += sends->bytes;
      if (sends != nullptr && sends == sender) state.peer.send_epoch = epoch.number;
      if (receives == nullptr) continue;
      state.received_bytes += receives->bytes;
      state.last_handshake = receives->added;
      TunnelEpoch& shown = state.peer.epochs.emplace_back();
      shown.number = epoch.number;
      shown.send_spi = epoch.send_spi;
      shown.receive_spi = epoch.receive_spi;
    }
  }
  return found;
}

absl::Status XfrmTunnel::Destroy() {
  SLUICE_RETURN_IF_ERROR(RemoveAll());
  SLUICE_RETURN_IF_ERROR(parts_.routes->DeleteDevice(device_));
  if (!absl::IsNotFound(parts_.routes->Device(device_).status())) {
    return absl::InternalError(
        StrCat("tunnel device ", device_, " was deleted but is still there"));
  }
  book_.peers.clear();
  return parts_.files.Remove(path_);
}

}  // namespace sluice
