// acc_ingress and acc_egress on made-up packets: who passes, who is refused why.
#include "datapath/tc/packet_testing.h"

namespace sluice::testing {
namespace {

using AcceleratorTest = GateTest;

constexpr uint64_t kPlenty = 1'000'000'000;

// ICMPv6 with the type and code in front.
std::string Icmpv6(uint8_t type, uint8_t code = 0) {
  return std::string(1, static_cast<char>(type)) + static_cast<char>(code) + std::string(22, '\0');
}

TEST_F(AcceleratorTest, RefusesWithoutALease) {
  EXPECT_TRUE(Refused("acc_ingress", V4(), kSend, SLUICE_DROP_NO_LEASE));
  EXPECT_TRUE(Refused("acc_ingress", V6(), kSend, SLUICE_DROP_NO_LEASE));
  EXPECT_TRUE(Refused("acc_egress", BackV4(), kReceive, SLUICE_DROP_NO_LEASE, FromTunnel()));
  EXPECT_TRUE(Refused("acc_egress", BackV6(), kReceive, SLUICE_DROP_NO_LEASE, FromTunnel()));
}

TEST_F(AcceleratorTest, AdmitsMarksAndCountsUnderALease) {
  Open(kSend, kPlenty);
  Open(kReceive, kPlenty);
  const BpfTestRun v4 = Run("acc_ingress", V4());
  EXPECT_EQ(v4.verdict, TC_ACT_OK);
  EXPECT_EQ(v4.context.mark, SLUICE_MARK | kSend);
  EXPECT_EQ(Admitted(kSend), 128u);
  EXPECT_TRUE(Passes("acc_ingress", V6()));
  EXPECT_EQ(Admitted(kSend), 128u + 148u);
  EXPECT_EQ(Packets(kSend), 2u);
  EXPECT_TRUE(Passes("acc_egress", BackV4(), FromTunnel()));
  EXPECT_TRUE(Passes("acc_egress", BackV6(), FromTunnel()));
  EXPECT_EQ(Admitted(kReceive), 128u + 148u);
}

TEST_F(AcceleratorTest, CountsTheIpPacketNotThePadding) {
  Open(kSend, kPlenty);
  EXPECT_TRUE(Passes("acc_ingress", V4(1) + std::string(17, '\0')));
  EXPECT_EQ(Admitted(kSend), 29u);
}

TEST_F(AcceleratorTest, RefusesAfterExpiry) {
  Open(kSend, kPlenty, -absl::Nanoseconds(1));
  Open(kReceive, kPlenty, -absl::Seconds(1));
  EXPECT_TRUE(Refused("acc_ingress", V4(), kSend, SLUICE_DROP_EXPIRED));
  EXPECT_TRUE(Refused("acc_ingress", V6(), kSend, SLUICE_DROP_EXPIRED));
  EXPECT_TRUE(Refused("acc_egress", BackV4(), kReceive, SLUICE_DROP_EXPIRED, FromTunnel()));
  EXPECT_EQ(Admitted(kSend), 0u);
}

// Across the instant from which on the gate reads the precise clock, too.
TEST_F(AcceleratorTest, ExpiresByItselfOnTime) {
  const absl::Duration lifetime = absl::Nanoseconds(SLUICE_PRECISE_NS) + absl::Milliseconds(50);
  Open(kSend, kPlenty, lifetime);
  const auto expires = BootTime{static_cast<int64_t>(LoadWord(kernel_->slot(kSend).expires_ns))};
  int passed = 0;
  while (true) {
    const BootTime before = clock_.Now();
    const bool passes = Passes("acc_ingress", V4(0));
    const BootTime after = clock_.Now();
    if (before >= expires) {
      ASSERT_FALSE(passes) << "admitted " << before - expires << " after the end";
      if (before - expires > absl::Milliseconds(50)) break;
    }
    if (after < expires) {
      ASSERT_TRUE(passes) << "refused " << expires - after << " before the end";
      ++passed;
    }
  }
  EXPECT_GT(passed, 10);
  EXPECT_TRUE(Refused("acc_ingress", V4(), kSend, SLUICE_DROP_EXPIRED));
}

TEST_F(AcceleratorTest, RefusesClosedSlots) {
  Open(kSend, kPlenty);
  EXPECT_TRUE(Passes("acc_ingress", V4()));
  // The flag alone suffices, whatever the other words say.
  std::atomic_ref<__u64>(kernel_->slot(kSend).admitted).fetch_or(SLUICE_CLOSED);
  EXPECT_TRUE(Refused("acc_ingress", V4(), kSend, SLUICE_DROP_NO_LEASE));
  EXPECT_EQ(Admitted(kSend), 128u);
  Open(kSend, kPlenty);
  EXPECT_TRUE(Passes("acc_ingress", V4()));
  EXPECT_EQ(Admitted(kSend), 256u) << "opening again must not reset the count";
  CloseSlot(kernel_->slot(kSend));
  EXPECT_TRUE(Refused("acc_ingress", V4(), kSend, SLUICE_DROP_NO_LEASE));
}

TEST_F(AcceleratorTest, KillSwitchRefusesEverything) {
  Open(kSend, kPlenty);
  Open(kReceive, kPlenty);
  kernel_->config().kill_switch = 1;
  const std::string arp = Ethernet(kArpType, std::string(28, '\0'));
  for (const std::string& frame : {V4(), V6(), arp})
    EXPECT_TRUE(Refused("acc_ingress", frame, 0, SLUICE_DROP_KILL_SWITCH));
  for (const std::string& frame : {BackV4(), arp})
    EXPECT_TRUE(Refused("acc_egress", frame, 0, SLUICE_DROP_KILL_SWITCH, FromTunnel()));
  kernel_->config().kill_switch = 0;
  EXPECT_TRUE(Passes("acc_ingress", V4()));
}

TEST_F(AcceleratorTest, RefusesForeignSources) {
  Open(kSend, kPlenty);
  const std::string v4 = Ethernet(kIpv4Type, Ipv4("10.9.0.2", "10.2.0.2", Udp(1, 2, 9)));
  const std::string v6 = Ethernet(kIpv6Type, Ipv6("fd00:9::2", "fd00:2::2", Udp(1, 2, 9)));
  EXPECT_TRUE(Refused("acc_ingress", v4, 0, SLUICE_DROP_SPOOFED));
  EXPECT_TRUE(Refused("acc_ingress", v6, 0, SLUICE_DROP_SPOOFED));
  // An IPv6 address that begins with the bytes of an own IPv4 prefix is foreign.
  const std::string alike = Ethernet(kIpv6Type, Ipv6("a01:2::", "fd00:2::2", Udp(1, 2, 9)));
  EXPECT_TRUE(Refused("acc_ingress", alike, 0, SLUICE_DROP_SPOOFED));
}

TEST_F(AcceleratorTest, RefusesUndeclaredLinks) {
  const std::string v4 = Ethernet(kIpv4Type, Ipv4("10.1.0.2", "10.9.0.2", Udp(1, 2, 9)));
  const std::string v6 = Ethernet(kIpv6Type, Ipv6("fd00:1::2", "fd00:9::2", Udp(1, 2, 9)));
  EXPECT_TRUE(Refused("acc_ingress", v4, 0, SLUICE_DROP_NO_LINK));
  EXPECT_TRUE(Refused("acc_ingress", v6, 0, SLUICE_DROP_NO_LINK));
  EXPECT_TRUE(Refused("acc_egress", v4, 0, SLUICE_DROP_NO_LINK, FromTunnel()));
  Open(kSend, kPlenty);
  std::string elsewhere = V4();
  elsewhere[5] = 1;  // another station's address
  EXPECT_TRUE(Refused("acc_ingress", elsewhere, 0, SLUICE_DROP_NO_LINK));
  EXPECT_EQ(Admitted(kSend), 0u);
}

TEST_F(AcceleratorTest, RefusesOtherProtocols) {
  EXPECT_TRUE(
      Refused("acc_ingress", Ethernet(0x88cc, std::string(60, 'x')), 0, SLUICE_DROP_PROTOCOL));
  EXPECT_TRUE(
      Refused("acc_ingress", Ethernet(0x8100, Be16(5) + V4().substr(12)), 0, SLUICE_DROP_PROTOCOL));
  EXPECT_TRUE(Refused("acc_egress", Ethernet(0x8847, std::string(60, 'x')), 0, SLUICE_DROP_PROTOCOL,
                      FromTunnel()));
}

TEST_F(AcceleratorTest, RefusesBrokenHeaders) {
  Open(kSend, kPlenty);
  const auto malformed = [&](const std::string& frame) {
    return Refused("acc_ingress", frame, 0, SLUICE_DROP_MALFORMED);
  };
  // Headers that are cut short no test run takes; tc_datapath_test sends them.
  EXPECT_TRUE(malformed(V4(100, {.length_error = 1})));
  EXPECT_TRUE(malformed(V6(100, {.length_error = 1})));
  EXPECT_TRUE(malformed(V4(100, {.length_error = -109})));  // shorter than its header
  std::string version = V4();
  version[14] = 0x55;
  EXPECT_TRUE(malformed(version));
  std::string header_length = V4();
  header_length[14] = 0x44;
  EXPECT_TRUE(malformed(header_length));
  std::string six_as_four = V6();
  six_as_four[14] = 0x40;
  EXPECT_TRUE(malformed(six_as_four));
  // A jumbogram's length is not in the header that the gate counts by.
  std::string jumbo = V6(100, {.protocol = 0});
  jumbo[18] = jumbo[19] = 0;
  EXPECT_TRUE(malformed(jumbo));
  EXPECT_EQ(Admitted(kSend), 0u);
}

TEST_F(AcceleratorTest, FragmentsCountLikeAnyPacket) {
  Open(kSend, kPlenty);
  EXPECT_TRUE(Passes("acc_ingress", V4(100, {.fragment = 0x2000})));
  EXPECT_TRUE(Passes("acc_ingress", V4(100, {.fragment = 0x00b9})));
  EXPECT_EQ(Admitted(kSend), 256u);
}

TEST_F(AcceleratorTest, OptionsCount) {
  Open(kSend, kPlenty);
  EXPECT_TRUE(Passes("acc_ingress", V4(100, {.options = std::string(8, 1)})));
  EXPECT_EQ(Admitted(kSend), 136u);
}

TEST_F(AcceleratorTest, NeighbourDiscoveryNeedsNoLeaseAndGetsNoMark) {
  for (uint8_t type = 133; type <= 137; ++type) {
    const std::string frame =
        Ethernet(kIpv6Type, Ipv6("fe80::1", "ff02::1", Icmpv6(type), {.protocol = 58, .ttl = 255}));
    const BpfTestRun run = Run("acc_ingress", frame, Marked(SLUICE_MARK | kSend));
    EXPECT_EQ(run.verdict, TC_ACT_OK);
    EXPECT_EQ(run.context.mark, 0u);
    EXPECT_TRUE(Passes("acc_egress", frame));
  }
  const BpfTestRun arp =
      Run("acc_ingress", Ethernet(kArpType, std::string(28, '\0')), Marked(SLUICE_MARK | kSend));
  EXPECT_EQ(arp.verdict, TC_ACT_OK);
  EXPECT_EQ(arp.context.mark, 0u);
}

TEST_F(AcceleratorTest, WhatOnlyLooksLikeNeighbourDiscoveryIsRefused) {
  const auto frame = [](uint8_t type, uint8_t code, uint8_t hops) {
    return Ethernet(kIpv6Type,
                    Ipv6("fe80::1", "ff02::1", Icmpv6(type, code), {.protocol = 58, .ttl = hops}));
  };
  EXPECT_TRUE(Refused("acc_ingress", frame(135, 0, 254), 0, SLUICE_DROP_SPOOFED));
  EXPECT_TRUE(Refused("acc_ingress", frame(135, 1, 255), 0, SLUICE_DROP_SPOOFED));
  EXPECT_TRUE(Refused("acc_ingress", frame(128, 0, 255), 0, SLUICE_DROP_SPOOFED));
  EXPECT_TRUE(Refused("acc_ingress", frame(138, 0, 255), 0, SLUICE_DROP_SPOOFED));
}

TEST_F(AcceleratorTest, OnlyTheTunnelReachesTheAccelerators) {
  Open(kReceive, kPlenty);
  EXPECT_TRUE(Refused("acc_egress", BackV4(), 0, SLUICE_DROP_NOT_FROM_TUNNEL));
  __sk_buff other{};
  other.ingress_ifindex = kTunnelIndex + 1;
  EXPECT_TRUE(Refused("acc_egress", BackV6(), 0, SLUICE_DROP_NOT_FROM_TUNNEL, other));
  kernel_->config().tunnel_ifindex = 0;
  EXPECT_TRUE(Refused("acc_egress", BackV4(), 0, SLUICE_DROP_NOT_FROM_TUNNEL));
}

TEST_F(AcceleratorTest, OnlyTheNodeItselfMaySendIcmpErrorsAndArp) {
  const auto v4 = [](uint8_t type) {
    return Ethernet(kIpv4Type, Ipv4("10.1.0.1", "10.1.0.2",
                                    std::string(1, static_cast<char>(type)) + std::string(35, 0),
                                    {.protocol = 1}));
  };
  const auto v6 = [](uint8_t type) {
    return Ethernet(kIpv6Type, Ipv6("fd00:1::1", "fd00:1::2", Icmpv6(type), {.protocol = 58}));
  };
  for (const uint8_t type : {uint8_t{3}, uint8_t{11}, uint8_t{12}})
    EXPECT_TRUE(Passes("acc_egress", v4(type)));
  for (uint8_t type = 1; type <= 4; ++type) EXPECT_TRUE(Passes("acc_egress", v6(type)));
  EXPECT_TRUE(Refused("acc_egress", v4(0), 0, SLUICE_DROP_NOT_FROM_TUNNEL));
  EXPECT_TRUE(Refused("acc_egress", v4(8), 0, SLUICE_DROP_NOT_FROM_TUNNEL));
  EXPECT_TRUE(Refused("acc_egress", v6(129), 0, SLUICE_DROP_NOT_FROM_TUNNEL));
  __sk_buff forwarded{};
  forwarded.ingress_ifindex = kTunnelIndex + 1;
  EXPECT_TRUE(Refused("acc_egress", v4(3), 0, SLUICE_DROP_NOT_FROM_TUNNEL, forwarded));
  EXPECT_TRUE(Refused("acc_egress", Ethernet(kArpType, std::string(28, '\0')), 0,
                      SLUICE_DROP_PROTOCOL, forwarded));
  // From a far accelerator they are traffic of the link like all else.
  const std::string far = Ethernet(
      kIpv4Type,
      Ipv4("10.2.0.2", "10.1.0.2", std::string("\3", 1) + std::string(35, 0), {.protocol = 1}));
  EXPECT_TRUE(Refused("acc_egress", far, kReceive, SLUICE_DROP_NO_LEASE, FromTunnel()));
}

}  // namespace
}  // namespace sluice::testing
