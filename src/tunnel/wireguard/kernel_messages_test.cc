#include "tunnel/wireguard/kernel_messages.h"

#include <gtest/gtest.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>

namespace sluice {
namespace {

constexpr uint16_t kFamily = 0x1234;

std::string Hex(const NetlinkMessage& message) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(message.header());
  return ToHex(std::span<const uint8_t>(bytes, message.header()->nlmsg_len));
}

PublicKey TestKey(uint8_t fill) {
  PublicKey key;
  key.fill(fill);
  return key;
}

TunnelPeer TestPeer() {
  TunnelPeer peer;
  peer.key = TestKey(0x11);
  peer.endpoint = *ParseEndpoint("192.0.2.1:51820");
  peer.allowed = {*ParseIpPrefix("10.1.2.0/24"), *ParseIpPrefix("fd00:2::/64")};
  peer.keepalive = absl::Seconds(25);
  return peer;
}

// What the kernel would answer after this set: the attributes are the same.
WireguardState Decode(const std::vector<NetlinkMessage>& messages) {
  WireguardState state;
  for (const NetlinkMessage& m : messages) DecodeDevice(m.header(), state);
  return state;
}

// Golden bytes, worked out by hand from linux/wireguard.h (little endian).
TEST(KernelMessagesTest, LaysOutGetDevice) {
  EXPECT_EQ(Hex(EncodeGetDevice(kFamily, "wg0")),
            "1c000000"  // length
            "34120103"  // family; NLM_F_REQUEST | NLM_F_DUMP
            "00000000"  // sequence
            "00000000"  // port
            "00010000"  // WG_CMD_GET_DEVICE, version 1
            "08000200"  // WGDEVICE_A_IFNAME
            "77673000");
}

TEST(KernelMessagesTest, LaysOutSetDevice) {
  WireguardChange change;
  change.private_key.emplace();
  change.private_key->mutable_bytes()[31] = 0x40;
  change.listen_port = 51820;
  change.mark = 0x51;
  EXPECT_EQ(Hex(EncodeSetDevice(kFamily, "wg0", change)),
            "50000000"
            "34120100"
            "00000000"
            "00000000"
            "01010000"  // WG_CMD_SET_DEVICE, version 1
            "08000200"
            "77673000"  // IFNAME
            "24000300" +
                std::string(62, '0') +
                "40"  // PRIVATE_KEY
                "06000600"
                "6cca0000"  // LISTEN_PORT
                "08000700"
                "51000000");  // FWMARK
}

TEST(KernelMessagesTest, LaysOutRemovePeer) {
  std::string key;
  for (int i = 0; i < 32; ++i) key += "11";
  EXPECT_EQ(Hex(EncodeRemovePeer(kFamily, "wg0", TestKey(0x11))),
            "50000000"
            "34120100"
            "00000000"
            "00000000"
            "01010000"
            "08000200"
            "77673000"
            "34000880"  // PEERS, nested
            "30000080"  // one peer, nested
            "24000100" +
                key +  // PUBLIC_KEY
                "08000300"
                "01000000");  // FLAGS: REMOVE_ME
}

TEST(KernelMessagesTest, LaysOutSetPeer) {
  std::string key;
  for (int i = 0; i < 32; ++i) key += "11";
  const auto messages = EncodeSetPeer(kFamily, "wg0", TestPeer(), true);
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(Hex(messages[0]),
            "b4000000"
            "34120100"
            "00000000"
            "00000000"
            "01010000"
            "08000200"
            "77673000"
            "98000880"  // PEERS
            "94000080"  // one peer
            "24000100" +
                key +  // PUBLIC_KEY
                "08000300"
                "02000000"  // FLAGS: REPLACE_ALLOWEDIPS
                "14000400"
                "0200ca6cc0000201"
                "0000000000000000"  // ENDPOINT: sockaddr_in
                "06000500"
                "19000000"  // KEEPALIVE
                "48000980"  // ALLOWEDIPS
                "1c000080"
                "06000100"
                "02000000"
                "08000200"
                "0a010200"
                "05000300"
                "18000000"
                "28000080"
                "06000100"
                "0a000000"
                "14000200"
                "fd000002000000000000000000000000"
                "05000300"
                "40000000");
}

TEST(KernelMessagesTest, ReadsBackWhatItSets) {
  const TunnelPeer peer = TestPeer();
  const WireguardState state = Decode(EncodeSetPeer(kFamily, "wg0", peer, true));
  ASSERT_EQ(state.peers.size(), 1U);
  EXPECT_EQ(state.peers[0].peer.key, peer.key);
  EXPECT_EQ(state.peers[0].peer.endpoint, peer.endpoint);
  EXPECT_EQ(state.peers[0].peer.allowed, peer.allowed);
  EXPECT_EQ(state.peers[0].peer.keepalive, peer.keepalive);
}

TEST(KernelMessagesTest, KeepsAllowedAddressesThatAreNotToBeReplaced) {
  const auto messages = EncodeSetPeer(kFamily, "wg0", TestPeer(), false);
  EXPECT_TRUE(Decode(messages).peers[0].peer.allowed.empty());
  EXPECT_EQ(Hex(messages[0]).find("0800030002000000"), std::string::npos);
}

TEST(KernelMessagesTest, SplitsManyAllowedAddresses) {
  TunnelPeer peer = TestPeer();
  peer.endpoint = *ParseEndpoint("[2001:db8::7]:7");
  peer.allowed.clear();
  for (int i = 0; i < 5000; ++i) {
    IpPrefix prefix = *ParseIpPrefix("fd00::/64");
    prefix.address.bytes[6] = static_cast<uint8_t>(i >> 8);
    prefix.address.bytes[7] = static_cast<uint8_t>(i);
    peer.allowed.push_back(prefix);
  }
  const auto messages = EncodeSetPeer(kFamily, "wg0", peer, true);
  EXPECT_GT(messages.size(), 1U);
  for (const NetlinkMessage& m : messages) EXPECT_FALSE(m.overflowed());
  const WireguardState state = Decode(messages);
  ASSERT_EQ(state.peers.size(), 1U) << "the parts of one peer are put together";
  EXPECT_EQ(state.peers[0].peer.allowed, peer.allowed);
  EXPECT_EQ(state.peers[0].peer.endpoint, peer.endpoint);
  const std::string replace = "0800030002000000";
  EXPECT_NE(Hex(messages[0]).find(replace), std::string::npos);
  EXPECT_EQ(Hex(messages[1]).find(replace), std::string::npos) << "it would drop the first part";
}

TEST(KernelMessagesTest, ReadsADevicesAnswer) {
  NetlinkMessage message(kFamily, 0);
  message.Extra<genlmsghdr>();
  const PublicKey own = TestKey(0x22);
  message.PutBytes(WGDEVICE_A_PUBLIC_KEY, own.data(), own.size());
  message.PutU16(WGDEVICE_A_LISTEN_PORT, 51820);
  message.PutU32(WGDEVICE_A_FWMARK, 81);
  nlattr* peers = message.BeginNest(WGDEVICE_A_PEERS);
  nlattr* peer = message.BeginNest(0);
  const PublicKey key = TestKey(0x33);
  message.PutBytes(WGPEER_A_PUBLIC_KEY, key.data(), key.size());
  const int64_t handshake[2] = {1'700'000'000, 500'000'000};
  message.PutBytes(WGPEER_A_LAST_HANDSHAKE_TIME, handshake, sizeof(handshake));
  message.PutU64(WGPEER_A_RX_BYTES, 5);
  message.PutU64(WGPEER_A_TX_BYTES, uint64_t{1} << 40);
  message.EndNest(peer);
  message.EndNest(peers);
  WireguardState state;
  DecodeDevice(message.header(), state);
  EXPECT_EQ(state.public_key, own);
  EXPECT_EQ(state.listen_port, 51820);
  EXPECT_EQ(state.mark, 81U);
  ASSERT_EQ(state.peers.size(), 1U);
  EXPECT_EQ(state.peers[0].last_handshake,
            absl::FromUnixSeconds(1'700'000'000) + absl::Milliseconds(500));
  EXPECT_EQ(state.peers[0].received_bytes, 5U);
  EXPECT_EQ(state.peers[0].sent_bytes, uint64_t{1} << 40);
}

}  // namespace
}  // namespace sluice
