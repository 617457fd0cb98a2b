#include "tunnel/wireguard/wireguard_tunnel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/crypto.h"
#include "os/netlink/route_table_fake.h"
#include "os/process/process_fake.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

// A device in memory that counts what is done to it and can lie.
class BackendFake final : public WireguardBackend {
 public:
  WireguardState state;
  bool keeps_peers = false;  // a removal is acknowledged and not done
  bool ignores_peers = false;
  absl::Status port_status;
  int sets = 0, peer_sets = 0, allowed_replaced = 0;

  absl::StatusOr<WireguardState> Get() override { return state; }
  absl::Status Set(const WireguardChange& change) override {
    ++sets;
    if (change.private_key) state.public_key = X25519PublicKey(*change.private_key);
    if (change.listen_port) state.listen_port = *change.listen_port;
    if (change.mark) state.mark = *change.mark;
    return absl::OkStatus();
  }
  absl::Status SetPeer(const TunnelPeer& peer, bool replace_allowed) override {
    ++peer_sets;
    if (ignores_peers) return absl::OkStatus();
    TunnelPeerState next{peer, 0, 0, std::nullopt};
    for (const TunnelPeerState& p : state.peers) {
      if (p.peer.key != peer.key) continue;
      if (!replace_allowed) next.peer.allowed = p.peer.allowed;
      if (!peer.endpoint) next.peer.endpoint = p.peer.endpoint;
      if (PresharedOf(peer) == nullptr) next.peer.epochs = p.peer.epochs;
    }
    if (replace_allowed) ++allowed_replaced;
    std::erase_if(state.peers, [&](const auto& p) { return p.peer.key == peer.key; });
    state.peers.push_back(next);
    return absl::OkStatus();
  }
  absl::Status RemovePeer(const PublicKey& key) override {
    if (!keeps_peers) std::erase_if(state.peers, [&](const auto& p) { return p.peer.key == key; });
    return absl::OkStatus();
  }
  absl::Status CheckPortFree(uint16_t) override { return port_status; }
  absl::Status AwaitListening(uint16_t) override { return absl::OkStatus(); }
  absl::Status AwaitGone() override { return absl::OkStatus(); }
};

class WireguardTunnelTest : public ::testing::Test {
 protected:
  WireguardTunnelTest() {
    auto routes = std::make_unique<RouteTableFake>();
    auto backend = std::make_unique<BackendFake>();
    routes_ = routes.get();
    backend_ = backend.get();
    routes_->AddDevice("slu0", "wireguard");
    tunnel_ = std::make_unique<WireguardTunnel>("slu0", "fake", "test", std::move(routes),
                                                std::move(backend));
  }
  static TunnelConfig Config() {
    TunnelConfig config;
    config.private_key = NewSecret();
    config.listen_port = 51820;
    config.mark = 81;
    config.mtu = 1420;
    return config;
  }
  static TunnelPeer Peer() {
    TunnelPeer peer;
    peer.key.fill(7);
    peer.endpoint = *ParseEndpoint("192.0.2.1:51820");
    peer.allowed = {*ParseIpPrefix("10.1.2.0/24"), *ParseIpPrefix("fd00:2::/64")};
    return peer;
  }

  RouteTableFake* routes_;
  BackendFake* backend_;
  std::unique_ptr<WireguardTunnel> tunnel_;
};

TEST_F(WireguardTunnelTest, ConfiguresOnceAndThenLeavesItAlone) {
  const TunnelConfig config = Config();
  ASSERT_TRUE(tunnel_->Configure(config).ok());
  EXPECT_EQ(*tunnel_->public_key(), X25519PublicKey(config.private_key));
  EXPECT_EQ(backend_->state.mark, 81U);
  EXPECT_EQ(routes_->Device("slu0")->mtu, 1420);
  EXPECT_TRUE(routes_->Device("slu0")->up);
  ASSERT_TRUE(tunnel_->Configure(config).ok());
  EXPECT_EQ(backend_->sets, 1);
}

TEST_F(WireguardTunnelTest, KeepsTheKeyItHasButNeedsOne) {
  TunnelConfig config = Config();
  const PublicKey key = X25519PublicKey(config.private_key);
  TunnelConfig without = config;
  without.private_key = Secret32();
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->Configure(without)));
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->public_key().status()));
  ASSERT_TRUE(tunnel_->Configure(config).ok());
  ASSERT_TRUE(tunnel_->Configure(without).ok());
  EXPECT_EQ(*tunnel_->public_key(), key);
}

TEST_F(WireguardTunnelTest, RefusesAPortInUse) {
  backend_->port_status = absl::FailedPreconditionError("in use");
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->Configure(Config())));
  EXPECT_EQ(backend_->sets, 0);
}

TEST_F(WireguardTunnelTest, DoesNotTouchAPeerThatIsAsAskedFor) {
  TunnelPeer peer = Peer();
  ASSERT_TRUE(tunnel_->SetPeer(peer).ok());
  std::reverse(peer.allowed.begin(), peer.allowed.end());
  ASSERT_TRUE(tunnel_->SetPeer(peer).ok());
  peer.endpoint.reset();
  ASSERT_TRUE(tunnel_->SetPeer(peer).ok());
  EXPECT_EQ(backend_->peer_sets, 1);
  peer.endpoint = *ParseEndpoint("192.0.2.2:51820");
  ASSERT_TRUE(tunnel_->SetPeer(peer).ok());
  EXPECT_EQ(backend_->allowed_replaced, 1) << "a new endpoint does not touch allowed addresses";
  peer.allowed.pop_back();
  ASSERT_TRUE(tunnel_->SetPeer(peer).ok());
  EXPECT_EQ((*tunnel_->Peers())[0].peer.allowed.size(), 1U);
}

TEST_F(WireguardTunnelTest, ANewEpochsKeyIsSetAndReadBack) {
  TunnelPeer peer = Peer();
  peer.epochs.emplace_back().preshared.mutable_bytes()[0] = 1;
  ASSERT_TRUE(tunnel_->SetPeer(peer).ok());
  ASSERT_TRUE(tunnel_->SetPeer(peer).ok());
  EXPECT_EQ(backend_->peer_sets, 1);
  peer.epochs.emplace_back().preshared.mutable_bytes()[0] = 2;
  ASSERT_TRUE(tunnel_->SetPeer(peer).ok());
  EXPECT_EQ(backend_->peer_sets, 2);
  EXPECT_EQ(backend_->allowed_replaced, 1) << "that would lose packets";
  EXPECT_EQ(backend_->state.peers[0].peer.epochs.back().preshared.bytes()[0], 2);
  EXPECT_TRUE(tunnel_->Peers()->at(0).peer.epochs.empty()) << "nobody else needs to see it";
  backend_->ignores_peers = true;
  peer.epochs.emplace_back().preshared.mutable_bytes()[0] = 3;
  EXPECT_EQ(tunnel_->SetPeer(peer).code(), absl::StatusCode::kInternal);
}

TEST_F(WireguardTunnelTest, BelievesOnlyWhatItReadsBack) {
  backend_->ignores_peers = true;
  EXPECT_TRUE(absl::IsInternal(tunnel_->SetPeer(Peer())));
  backend_->ignores_peers = false;
  ASSERT_TRUE(tunnel_->SetPeer(Peer()).ok());
  backend_->keeps_peers = true;
  EXPECT_TRUE(absl::IsInternal(tunnel_->RemovePeer(Peer().key)));
  backend_->keeps_peers = false;
  EXPECT_TRUE(tunnel_->RemovePeer(Peer().key).ok());
  EXPECT_TRUE(tunnel_->RemovePeer(Peer().key).ok()) << "removing it again is OK";
  EXPECT_TRUE(tunnel_->Peers()->empty());
}

TEST_F(WireguardTunnelTest, DestroysTheDevice) {
  ASSERT_TRUE(tunnel_->Destroy().ok());
  EXPECT_TRUE(absl::IsNotFound(routes_->Device("slu0").status()));
}

class WireguardFactoryTest : public ::testing::Test {
 protected:
  // A kernel without WireGuard and the given devices.
  WireguardFactoryTest()
      : factory_(runner_, [this]() -> absl::StatusOr<std::unique_ptr<RouteTable>> {
          auto routes = std::make_unique<RouteTableFake>();
          routes->known_kinds = {};
          for (const auto& [name, kind] : devices_) routes->AddDevice(name, kind);
          return routes;
        }) {}

  std::vector<std::pair<std::string, std::string>> devices_;
  ProcessRunnerFake runner_;
  WireguardTunnelFactory factory_;
};

TEST_F(WireguardFactoryTest, SaysWhichPackageToInstall) {
  runner_.on_run = [](const auto&) { return absl::NotFoundError("no such file"); };
  const auto opened = factory_.Open("slutest-none");
  EXPECT_TRUE(absl::IsFailedPrecondition(opened.status())) << opened.status();
  EXPECT_THAT(std::string(opened.status().message()),
              HasSubstr("apt-get install -t bookworm-backports wireguard-go"));
}

TEST_F(WireguardFactoryTest, PassesOnWhyItDidNotStart) {
  runner_.on_run = [](const auto&) {
    return ProcessResult{1, "┌────┐\nERROR: (x) 2026/01/01 Failed to create TUN device: no\n"};
  };
  const auto opened = factory_.Open("slutest-none");
  EXPECT_THAT(std::string(opened.status().message()), HasSubstr("Failed to create TUN device"));
  ASSERT_EQ(runner_.commands.size(), 1U);
  EXPECT_EQ(runner_.commands[0], (std::vector<std::string>{"wireguard-go", "slutest-none"}));
}

TEST_F(WireguardFactoryTest, DoesNotClaimASilentStart) {
  EXPECT_TRUE(absl::IsFailedPrecondition(factory_.Open("slutest-none").status()));
}

TEST_F(WireguardFactoryTest, LeavesForeignDevicesAlone) {
  devices_ = {{"slutest-none", "tun"}, {"br0", "bridge"}, {"eth0", ""}};
  for (const auto& [name, kind] : devices_) {
    const auto opened = factory_.Open(name);
    EXPECT_TRUE(absl::IsFailedPrecondition(opened.status())) << opened.status();
    EXPECT_THAT(std::string(opened.status().message()), HasSubstr("choose another"));
  }
  EXPECT_TRUE(runner_.commands.empty());
}

}  // namespace
}  // namespace sluice
