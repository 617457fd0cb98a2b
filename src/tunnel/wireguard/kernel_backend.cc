#include "tunnel/wireguard/kernel_backend.h"

#include <linux/wireguard.h>

#include "base/status.h"
#include "base/strings.h"
#include "os/netlink/genetlink.h"
#include "tunnel/wireguard/kernel_messages.h"

namespace sluice {

absl::StatusOr<std::unique_ptr<KernelWireguard>> KernelWireguard::Open(const std::string& device) {
  SLUICE_ASSIGN_OR_RETURN(auto socket, NetlinkSocket::Open(NETLINK_GENERIC));
  SLUICE_ASSIGN_OR_RETURN(const uint16_t family, ResolveGenetlinkFamily(*socket, WG_GENL_NAME));
  return std::unique_ptr<KernelWireguard>(new KernelWireguard(std::move(socket), family, device));
}

absl::StatusOr<WireguardState> KernelWireguard::Get() {
  NetlinkMessage message = EncodeGetDevice(family_, device_);
  WireguardState state;
  SLUICE_RETURN_IF_ERROR(
      socket_->Query(message, StrCat("reading WireGuard device ", device_),
                     [&](const nlmsghdr* reply) { DecodeDevice(reply, state); }));
  return state;
}

absl::Status KernelWireguard::Set(const WireguardChange& change) {
  NetlinkMessage message = EncodeSetDevice(family_, device_, change);
  return socket_->Transact(message, StrCat("configuring WireGuard device ", device_));
}

absl::Status KernelWireguard::SetPeer(const TunnelPeer& peer, bool replace_allowed) {
  for (NetlinkMessage& message : EncodeSetPeer(family_, device_, peer, replace_allowed)) {
    SLUICE_RETURN_IF_ERROR(
        socket_->Transact(message, StrCat("setting a WireGuard peer on ", device_)));
  }
  return absl::OkStatus();
}

absl::Status KernelWireguard::RemovePeer(const PublicKey& key) {
  NetlinkMessage message = EncodeRemovePeer(family_, device_, key);
  return socket_->Transact(message, StrCat("removing a WireGuard peer from ", device_));
}

absl::Status KernelWireguard::AwaitListening(uint16_t port) {
  SLUICE_ASSIGN_OR_RETURN(WireguardState state, Get());
  if (state.listen_port != 0 && (port == 0 || state.listen_port == port)) return absl::OkStatus();
  return absl::UnavailableError(
      StrCat("WireGuard device ", device_, " does not listen on UDP port ", port));
}

}  // namespace sluice
