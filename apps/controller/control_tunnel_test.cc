#include "apps/controller/control_tunnel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto.h"
#include "controller/grants/control_net.h"
#include "os/netlink/route_table_fake.h"
#include "tunnel/fake/tunnel_fake.h"

namespace sluice {
namespace {

class ControlTunnelTest : public testing::Test {
 protected:
  ControlTunnelTest() {
    routes_.AddDevice("slc0", "wireguard");
    config_ = {"slc0", 51819, NewSecret()};
  }
  std::unique_ptr<ControlTunnel> Open() {
    auto tunnel = ControlTunnel::Open(factory_, routes_, config_);
    EXPECT_TRUE(tunnel.ok()) << tunnel.status();
    return tunnel.ok() ? *std::move(tunnel) : nullptr;
  }
  static ControlPeer Peer(uint8_t key, uint32_t index) {
    return {PublicKey{key}, NodeControlAddress(index)};
  }
  RouteTableFake routes_;
  TunnelFactoryFake factory_;
  ControlTunnel::Config config_;
};

TEST_F(ControlTunnelTest, GivesTheDeviceKeyPortAndAddress) {
  auto tunnel = Open();
  EXPECT_EQ(factory_.device("slc0")->config.listen_port, 51819);
  const auto addresses = routes_.Addresses("slc0");
  ASSERT_EQ(addresses->size(), 1u);
  EXPECT_EQ(addresses->front().address, ControllerAddress());
}

TEST_F(ControlTunnelTest, PeersBecomeWhatIsWanted) {
  auto tunnel = Open();
  ASSERT_TRUE(tunnel->Sync({Peer(1, 1), Peer(2, 2)}).ok());
  auto& peers = factory_.device("slc0")->peers;
  ASSERT_EQ(peers.size(), 2u);
  EXPECT_EQ(peers.at(PublicKey{2}).peer.allowed,
            std::vector<IpPrefix>{(IpPrefix{NodeControlAddress(2), 128})});
  // A node that enrolled anew has the same address and another key.
  ASSERT_TRUE(tunnel->Sync({Peer(1, 1), Peer(3, 2)}).ok());
  EXPECT_EQ(peers.size(), 2u);
  EXPECT_FALSE(peers.contains(PublicKey{2}));
  EXPECT_EQ(factory_.device("slc0")->removals, 1);
  ASSERT_TRUE(tunnel->Sync({}).ok());
  EXPECT_TRUE(peers.empty());
}

TEST_F(ControlTunnelTest, ADeviceThatAKilledControllerLeftIsTakenOver) {
  ASSERT_TRUE(Open()->Sync({Peer(1, 1), Peer(9, 9)}).ok());
  auto tunnel = Open();
  ASSERT_TRUE(tunnel->Sync({Peer(1, 1)}).ok());
  EXPECT_EQ(factory_.device("slc0")->peers.size(), 1u);
  EXPECT_TRUE(tunnel->Destroy().ok());
  EXPECT_EQ(factory_.device("slc0"), nullptr);
}

TEST_F(ControlTunnelTest, ANewDeviceThatCannotBeSetUpIsTakenAway) {
  routes_.fail_with = absl::PermissionDeniedError("not root");
  EXPECT_EQ(ControlTunnel::Open(factory_, routes_, config_).status().code(),
            absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(factory_.device("slc0"), nullptr);
}

}  // namespace
}  // namespace sluice
