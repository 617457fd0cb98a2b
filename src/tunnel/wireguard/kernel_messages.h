// The kernel's generic netlink family "wireguard" (linux/wireguard.h). Pure.
#ifndef SLUICE_TUNNEL_WIREGUARD_KERNEL_MESSAGES_H_
#define SLUICE_TUNNEL_WIREGUARD_KERNEL_MESSAGES_H_

#include <string>
#include <vector>

#include "os/netlink/netlink_socket.h"
#include "tunnel/wireguard/wireguard_state.h"

namespace sluice {

// `family` is the number that the kernel gave the family.
NetlinkMessage EncodeGetDevice(uint16_t family, const std::string& device);
NetlinkMessage EncodeSetDevice(uint16_t family, const std::string& device,
                               const WireguardChange& change);
NetlinkMessage EncodeRemovePeer(uint16_t family, const std::string& device, const PublicKey& key);
// More than one message if the allowed addresses do not fit into one; the
// first replaces those that the peer had (if `replace_allowed`), the others add.
std::vector<NetlinkMessage> EncodeSetPeer(uint16_t family, const std::string& device,
                                          const TunnelPeer& peer, bool replace_allowed);

// Adds what one message of the answer to a get says. A peer whose allowed
// addresses went on into the next message comes again in it.
void DecodeDevice(const nlmsghdr* message, WireguardState& state);

}  // namespace sluice

#endif  // SLUICE_TUNNEL_WIREGUARD_KERNEL_MESSAGES_H_
