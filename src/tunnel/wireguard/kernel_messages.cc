#include "tunnel/wireguard/kernel_messages.h"

#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "os/netlink/genetlink.h"

namespace sluice {
namespace {

// Each takes up to 40 bytes of a message of 60 KiB.
constexpr size_t kAllowedPerMessage = 1000;

struct KernelTimespec {
  int64_t seconds = 0;
  int64_t nanoseconds = 0;
};

NetlinkMessage SetMessage(uint16_t family, const std::string& device) {
  NetlinkMessage message = GenetlinkMessage(family, WG_CMD_SET_DEVICE, WG_GENL_VERSION, 0);
  message.PutString(WGDEVICE_A_IFNAME, device);
  return message;
}

void PutEndpoint(NetlinkMessage& message, const Endpoint& endpoint) {
  if (endpoint.address.v6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    std::memcpy(&address.sin6_addr, endpoint.address.bytes.data(), 16);
    message.PutBytes(WGPEER_A_ENDPOINT, &address, sizeof(address));
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, endpoint.address.bytes.data(), 4);
    message.PutBytes(WGPEER_A_ENDPOINT, &address, sizeof(address));
  }
}

void PutAllowed(NetlinkMessage& message, std::span<const IpPrefix> allowed) {
  nlattr* list = message.BeginNest(WGPEER_A_ALLOWEDIPS);
  for (const IpPrefix& prefix : allowed) {
    nlattr* entry = message.BeginNest(0);
    message.PutU16(WGALLOWEDIP_A_FAMILY, prefix.address.v6 ? AF_INET6 : AF_INET);
    message.PutBytes(WGALLOWEDIP_A_IPADDR, prefix.address.bytes.data(), prefix.address.v6 ? 16 : 4);
    message.PutU8(WGALLOWEDIP_A_CIDR_MASK, prefix.length);
    message.EndNest(entry);
  }
  message.EndNest(list);
}

Endpoint DecodeEndpoint(const nlattr* attribute) {
  Endpoint endpoint;
  if (AttributeAs<sockaddr_in>(attribute).sin_family == AF_INET6) {
    const auto address = AttributeAs<sockaddr_in6>(attribute);
    endpoint.address.v6 = true;
    endpoint.port = ntohs(address.sin6_port);
    std::memcpy(endpoint.address.bytes.data(), &address.sin6_addr, 16);
  } else {
    const auto address = AttributeAs<sockaddr_in>(attribute);
    endpoint.port = ntohs(address.sin_port);
    std::memcpy(endpoint.address.bytes.data(), &address.sin_addr, 4);
  }
  return endpoint;
}

IpPrefix DecodeAllowed(const nlattr* entry) {
  IpPrefix prefix;
  ForEachAttribute(entry, [&](const nlattr* a) {
    switch (mnl_attr_get_type(a)) {
      case WGALLOWEDIP_A_FAMILY:
        prefix.address.v6 = AttributeAs<uint16_t>(a) == AF_INET6;
        break;
      case WGALLOWEDIP_A_IPADDR:
        prefix.address.bytes = AttributeAs<std::array<uint8_t, 16>>(a);
        break;
      case WGALLOWEDIP_A_CIDR_MASK:
        prefix.length = AttributeAs<uint8_t>(a);
        break;
      default:
        break;
    }
  });
  return prefix;
}

TunnelPeerState DecodePeer(const nlattr* nest) {
  TunnelPeerState state;
  ForEachAttribute(nest, [&](const nlattr* a) {
    switch (mnl_attr_get_type(a)) {
      case WGPEER_A_PUBLIC_KEY:
        state.peer.key = AttributeAs<PublicKey>(a);
        break;
      case WGPEER_A_PRESHARED_KEY: {
        auto key = AttributeAs<std::array<uint8_t, 32>>(a);
        SetPreshared(state.peer, Secret32(key));
        Wipe(key.data(), key.size());
        break;
      }
      case WGPEER_A_ENDPOINT:
        state.peer.endpoint = DecodeEndpoint(a);
        break;
      case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
        state.peer.keepalive = absl::Seconds(AttributeAs<uint16_t>(a));
        break;
      case WGPEER_A_LAST_HANDSHAKE_TIME: {
        const auto t = AttributeAs<KernelTimespec>(a);
        if (t.seconds == 0 && t.nanoseconds == 0) break;
        state.last_handshake = absl::FromUnixSeconds(t.seconds) + absl::Nanoseconds(t.nanoseconds);
        break;
      }
      case WGPEER_A_RX_BYTES:
        state.received_bytes = AttributeAs<uint64_t>(a);
        break;
      case WGPEER_A_TX_BYTES:
        state.sent_bytes = AttributeAs<uint64_t>(a);
        break;
      case WGPEER_A_ALLOWEDIPS:
        ForEachAttribute(a,
                         [&](const nlattr* b) { state.peer.allowed.push_back(DecodeAllowed(b)); });
        break;
      default:
        break;
    }
  });
  return state;
}

void AddPeer(TunnelPeerState&& peer, std::vector<TunnelPeerState>& peers) {
  if (peers.empty() || peers.back().peer.key != peer.peer.key) {
    peers.push_back(std::move(peer));
    return;
  }
  std::vector<IpPrefix>& allowed = peers.back().peer.allowed;
  allowed.insert(allowed.end(), peer.peer.allowed.begin(), peer.peer.allowed.end());
}

}  // namespace

NetlinkMessage EncodeGetDevice(uint16_t family, const std::string& device) {
  NetlinkMessage message = GenetlinkMessage(family, WG_CMD_GET_DEVICE, WG_GENL_VERSION, NLM_F_DUMP);
  message.PutString(WGDEVICE_A_IFNAME, device);
  return message;
}

NetlinkMessage EncodeSetDevice(uint16_t family, const std::string& device,
                               const WireguardChange& change) {
  NetlinkMessage message = SetMessage(family, device);
  if (change.private_key) {
    const auto key = change.private_key->bytes();
    message.PutBytes(WGDEVICE_A_PRIVATE_KEY, key.data(), key.size());
  }
  if (change.listen_port) message.PutU16(WGDEVICE_A_LISTEN_PORT, *change.listen_port);
  if (change.mark) message.PutU32(WGDEVICE_A_FWMARK, *change.mark);
  return message;
}

NetlinkMessage EncodeRemovePeer(uint16_t family, const std::string& device, const PublicKey& key) {
  NetlinkMessage message = SetMessage(family, device);
  nlattr* peers = message.BeginNest(WGDEVICE_A_PEERS);
  nlattr* peer = message.BeginNest(0);
  message.PutBytes(WGPEER_A_PUBLIC_KEY, key.data(), key.size());
  message.PutU32(WGPEER_A_FLAGS, WGPEER_F_REMOVE_ME);
  message.EndNest(peer);
  message.EndNest(peers);
  return message;
}

std::vector<NetlinkMessage> EncodeSetPeer(uint16_t family, const std::string& device,
                                          const TunnelPeer& peer, bool replace_allowed) {
  std::vector<NetlinkMessage> messages;
  std::span<const IpPrefix> rest;
  if (replace_allowed) rest = peer.allowed;
  do {
    const auto now = rest.first(std::min(rest.size(), kAllowedPerMessage));
    rest = rest.subspan(now.size());
    const bool first = messages.empty();
    NetlinkMessage message = SetMessage(family, device);
    nlattr* peers = message.BeginNest(WGDEVICE_A_PEERS);
    nlattr* entry = message.BeginNest(0);
    message.PutBytes(WGPEER_A_PUBLIC_KEY, peer.key.data(), peer.key.size());
    if (first && replace_allowed) {
      message.PutU32(WGPEER_A_FLAGS, WGPEER_F_REPLACE_ALLOWEDIPS);
    }
    if (const Secret32* preshared = PresharedOf(peer); first && preshared != nullptr)
      message.PutBytes(WGPEER_A_PRESHARED_KEY, preshared->bytes().data(),
                       preshared->bytes().size());
    if (first && peer.endpoint) PutEndpoint(message, *peer.endpoint);
    message.PutU16(WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL,
                   static_cast<uint16_t>(absl::ToInt64Seconds(peer.keepalive)));
    if (!now.empty()) PutAllowed(message, now);
    message.EndNest(entry);
    message.EndNest(peers);
    messages.push_back(std::move(message));
  } while (!rest.empty());
  return messages;
}

void DecodeDevice(const nlmsghdr* message, WireguardState& state) {
  ForEachAttribute(message, sizeof(genlmsghdr), [&](const nlattr* a) {
    switch (mnl_attr_get_type(a)) {
      case WGDEVICE_A_PUBLIC_KEY:
        state.public_key = AttributeAs<PublicKey>(a);
        break;
      case WGDEVICE_A_LISTEN_PORT:
        state.listen_port = AttributeAs<uint16_t>(a);
        break;
      case WGDEVICE_A_FWMARK:
        state.mark = AttributeAs<uint32_t>(a);
        break;
      case WGDEVICE_A_PEERS:
        ForEachAttribute(a, [&](const nlattr* b) { AddPeer(DecodePeer(b), state.peers); });
        break;
      default:
        break;
    }
  });
}

}  // namespace sluice
