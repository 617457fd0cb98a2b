#include "tunnel/fake/tunnel_fake.h"

#include <gtest/gtest.h>

#include "base/crypto.h"

namespace sluice {
namespace {

TunnelPeer Peer(uint8_t fill, const std::string& allowed) {
  TunnelPeer peer;
  peer.key.fill(fill);
  peer.allowed = {*ParseIpPrefix(allowed)};
  return peer;
}

// What callers rely on must hold as with WireGuard.
TEST(TunnelFakeTest, OutlivesItsObject) {
  TunnelFactoryFake factory;
  auto first = factory.Open("slu0");
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->adopted);
  TunnelConfig config;
  EXPECT_TRUE(absl::IsFailedPrecondition(first->tunnel->Configure(config)));
  config.private_key = NewSecret();
  ASSERT_TRUE(first->tunnel->Configure(config).ok());
  ASSERT_TRUE(first->tunnel->SetPeer(Peer(1, "10.1.0.0/16")).ok());
  first->tunnel.reset();

  auto second = factory.Open("slu0");
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->adopted);
  EXPECT_TRUE(second->tunnel->Configure(TunnelConfig()).ok()) << "it keeps the key";
  EXPECT_EQ(*second->tunnel->public_key(), X25519PublicKey(config.private_key));
  EXPECT_EQ(second->tunnel->Peers()->size(), 1U);
  ASSERT_TRUE(second->tunnel->Destroy().ok());
  EXPECT_EQ(factory.device("slu0"), nullptr);
  EXPECT_FALSE(factory.Open("slu0")->adopted);
}

TEST(TunnelFakeTest, GivesAnAddressToOnePeerOnly) {
  TunnelFactoryFake factory;
  auto opened = factory.Open("slu0");
  ASSERT_TRUE(opened->tunnel->SetPeer(Peer(1, "10.1.0.0/16")).ok());
  ASSERT_TRUE(opened->tunnel->SetPeer(Peer(2, "10.1.0.0/16")).ok());
  auto peers = opened->tunnel->Peers();
  EXPECT_TRUE((*peers)[0].peer.allowed.empty());
  EXPECT_EQ((*peers)[1].peer.allowed.size(), 1U);
  EXPECT_TRUE(opened->tunnel->RemovePeer(Peer(2, "10.1.0.0/16").key).ok());
  EXPECT_TRUE(opened->tunnel->RemovePeer(Peer(2, "10.1.0.0/16").key).ok());
  EXPECT_EQ(factory.device("slu0")->removals, 1);
}

TEST(TunnelFakeTest, FailsAsTold) {
  TunnelFactoryFake factory;
  auto opened = factory.Open("slu0");
  factory.device("slu0")->fail_with = absl::UnavailableError("away");
  EXPECT_TRUE(absl::IsUnavailable(opened->tunnel->SetPeer(Peer(1, "10.1.0.0/16"))));
  factory.fail_with = absl::PermissionDeniedError("no");
  EXPECT_TRUE(absl::IsPermissionDenied(factory.Open("slu1").status()));
}

}  // namespace
}  // namespace sluice
