// The gate around a tunnel by kernel IPsec: its packets are what the gate takes them for.
// Skipped by a kernel that has no ESP.
#include "datapath/tc/node_testing.h"
#include "os/netlink/xfrm.h"

namespace sluice::testing {
namespace {

constexpr uint32_t kMark = 0x1510;

class GateEspTest : public NodeTest {
 protected:
  // The tunnel device and the far end's are xfrm interfaces, with an SA each way.
  void OpenTunnel() override {
    auto near = node_->In([] { return NetlinkXfrm::Open(); });
    auto far = network_->In([] { return NetlinkXfrm::Open(); });
    ASSERT_TRUE(near.ok() && far.ok());
    const absl::Status made = (*near)->CreateDevice("slu0", 7);
    if (!made.ok()) GTEST_SKIP() << "this kernel has no xfrm interfaces: " << made;
    ASSERT_TRUE((*far)->CreateDevice("slu0", 7).ok());
    for (const bool out : {true, false}) {
      Connect(**near, "192.0.2.1", "192.0.2.2", out);
      Connect(**far, "192.0.2.2", "192.0.2.1", out);
    }
    ASSERT_TRUE(
        network_->Shell("ip addr add 10.2.0.2/24 dev slu0 && ip addr add fd00:2::2/64 dev slu0 "
                        "nodad && ip link set slu0 up && ip route add 10.1.0.0/24 dev slu0 && "
                        "ip route add fd00:1::/64 dev slu0"));
  }
  static void Connect(Xfrm& xfrm, const char* local, const char* remote, bool out) {
    XfrmSa sa;
    sa.if_id = 7;
    sa.source = *ParseIpAddress(out ? local : remote);
    sa.destination = *ParseIpAddress(out ? remote : local);
    sa.spi = sa.destination.bytes[3] + 0x100U;
    sa.reqid = 1;
    sa.mark = out ? kMark : 0;
    XfrmKey key;
    key.key.mutable_bytes()[0] = 1;
    const absl::Status added = xfrm.AddSa(sa, key);
    if (!added.ok()) GTEST_SKIP() << "this kernel has no ESP: " << added;
    for (const auto direction :
         {XfrmDirection::kIn, XfrmDirection::kForward, XfrmDirection::kOut}) {
      if (out != (direction == XfrmDirection::kOut)) continue;
      for (const char* any : {"0.0.0.0/0", "::/0"}) {
        XfrmPolicy policy;
        policy.if_id = 7;
        policy.direction = direction;
        policy.source = policy.destination = *ParseIpPrefix(any);
        policy.outer_source = sa.source;
        policy.outer_destination = sa.destination;
        policy.reqid = 1;
        ASSERT_TRUE(xfrm.SetPolicy(policy).ok());
      }
    }
  }
  // Starts the gate for an ESP tunnel, or for a UDP one.
  void StartGate(TunnelTransport transport) {
    datapath_ = std::make_unique<TcDatapath>(std::make_unique<RecordingShaper>(log_), clock_);
    DatapathConfig config = Config();
    config.tunnel_transport = transport;
    const auto started = Do([&](Datapath& d) { return d.Start(config); });
    ASSERT_TRUE(started.ok()) << started.status();
    ASSERT_TRUE(SetRoutes(Routes()).ok());
    const std::vector<IpPrefix> own{*ParseIpPrefix("10.1.0.0/24"), *ParseIpPrefix("fd00:1::/64")};
    ASSERT_TRUE(Do([&](Datapath& d) { return d.SetOwnPrefixes(own); }).ok());
    for (const LinkSide& side : {kSend, kReceive}) {
      const absl::Status applied = Apply(side, Lease(1'000'000));
      ASSERT_TRUE(applied.ok()) << applied;
    }
  }
  // Whether the accelerators' pings are answered from behind the tunnel.
  bool Pings() { return accelerators_->Shell("ping -q -c 2 -i 0.2 -W 2 10.2.0.2 >/dev/null"); }
};

TEST_F(GateEspTest, LeasedPacketsGoBothWays) {
  StartGate(TunnelTransport::kEsp);
  EXPECT_TRUE(Pings());
  EXPECT_TRUE(accelerators_->Shell("ping -q -c 2 -i 0.2 -W 2 fd00:2::2 >/dev/null"));
  const uint64_t bytes = 2 * 84 + 2 * 104;
  EXPECT_EQ(Report(kSend).admitted.value, bytes);
  EXPECT_EQ(Report(kReceive).admitted.value, bytes) << "what came out of the SA is the tunnel's";
}

TEST_F(GateEspTest, TheReceiversLeaseHolds) {
  StartGate(TunnelTransport::kEsp);
  ASSERT_TRUE(Do([](Datapath& d) { return d.Close(kReceive); }).ok());
  EXPECT_FALSE(Pings());
  EXPECT_GT(Report(kSend).admitted.value, 0U);
}

TEST_F(GateEspTest, TheKillSwitchSilencesIt) {
  StartGate(TunnelTransport::kEsp);
  ASSERT_TRUE(Pings());
  ASSERT_TRUE(Do([](Datapath& d) { return d.SetKillSwitch(true); }).ok());
  EXPECT_FALSE(Pings());
}

TEST_F(GateEspTest, WithAUdpTunnelEspIsNone) {
  StartGate(TunnelTransport::kUdp);
  EXPECT_FALSE(Pings());
  EXPECT_GT(Report(kSend).admitted.value, 0U);
  EXPECT_EQ(Report(kReceive).admitted.value, 0U);
}

TEST_F(GateEspTest, WhatTheNodeSaysItselfIsNotGated) {
  StartGate(TunnelTransport::kEsp);
  EXPECT_FALSE(node_->Shell("ping -q -c 2 -i 0.2 -W 1 -I slu0 10.2.0.2 >/dev/null 2>&1"));
}

// On any kernel.
using EspNodeTest = NodeTest;

TEST_F(EspNodeTest, NeedsNoPort) {
  datapath_ = std::make_unique<TcDatapath>(std::make_unique<RecordingShaper>(log_), clock_);
  DatapathConfig config = Config();
  config.tunnel_transport = TunnelTransport::kEsp;
  config.tunnel_port = 0;
  ASSERT_TRUE(Do([&](Datapath& d) { return d.Start(config).status(); }).ok());
  EXPECT_TRUE(Do([](Datapath& d) { return d.Verify(); }).ok());
  ASSERT_TRUE(Do([](Datapath& d) { return d.Start(Config()).status(); }).ok()) << "back to UDP";
  EXPECT_TRUE(Do([](Datapath& d) { return d.Verify(); }).ok());
}

}  // namespace
}  // namespace sluice::testing
