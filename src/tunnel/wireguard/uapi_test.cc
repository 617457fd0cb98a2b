#include "tunnel/wireguard/uapi.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/strings.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The example of https://www.wireguard.com/xplatform/.
constexpr char kPrivate[] = "e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a";
constexpr char kPeer1[] = "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33";
constexpr char kPeer2[] = "58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376";
const std::string kExample =
    StrCat("private_key=", kPrivate, "\nlisten_port=12912\nfwmark=51966\npublic_key=", kPeer1,
           "\npreshared_key=188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52\n"
           "allowed_ip=192.168.4.4/32\nendpoint=[abcd:23::33%2]:51820\npublic_key=",
           kPeer2,
           "\ntx_bytes=38333\nrx_bytes=2224\nlast_handshake_time_sec=1700000000\n"
           "last_handshake_time_nsec=500000000\nallowed_ip=192.168.4.6/32\nallowed_ip=fd00::/8\n"
           "persistent_keepalive_interval=111\nendpoint=182.122.22.19:3233\n"
           "protocol_version=1\nerrno=0\n\n");

PublicKey Key(std::string_view hex) {
  PublicKey key{};
  const std::string bytes = *FromHex(hex);
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

TEST(ParseUapiStateTest, ReadsTheSpecificationsExample) {
  const auto state = ParseUapiState(kExample);
  ASSERT_TRUE(state.ok()) << state.status();
  Secret32 secret;
  const PublicKey bytes = Key(kPrivate);
  std::copy(bytes.begin(), bytes.end(), secret.mutable_bytes().begin());
  EXPECT_EQ(state->public_key, X25519PublicKey(secret));
  EXPECT_EQ(state->listen_port, 12912);
  EXPECT_EQ(state->mark, 51966U);
  ASSERT_EQ(state->peers.size(), 2U);
  const TunnelPeerState& first = state->peers[0];
  EXPECT_EQ(first.peer.key, Key(kPeer1));
  EXPECT_EQ(first.peer.endpoint->ToString(), "[abcd:23::33]:51820");
  EXPECT_EQ(first.last_handshake, std::nullopt) << "not the next peer's";
  ASSERT_NE(PresharedOf(first.peer), nullptr);
  EXPECT_EQ(ToHex(PresharedOf(first.peer)->bytes()).substr(0, 8), "18851509");
  const TunnelPeerState& second = state->peers[1];
  EXPECT_EQ(PresharedOf(second.peer), nullptr);
  EXPECT_EQ(second.peer.key, Key(kPeer2));
  EXPECT_EQ(second.sent_bytes, 38333U);
  EXPECT_EQ(second.received_bytes, 2224U);
  EXPECT_EQ(second.last_handshake, absl::FromUnixSeconds(1700000000) + absl::Milliseconds(500));
  ASSERT_EQ(second.peer.allowed.size(), 2U);
  EXPECT_EQ(second.peer.allowed[1].ToString(), "fd00::/8");
  EXPECT_EQ(second.peer.keepalive, absl::Seconds(111));
  EXPECT_EQ(second.peer.endpoint->ToString(), "182.122.22.19:3233");
}

TEST(ParseUapiStateTest, ReadsAnEmptyDevice) {
  const auto state = ParseUapiState("errno=0\n\n");
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->public_key, std::nullopt);
  EXPECT_EQ(state->listen_port, 0);
  EXPECT_TRUE(state->peers.empty());
}

TEST(ParseUapiStateTest, RefusesAnswersThatBreakOff) {
  for (size_t length = 0; length + 2 < kExample.size(); ++length) {
    EXPECT_FALSE(ParseUapiState(kExample.substr(0, length)).ok()) << length;
  }
}

TEST(ParseUapiStateTest, RefusesBadValues) {
  for (const char* line :
       {"listen_port=65536", "listen_port=-1", "listen_port=", "listen_port=1 ", "fwmark=x",
        "private_key=00", "no equals sign", "public_key=zz", "errno=x"}) {
    EXPECT_FALSE(ParseUapiState(StrCat(line, "\nerrno=0\n\n")).ok()) << line;
  }
  for (const char* line : {"endpoint=1.2.3.4", "allowed_ip=1.2.3.4/33", "rx_bytes=-1",
                           "persistent_keepalive_interval=70000", "last_handshake_time_sec=z"}) {
    EXPECT_FALSE(ParseUapiState(StrCat("public_key=", kPeer1, "\n", line, "\nerrno=0\n\n")).ok())
        << line;
  }
}

TEST(ParseUapiStateTest, IgnoresKeysThatItDoesNotKnow) {
  EXPECT_TRUE(ParseUapiState("future=1\nerrno=0\n\n").ok());
}

TEST(ParseUapiStateTest, QuotesNoKeyInAnError) {
  const auto state = ParseUapiState(StrCat("private_key=", kPrivate, "0\nerrno=0\n\n"));
  ASSERT_FALSE(state.ok());
  EXPECT_THAT(std::string(state.status().message()), Not(HasSubstr(std::string(kPrivate, 8))));
}

TEST(ParseUapiResultTest, PassesTheErrorOn) {
  EXPECT_TRUE(ParseUapiResult("errno=0\n\n").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(ParseUapiResult("errno=22\n\n")));
  EXPECT_TRUE(absl::IsInvalidArgument(ParseUapiResult("errno=-22\n\n")));
  EXPECT_FALSE(ParseUapiResult("").ok());
  EXPECT_FALSE(ParseUapiResult("errno=1").ok());
}

TEST(UapiRequestTest, ConfiguresADevice) {
  WireguardChange change;
  EXPECT_EQ(UapiSetDevice(change).view(), "set=1\n\n");
  change.private_key.emplace();
  change.private_key->mutable_bytes()[0] = 0xab;
  change.listen_port = 51820;
  change.mark = 0x51;
  EXPECT_EQ(UapiSetDevice(change).view(), StrCat("set=1\nprivate_key=ab", std::string(62, '0'),
                                                 "\nfwmark=81\nlisten_port=51820\n\n"));
}

TEST(UapiRequestTest, SetsAndRemovesAPeer) {
  TunnelPeer peer;
  peer.key = Key(kPeer1);
  peer.endpoint = *ParseEndpoint("[2001:db8::1]:51820");
  peer.allowed = {*ParseIpPrefix("10.1.2.0/24"), *ParseIpPrefix("fd00:2::/64")};
  peer.keepalive = absl::Seconds(25);
  EXPECT_EQ(UapiSetPeer(peer, true).view(),
            StrCat("set=1\npublic_key=", kPeer1,
                   "\nendpoint=[2001:db8::1]:51820\npersistent_keepalive_interval=25\n"
                   "replace_allowed_ips=true\nallowed_ip=10.1.2.0/24\nallowed_ip=fd00:2::/64\n\n"));
  peer.endpoint.reset();
  EXPECT_EQ(UapiSetPeer(peer, false).view(),
            StrCat("set=1\npublic_key=", kPeer1, "\npersistent_keepalive_interval=25\n\n"));
  peer.epochs.resize(2);
  peer.epochs[0].preshared.mutable_bytes()[0] = 0xcd;
  EXPECT_EQ(UapiSetPeer(peer, false).view(),
            StrCat("set=1\npublic_key=", kPeer1, "\npersistent_keepalive_interval=25\n\n"))
      << "without a key: keep what is there";
  peer.epochs[1].preshared.mutable_bytes()[0] = 0xab;
  EXPECT_EQ(UapiSetPeer(peer, false).view(),
            StrCat("set=1\npublic_key=", kPeer1, "\npreshared_key=ab", std::string(62, '0'),
                   "\npersistent_keepalive_interval=25\n\n"));
  EXPECT_EQ(UapiRemovePeer(peer.key).view(),
            StrCat("set=1\npublic_key=", kPeer1, "\nremove=true\n\n"));
}

TEST(SecretTextTest, GrowsAndMoves) {
  SecretText text;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    text.Append("0123456789");
    expected += "0123456789";
  }
  EXPECT_EQ(text.view(), expected);
  SecretText moved = std::move(text);
  EXPECT_EQ(moved.view(), expected);
}

}  // namespace
}  // namespace sluice
