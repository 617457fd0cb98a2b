// fabric_ingress, fabric_egress and tunnel_egress on made-up packets.
#include "datapath/tc/fabric_counts.h"
#include "datapath/tc/packet_testing.h"

namespace sluice::testing {
namespace {

using FabricTest = GateTest;

std::string UdpV4(uint16_t from, uint16_t to, const IpOptions& o = {}) {
  return Ethernet(kIpv4Type, Ipv4("192.0.2.1", "192.0.2.2", Udp(from, to, 100), o));
}

std::string UdpV6(uint16_t from, uint16_t to, const IpOptions& o = {}) {
  return Ethernet(kIpv6Type, Ipv6("2001:db8::1", "2001:db8::2", Udp(from, to, 100), o));
}

std::string EspV4(const IpOptions& o = {}) {
  IpOptions esp = o;
  esp.protocol = 50;
  return Ethernet(kIpv4Type, Ipv4("192.0.2.1", "192.0.2.2", std::string(60, 'e'), esp));
}

std::string EspV6() {
  return Ethernet(kIpv6Type,
                  Ipv6("2001:db8::1", "2001:db8::2", std::string(60, 'e'), {.protocol = 50}));
}

std::string Mld() {
  return Ethernet(kIpv6Type,
                  Ipv6("fe80::1", "ff02::16",
                       std::string("\x3a\x00\x05\x02\x00\x00\x01\x00\x8f", 9) + std::string(27, 0),
                       {.protocol = 0, .ttl = 1}));
}

TEST_F(FabricTest, TunnelsPassInward) {
  for (const uint16_t port : {kTunnelPort, kControlPort}) {
    EXPECT_TRUE(Passes("fabric_ingress", UdpV4(1234, port)));
    EXPECT_TRUE(Passes("fabric_ingress", UdpV6(1234, port)));
  }
  const BpfTestRun run = Run("fabric_ingress", UdpV4(1, kTunnelPort), Marked(SLUICE_MARK | kSend));
  EXPECT_EQ(run.context.mark, 0u) << "no frame from outside brings a mark of ours";
}

TEST_F(FabricTest, TunnelsPassOutwardWithTheirMark) {
  for (const uint16_t port : {kTunnelPort, kControlPort}) {
    EXPECT_TRUE(Passes("fabric_egress", UdpV4(port, 1234), Marked(kTunnelMark)));
    EXPECT_TRUE(Passes("fabric_egress", UdpV6(port, 1234), Marked(kTunnelMark)));
    EXPECT_TRUE(Refused("fabric_egress", UdpV4(port, 1234), 0, SLUICE_DROP_CLEARTEXT));
    EXPECT_TRUE(Refused("fabric_egress", UdpV6(port, 1234), 0, SLUICE_DROP_CLEARTEXT, Marked(1)));
  }
  EXPECT_TRUE(Refused("fabric_egress", UdpV4(1, kTunnelPort), 0, SLUICE_DROP_CLEARTEXT,
                      Marked(kTunnelMark)));
}

TEST_F(FabricTest, TheInnerPacketsClassDoesNotReachThePortsQueue) {
  __sk_buff context = Marked(kTunnelMark);
  context.priority = SLUICE_CLASS(kSend);
  EXPECT_EQ(Run("fabric_egress", UdpV4(kTunnelPort, 1), context).context.priority, 0u);
}

TEST_F(FabricTest, NothingIsForwardedOutward) {
  __sk_buff forwarded = Marked(kTunnelMark);
  forwarded.ingress_ifindex = 3;
  EXPECT_TRUE(Refused("fabric_egress", UdpV4(kTunnelPort, 1), 0, SLUICE_DROP_CLEARTEXT, forwarded));
  EXPECT_TRUE(Refused("fabric_egress", Ethernet(kArpType, std::string(28, '\0')), 0,
                      SLUICE_DROP_CLEARTEXT, forwarded));
}

TEST_F(FabricTest, WithoutAConfiguredMarkOrPortNothingPasses) {
  kernel_->config().tunnel_mark = 0;
  EXPECT_TRUE(Refused("fabric_egress", UdpV4(kTunnelPort, 1), 0, SLUICE_DROP_CLEARTEXT));
  kernel_->config().tunnel_port = 0;
  kernel_->config().control_port = 0;
  EXPECT_TRUE(Refused("fabric_ingress", UdpV4(1, 0), 0, SLUICE_DROP_CLEARTEXT));
}

TEST_F(FabricTest, OnlyPlainUdpToTheTunnelsPasses) {
  const auto refused = [&](const std::string& frame) {
    return Refused("fabric_ingress", frame, 0, SLUICE_DROP_CLEARTEXT);
  };
  EXPECT_TRUE(refused(UdpV4(1, 53)));
  EXPECT_TRUE(refused(UdpV6(kTunnelPort, 53)));
  EXPECT_TRUE(refused(UdpV4(1, kTunnelPort, {.fragment = 0x2000})));
  EXPECT_TRUE(refused(UdpV4(1, kTunnelPort, {.fragment = 1})));
  EXPECT_TRUE(refused(UdpV4(1, kTunnelPort, {.options = std::string(4, 1)})));
  EXPECT_TRUE(refused(UdpV4(1, kTunnelPort, {.protocol = 6})));
  EXPECT_TRUE(refused(UdpV4(1, kTunnelPort, {.protocol = 1})));
  EXPECT_TRUE(refused(UdpV6(1, kTunnelPort, {.protocol = 0})));
  EXPECT_TRUE(refused(UdpV6(1, kTunnelPort, {.protocol = 44})));
  EXPECT_TRUE(refused(UdpV4(1, kTunnelPort).substr(0, 14 + 20 + 7)));
  EXPECT_TRUE(refused(Ethernet(0x8100, Be16(5) + UdpV4(1, kTunnelPort).substr(12))));
  EXPECT_TRUE(refused(V4()));
}

TEST_F(FabricTest, EspPassesOnlyIfItIsTheTunnel) {
  for (const std::string& esp : {EspV4(), EspV6()}) {
    kernel_->config().tunnel_port = kTunnelPort;
    EXPECT_TRUE(Refused("fabric_ingress", esp, 0, SLUICE_DROP_CLEARTEXT));
    EXPECT_TRUE(Refused("fabric_egress", esp, 0, SLUICE_DROP_CLEARTEXT, Marked(kTunnelMark)));
    kernel_->config().tunnel_port = SLUICE_TUNNEL_ESP;
    EXPECT_TRUE(Passes("fabric_ingress", esp));
    EXPECT_TRUE(Passes("fabric_egress", esp, Marked(kTunnelMark)));
    EXPECT_TRUE(Refused("fabric_egress", esp, 0, SLUICE_DROP_CLEARTEXT));
    EXPECT_TRUE(Refused("fabric_egress", esp, 0, SLUICE_DROP_CLEARTEXT, Marked(1)));
    __sk_buff forwarded = Marked(kTunnelMark);
    forwarded.ingress_ifindex = 3;
    EXPECT_TRUE(Refused("fabric_egress", esp, 0, SLUICE_DROP_CLEARTEXT, forwarded));
  }
}

TEST_F(FabricTest, WithEspOnlyTheControlTunnelsPortIsOpen) {
  kernel_->config().tunnel_port = SLUICE_TUNNEL_ESP;
  for (const uint16_t port : {kTunnelPort, uint16_t{0}}) {
    EXPECT_TRUE(Refused("fabric_ingress", UdpV4(1, port), 0, SLUICE_DROP_CLEARTEXT));
    EXPECT_TRUE(
        Refused("fabric_egress", UdpV4(port, 1), 0, SLUICE_DROP_CLEARTEXT, Marked(kTunnelMark)));
  }
  EXPECT_TRUE(Passes("fabric_ingress", UdpV4(1, kControlPort)));
  EXPECT_TRUE(Passes("fabric_egress", UdpV6(kControlPort, 1), Marked(kTunnelMark)));
}

TEST_F(FabricTest, OnlyPlainEspPasses) {
  kernel_->config().tunnel_port = SLUICE_TUNNEL_ESP;
  for (const std::string& frame :
       {EspV4({.fragment = 0x2000}), EspV4({.fragment = 1}), EspV4({.options = std::string(4, 1)}),
        EspV4().substr(0, 14 + 20 + 7), Ethernet(0x8100, Be16(5) + EspV4().substr(12)),
        UdpV4(1, kTunnelPort, {.protocol = 51}), UdpV6(1, kTunnelPort, {.protocol = 44}), V4()}) {
    EXPECT_TRUE(Refused("fabric_ingress", frame, 0, SLUICE_DROP_CLEARTEXT));
    EXPECT_TRUE(Refused("fabric_egress", frame, 0, SLUICE_DROP_CLEARTEXT, Marked(kTunnelMark)));
  }
}

TEST_F(FabricTest, KillSwitchSilencesEsp) {
  kernel_->config().tunnel_port = SLUICE_TUNNEL_ESP;
  kernel_->config().kill_switch = 1;
  EXPECT_TRUE(Refused("fabric_ingress", EspV4(), 0, SLUICE_DROP_KILL_SWITCH));
  EXPECT_TRUE(Refused("fabric_egress", EspV6(), 0, SLUICE_DROP_KILL_SWITCH, Marked(kTunnelMark)));
  EXPECT_TRUE(Passes("fabric_ingress", UdpV4(1, kControlPort)));
}

TEST_F(FabricTest, ControlFramesPassBothWays) {
  const std::string nd = Ethernet(kIpv6Type, Ipv6("fe80::1", "ff02::1", "\x87" + std::string(23, 0),
                                                  {.protocol = 58, .ttl = 255}));
  for (const char* program : {"fabric_ingress", "fabric_egress"}) {
    for (const uint16_t type :
         {kArpType, uint16_t{SLUICE_ETHERTYPE_LLDP}, uint16_t{SLUICE_ETHERTYPE_PROBE}})
      EXPECT_TRUE(Passes(program, Ethernet(type, std::string(46, '\0'))));
    EXPECT_TRUE(Passes(program, nd));
  }
  EXPECT_TRUE(Passes("fabric_egress", Mld()));
  EXPECT_TRUE(Refused("fabric_ingress", Mld(), 0, SLUICE_DROP_CLEARTEXT));
  const std::string echo = Ethernet(
      kIpv6Type, Ipv6("fe80::1", "ff02::1", "\x80" + std::string(23, 0), {.protocol = 58}));
  EXPECT_TRUE(Refused("fabric_egress", echo, 0, SLUICE_DROP_CLEARTEXT, Marked(kTunnelMark)));
}

TEST_F(FabricTest, KillSwitchSilencesTheLinkTunnelOnly) {
  kernel_->config().kill_switch = 1;
  EXPECT_TRUE(Refused("fabric_ingress", UdpV4(1, kTunnelPort), 0, SLUICE_DROP_KILL_SWITCH));
  EXPECT_TRUE(Refused("fabric_egress", UdpV4(kTunnelPort, 1), 0, SLUICE_DROP_KILL_SWITCH,
                      Marked(kTunnelMark)));
  EXPECT_TRUE(
      Refused("tunnel_egress", V4(), 0, SLUICE_DROP_KILL_SWITCH, Marked(SLUICE_MARK | kSend)));
  EXPECT_TRUE(Passes("fabric_ingress", UdpV4(1, kControlPort)));
  EXPECT_TRUE(Passes("fabric_egress", UdpV4(kControlPort, 1), Marked(kTunnelMark)));
}

TEST_F(FabricTest, OnlyGatedPacketsEnterTheTunnel) {
  const BpfTestRun run = Run("tunnel_egress", V4(), Marked(SLUICE_MARK | kSend));
  EXPECT_EQ(run.verdict, TC_ACT_OK);
  EXPECT_EQ(run.context.priority, SLUICE_CLASS(kSend));
  EXPECT_EQ(run.context.mark, 0u);
  for (const uint32_t mark : {0u, kSend, SLUICE_MARK, SLUICE_MARK | SLUICE_MAX_SLOTS,
                              SLUICE_MARK | 0xffff, 0x51c40000u | kSend, kTunnelMark})
    EXPECT_TRUE(Refused("tunnel_egress", V4(), 0, SLUICE_DROP_NOT_GATED, Marked(mark))) << mark;
}

TEST_F(FabricTest, NothingEntersTheTunnelBeforeTheShaperIsSetUp) {
  kernel_->config().shaper_mode = SLUICE_SHAPER_CLOSED;
  EXPECT_TRUE(
      Refused("tunnel_egress", V4(), 0, SLUICE_DROP_NOT_GATED, Marked(SLUICE_MARK | kSend)));
}

PortCounts CountsOn(const GateKernel& kernel, uint32_t port) {
  const auto counts = ReadPort(kernel.fabric_fd(), port);
  EXPECT_TRUE(counts.ok()) << counts.status();
  return counts.value_or(PortCounts{});
}

// Test runs are on the loopback device, whose index is 1.
TEST_F(FabricTest, FramesCountByClass) {
  ASSERT_TRUE(CountPorts(kernel_->fabric_fd(), {1}).ok());
  const std::string tunnel = UdpV4(kTunnelPort, kTunnelPort);
  const std::string control = UdpV6(kControlPort, kControlPort);
  const std::string arp = Ethernet(kArpType, std::string(46, '\0'));
  const std::string clear = UdpV4(1, 53);
  for (const char* program : {"fabric_ingress", "fabric_egress"}) {
    for (const std::string& frame : {tunnel, tunnel, control, arp, clear})
      Run(program, frame, Marked(kTunnelMark));
  }
  const PortCounts counts = CountsOn(*kernel_, 1);
  for (const PortFlow& flow : {counts.rx, counts.tx}) {
    EXPECT_EQ(flow.tunnel, (Traffic{2 * tunnel.size(), 2}));
    EXPECT_EQ(flow.control, (Traffic{control.size() + arp.size(), 2}));
    EXPECT_EQ(flow.refused, (Traffic{clear.size(), 1}));
  }
  kernel_->config().kill_switch = 1;
  Run("fabric_ingress", tunnel);
  EXPECT_EQ(CountsOn(*kernel_, 1).rx.refused, (Traffic{clear.size() + tunnel.size(), 2}));
}

TEST_F(FabricTest, ASuperPacketCountsAsItsSegments) {
  ASSERT_TRUE(CountPorts(kernel_->fabric_fd(), {1}).ok());
  __sk_buff context = Marked(kTunnelMark);
  context.gso_segs = 5;
  context.gso_size = 20;
  const std::string frame = UdpV4(kTunnelPort, kTunnelPort);  // 100 bytes behind the headers
  Run("fabric_egress", frame, context);
  EXPECT_EQ(CountsOn(*kernel_, 1).tx.tunnel, (Traffic{100 + 5 * 42, 5}));
}

TEST_F(FabricTest, OnlyPortsThatAreWatchedCount) {
  const std::string tunnel = UdpV4(kTunnelPort, kTunnelPort);
  EXPECT_TRUE(Passes("fabric_ingress", tunnel));
  EXPECT_TRUE(absl::IsNotFound(ReadPort(kernel_->fabric_fd(), 1).status()));
  ASSERT_TRUE(CountPorts(kernel_->fabric_fd(), {1, 7}).ok());
  EXPECT_TRUE(Passes("fabric_ingress", tunnel));
  ASSERT_TRUE(CountPorts(kernel_->fabric_fd(), {1, 9}).ok());
  EXPECT_EQ(CountsOn(*kernel_, 1).rx.tunnel.packets, 1u) << "kept";
  EXPECT_TRUE(absl::IsNotFound(ReadPort(kernel_->fabric_fd(), 7).status()));
  std::set<uint32_t> many;
  for (uint32_t i = 1; i <= SLUICE_MAX_FABRIC_PORTS + 1; ++i) many.insert(i);
  EXPECT_TRUE(CountPorts(kernel_->fabric_fd(), many).ok()) << "as far as there is room";
}

TEST_F(FabricTest, AllZeroIsClosed) {
  auto fresh = GateKernel::Load({.pin_directory = "", .tunnel_header = 14});
  ASSERT_TRUE(fresh.ok());
  kernel_ = std::move(*fresh);
  EXPECT_TRUE(Refused("acc_ingress", V4(), 0, SLUICE_DROP_SPOOFED));
  EXPECT_TRUE(Refused("acc_egress", BackV4(), 0, SLUICE_DROP_NOT_FROM_TUNNEL));
  EXPECT_TRUE(
      Refused("tunnel_egress", V4(), 0, SLUICE_DROP_NOT_GATED, Marked(SLUICE_MARK | kSend)));
  EXPECT_TRUE(Refused("fabric_ingress", UdpV4(0, 0), 0, SLUICE_DROP_CLEARTEXT));
  EXPECT_TRUE(Refused("fabric_egress", UdpV4(0, 0), 0, SLUICE_DROP_CLEARTEXT));
}

}  // namespace
}  // namespace sluice::testing
