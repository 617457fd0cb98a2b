#include "agent/apply/node_setup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/apply/executor.h"
#include "datapath/fake/fake_datapath.h"
#include "os/files/files_fake.h"
#include "os/netlink/route_table_fake.h"
#include "tunnel/fake/tunnel_fake.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class NodeSetupTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* port : {"acc0", "fab0", "fab1"}) routes_.AddDevice(port, "veth");
    ASSERT_TRUE(routes_.SetMtu("fab0", 9000).ok());
    ASSERT_TRUE(routes_.SetMtu("fab1", 1500).ok());
    ports_ = {.accelerator_port = "acc0",
              .fabric_ports = {"fab0", "fab1"},
              .tunnel_device = "slu0",
              .tunnel_port = 51820,
              .control_device = "slc0",
              .control_port = 51821,
              .pin_directory = "/pins",
              .shaper = "auto"};
    for (const char* port : {"all", "acc0", "fab0", "fab1", "slu0"}) {
      const std::string name(port);
      files_.files["/proc/sys/net/ipv4/conf/" + name + "/rp_filter"] = "2\n";
      files_.files["/proc/sys/net/ipv6/conf/" + name + "/accept_ra"] = "1\n";
      files_.files["/proc/sys/net/ipv6/conf/" + name + "/keep_addr_on_down"] = "0\n";
      files_.files["/proc/sys/net/ipv6/conf/" + name + "/forwarding"] = "0\n";
    }
    files_.files["/proc/sys/net/ipv4/ip_forward"] = "0\n";
  }

  NodeSetup MakeSetup() { return NodeSetup(ports_, {routes_, tunnels_, files_, &xfrm_}); }
  std::string Setting(const std::string& path) { return files_.files["/proc/sys/net/" + path]; }

  NodePorts ports_;
  RouteTableFake routes_;
  TunnelFactoryFake tunnels_;
  TunnelFactoryFake xfrm_;
  FilesFake files_;
  FakeClock clock_;
  FakeGate kernel_{clock_};
  FakeDatapath gate_{kernel_};
};

TEST_F(NodeSetupTest, NoticesATunnelThatIsGone) {
  NodeSetup setup = MakeSetup();
  routes_.AddDevice("slu0", "wireguard");
  EXPECT_EQ(setup.CheckTunnels().message(), "the tunnel device slc0 is gone");
  routes_.AddDevice("slc0", "wireguard");
  EXPECT_TRUE(setup.CheckTunnels().ok());
  ASSERT_TRUE(routes_.DeleteDevice("slu0").ok());
  EXPECT_TRUE(absl::IsNotFound(setup.CheckTunnels()));
}

TEST_F(NodeSetupTest, NamesTheFlagForAPortThatIsNotThere) {
  ASSERT_TRUE(MakeSetup().CheckPorts().ok());
  ports_.accelerator_port = "pf0hpf";
  EXPECT_EQ(MakeSetup().CheckPorts().message(),
            "pf0hpf does not exist; name it with --accelerator-port");
  ports_.accelerator_port = "acc0";
  ports_.fabric_ports.push_back("p1");
  EXPECT_EQ(MakeSetup().CheckPorts().message(), "p1 does not exist; name it with --fabric-port");
}

TEST_F(NodeSetupTest, ANewLinkTunnelGetsAKeyThatIsNowhereElse) {
  const auto tunnel = MakeSetup().OpenLinkTunnel();
  ASSERT_TRUE(tunnel.ok()) << tunnel.status();
  const TunnelConfig& config = tunnels_.device("slu0")->config;
  EXPECT_FALSE(config.private_key.IsZero());
  EXPECT_EQ(config.listen_port, 51820);
  EXPECT_EQ(config.mark, kTunnelMark);
  EXPECT_EQ(config.mtu, 1420) << "the smallest fabric port's, less the overhead";
  const std::string key(config.private_key.bytes().begin(), config.private_key.bytes().end());
  for (const auto& [path, data] : files_.files) {
    EXPECT_EQ(data.find(key), std::string::npos) << path;
    EXPECT_EQ(data.find(ToBase64(config.private_key.bytes())), std::string::npos) << path;
  }
}

TEST_F(NodeSetupTest, ALinkTunnelOfTheOtherKindGoesFirst) {
  ASSERT_TRUE(MakeSetup().OpenLinkTunnel().ok());
  EXPECT_EQ(MakeSetup().datapath_config().tunnel_transport, TunnelTransport::kUdp);
  routes_.AddDevice("slu0", "wireguard");
  ports_.tunnel_kind = TunnelKind::kXfrm;
  ASSERT_TRUE(MakeSetup().OpenLinkTunnel().ok());
  EXPECT_EQ(tunnels_.device("slu0"), nullptr);
  ASSERT_NE(xfrm_.device("slu0"), nullptr);
  EXPECT_EQ(MakeSetup().datapath_config().tunnel_transport, TunnelTransport::kEsp);
  ASSERT_TRUE(routes_.DeleteDevice("slu0").ok());
  routes_.AddDevice("slu0", "xfrm");
  ports_.tunnel_kind = TunnelKind::kWireguard;
  ASSERT_TRUE(MakeSetup().OpenLinkTunnel().ok());
  EXPECT_EQ(xfrm_.device("slu0"), nullptr);
  EXPECT_NE(tunnels_.device("slu0"), nullptr);
}

TEST_F(NodeSetupTest, AKernelThatCannotIsAnErrorAndNoOtherTunnel) {
  ports_.tunnel_kind = TunnelKind::kXfrm;
  xfrm_.fail_with = absl::FailedPreconditionError("no ESP");
  EXPECT_THAT(MakeSetup().OpenLinkTunnel().status().message(), HasSubstr("no ESP"));
  EXPECT_EQ(tunnels_.device("slu0"), nullptr);
}

TEST_F(NodeSetupTest, AnExistingLinkTunnelKeepsKeyAndPeers) {
  const PublicKey before = MakeSetup().OpenLinkTunnel().value()->public_key().value();
  TunnelPeer peer;
  peer.key = {1};
  ASSERT_TRUE(tunnels_.Open("slu0")->tunnel->SetPeer(peer).ok());
  EXPECT_EQ(MakeSetup().OpenLinkTunnel().value()->public_key().value(), before);
  EXPECT_EQ(tunnels_.device("slu0")->peers.size(), 1u);
}

TEST_F(NodeSetupTest, ATunnelThatDiedBeforeItHadAKeyGetsOne) {
  ASSERT_TRUE(tunnels_.Open("slu0").ok());
  const auto tunnel = MakeSetup().OpenLinkTunnel();
  ASSERT_TRUE(tunnel.ok()) << tunnel.status();
  EXPECT_FALSE(tunnels_.device("slu0")->config.private_key.IsZero());
}

// What it opens a second time dies in that moment.
class DyingFactory final : public TunnelFactory {
 public:
  absl::StatusOr<Opened> Open(const std::string& device) override {
    auto opened = devices.Open(device);
    if (opened.ok() && opened->adopted) devices.device(device)->exists = false;
    return opened;
  }
  TunnelFactoryFake devices;
};

TEST_F(NodeSetupTest, ATunnelThatDiesWhileItIsTakenOverIsMadeAnew) {
  DyingFactory dying;
  ASSERT_TRUE(dying.Open("slu0").ok());
  NodeSetup setup(ports_, {routes_, dying, files_, &xfrm_});
  const auto tunnel = setup.OpenLinkTunnel();
  ASSERT_TRUE(tunnel.ok()) << tunnel.status();
  ASSERT_NE(dying.devices.device("slu0"), nullptr);
  EXPECT_FALSE(dying.devices.device("slu0")->config.private_key.IsZero());
}

TEST_F(NodeSetupTest, OpensWithRoutesThatLeadNowhere) {
  ASSERT_TRUE(MakeSetup().OpenLinkTunnel().ok());
  const absl::Status s = MakeSetup().Open(/*keep_routes=*/false);
  ASSERT_TRUE(s.ok()) << s;
  for (const Route& route : routes_.tables().at(kAcceleratorTable)) EXPECT_TRUE(route.blackhole);
  EXPECT_EQ(routes_.tables().at(kAcceleratorTable).size(), 2u);
  EXPECT_EQ(routes_.rules().size(), 1u);
  EXPECT_TRUE(routes_.devices().at("acc0").up);
  EXPECT_TRUE(routes_.devices().at("fab1").up);
  EXPECT_EQ(Setting("ipv4/ip_forward"), "1");
  EXPECT_EQ(Setting("ipv6/conf/all/forwarding"), "1");
  EXPECT_EQ(Setting("ipv4/conf/all/rp_filter"), "0");
  EXPECT_EQ(Setting("ipv4/conf/acc0/rp_filter"), "0");
  EXPECT_EQ(Setting("ipv4/conf/slu0/rp_filter"), "0");
  EXPECT_EQ(Setting("ipv4/conf/fab0/rp_filter"), "2") << "as strict as it was";
  EXPECT_EQ(Setting("ipv6/conf/fab0/accept_ra"), "2");
}

TEST_F(NodeSetupTest, TheAcceleratorPortStaysDownIfAnythingFailed) {
  files_.FailWrites(absl::PermissionDeniedError("read-only file system"));
  EXPECT_THAT(MakeSetup().Open(false).message(), HasSubstr("read-only"));
  EXPECT_FALSE(routes_.devices().at("acc0").up);
}

TEST_F(NodeSetupTest, KeepsTheRoutesOfAnEarlierRun) {
  ASSERT_TRUE(MakeSetup().OpenLinkTunnel().ok());
  routes_.AddDevice("slu0", "wireguard");
  const std::vector<Route> kept =
      AcceleratorTableRoutes("slu0", {ParseIpPrefix("10.2.0.0/24").value()});
  ASSERT_TRUE(routes_.ReplaceTable(kAcceleratorTable, kept).ok());
  ASSERT_TRUE(MakeSetup().Open(/*keep_routes=*/true).ok());
  EXPECT_EQ(routes_.tables().at(kAcceleratorTable).size(), 3u);
}

TEST_F(NodeSetupTest, WorksWithoutIpv6) {
  std::erase_if(files_.files, [](const auto& f) { return f.first.find("ipv6") != f.first.npos; });
  EXPECT_TRUE(MakeSetup().Open(false).ok());
}

TEST_F(NodeSetupTest, ACompleteDefaultRouteReplacesItsBlackHole) {
  const auto routes = AcceleratorTableRoutes("slu0", {ParseIpPrefix("0.0.0.0/0").value()});
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_FALSE(routes[0].blackhole);
  EXPECT_TRUE(routes[1].blackhole);
  EXPECT_TRUE(routes[1].destination.address.v6);
}

TEST_F(NodeSetupTest, AcceleratorPrefixesAreTheNetworksOfItsAddresses) {
  for (const char* text : {"10.1.0.1", "10.1.0.2", "10.9.8.7"}) {
    ASSERT_TRUE(routes_.AddAddress("acc0", {ParseIpAddress(text).value(), 22}).ok());
  }
  ASSERT_TRUE(routes_.AddAddress("acc0", {ParseIpAddress("fd00:1::1").value(), 60}).ok());
  const auto prefixes = MakeSetup().AcceleratorPrefixes();
  ASSERT_TRUE(prefixes.ok());
  EXPECT_THAT(*prefixes, ::testing::UnorderedElementsAre(ParseIpPrefix("10.1.0.0/22").value(),
                                                         ParseIpPrefix("10.9.8.0/22").value(),
                                                         ParseIpPrefix("fd00:1::/60").value()));
}

TEST_F(NodeSetupTest, TheControlTunnelHasOnePeerWithOneAddress) {
  routes_.AddDevice("slc0", "wireguard");
  NodeSetup::ControlTunnel control;
  control.private_key.mutable_bytes()[0] = 8;
  control.address = ParseIpAddress("fd73:6c75:6963:6500::1:1").value();
  control.controller_key = {2};
  control.endpoint = ParseEndpoint("192.0.2.9:51819").value();
  control.controller_address = ParseIpAddress("fd73:6c75:6963:6500::1").value();
  ASSERT_TRUE(MakeSetup().OpenControlTunnel(control).ok());
  const auto device = tunnels_.device("slc0");
  EXPECT_EQ(device->config.listen_port, 51821);
  EXPECT_EQ(device->config.mark, kTunnelMark);
  ASSERT_EQ(device->peers.size(), 1u);
  const TunnelPeer& peer = device->peers.begin()->second.peer;
  EXPECT_THAT(peer.allowed, ElementsAre(ParseIpPrefix("fd73:6c75:6963:6500::1").value()));
  EXPECT_GT(peer.keepalive, absl::ZeroDuration());
  EXPECT_EQ(routes_.Addresses("slc0")->size(), 1u);
}

TEST_F(NodeSetupTest, TakesDownWhatItMade) {
  ASSERT_TRUE(MakeSetup().OpenLinkTunnel().ok());
  ASSERT_TRUE(MakeSetup().Open(false).ok());
  routes_.AddDevice("slu0", "wireguard");
  const absl::Status s = MakeSetup().TakeDown(gate_);
  EXPECT_TRUE(s.ok()) << s;
  EXPECT_FALSE(routes_.devices().at("acc0").up);
  EXPECT_TRUE(routes_.rules().empty());
  EXPECT_EQ(tunnels_.device("slu0"), nullptr);
  EXPECT_EQ(Setting("ipv4/ip_forward"), "0");
  EXPECT_EQ(Setting("ipv6/conf/all/forwarding"), "0");
  EXPECT_TRUE(!routes_.tables().contains(kAcceleratorTable) ||
              routes_.tables().at(kAcceleratorTable).empty());
}

TEST_F(NodeSetupTest, TakingDownTwiceIsOk) {
  ASSERT_TRUE(MakeSetup().OpenLinkTunnel().ok());
  ASSERT_TRUE(MakeSetup().TakeDown(gate_).ok());
  EXPECT_TRUE(MakeSetup().TakeDown(gate_).ok());
}

}  // namespace
}  // namespace sluice
