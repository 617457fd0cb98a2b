// The datapath on real devices with real packets, counted at the far end.
#include "datapath/tc/tc_datapath.h"

#include <bpf/bpf.h>
#include <netpacket/packet.h>

#include <atomic>
#include <thread>

#include "datapath/tc/node_testing.h"
#include "datapath/tc/packet_testing.h"
#include "datapath/tc/tc_shaper.h"
#include "os/bpf/tcx_attachment.h"

namespace sluice::testing {
namespace {

class TcDatapathTest : public NodeTest {
 protected:
  // Another's program before all others at acc0's ingress.
  bool AttachForeignTcx() {
    return node_->In([] {
      struct bpf_prog_attach_opts options {};
      options.sz = sizeof(options);
      options.flags = 1u << 3;  // BPF_F_BEFORE
      auto program = OpenPin(Config().pin_directory + "/prog_fabric_ingress");
      return program.ok() &&
             bpf_prog_attach_opts(program->get(), static_cast<int>(if_nametoindex("acc0")),
                                  static_cast<bpf_attach_type>(46),  // BPF_TCX_INGRESS
                                  &options) == 0;
    });
  }
  absl::Status DetachTcxFrom(const std::string& name) {
    return node_->In([&] { return DetachTcx("acc0", TcDirection::kIngress, name); });
  }
};

constexpr uint64_t kAmple = 1'000'000'000;

TEST_F(TcDatapathTest, NothingPassesWithoutALease) {
  StartWithRoutes();
  Send(10, 100);
  Send(10, 100, "fd00:2::2");
  EXPECT_EQ(Arrived().packets, 0u);
  const LinkReport report = Report(kSend);
  EXPECT_EQ(report.drops[SLUICE_DROP_NO_LEASE].packets, 20u);
  EXPECT_EQ(report.drops[SLUICE_DROP_NO_LEASE].bytes, 10u * 128 + 10u * 148);
  EXPECT_EQ(report.lease_sequence, 0u);
  EXPECT_TRUE(report.closed);
}

TEST_F(TcDatapathTest, VolumeHoldsToTheByteOnRealTraffic) {
  StartWithRoutes();
  ASSERT_TRUE(Apply(kSend, Lease(10 * 128 + 127)).ok());
  Send(25, 100);
  const Count arrived = Arrived();
  EXPECT_EQ(arrived.packets, 10u);
  EXPECT_EQ(arrived.bytes, 1280u);
  LinkReport report = Report(kSend);
  EXPECT_EQ(report.admitted.value, 1280u);
  EXPECT_EQ(report.admitted_packets, 10u);
  EXPECT_EQ(report.drops[SLUICE_DROP_VOLUME].packets, 15u);
  EXPECT_EQ(report.lease_sequence, 7u);
  EXPECT_GT(report.expires_in, absl::Minutes(59));
  // Renewal raises the ceiling on the same count.
  ASSERT_TRUE(Apply(kSend, Lease(15 * 128)).ok());
  Send(25, 100);
  EXPECT_EQ(Arrived().bytes, 5u * 128);
}

TEST_F(TcDatapathTest, SuperPacketsCountAsWhatLeavesTheTunnel) {
  StartWithRoutes();
  ASSERT_TRUE(Apply(kSend, Lease(kAmple)).ok());
  // Fewer than the 500 packets that the tunnel device queues.
  Send(8, 30'000, "10.2.0.2", 1000);
  Send(8, 29'999, "fd00:2::2", 1200);
  const Count arrived = Arrived();
  EXPECT_EQ(arrived.packets, 8u * 30 + 8u * 25);
  EXPECT_EQ(Report(kSend).admitted.value, arrived.bytes);
  EXPECT_EQ(Report(kSend).admitted_packets, arrived.packets);
}

TEST_F(TcDatapathTest, ReceiverAdmitsOnlyUnderItsLease) {
  StartWithRoutes();
  const int fd = accelerators_->In([] {
    const int s = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const sockaddr_storage any = Address("0.0.0.0", 9);
    EXPECT_EQ(bind(s, reinterpret_cast<const sockaddr*>(&any), sizeof(sockaddr_in)), 0);
    return s;
  });
  const auto received = [&] {
    int count = 0;
    char buffer[2000];
    pollfd poller{fd, POLLIN, 0};
    while (poll(&poller, 1, 150) > 0 && recv(fd, buffer, sizeof(buffer), 0) > 0) ++count;
    return count;
  };
  std::string packet = Ipv4("10.2.0.2", "10.1.0.2", Udp(9, 9, 100));
  // The kernel checks what it delivers.
  uint32_t sum = 0;
  for (size_t i = 0; i < 20; i += 2)
    sum += static_cast<uint8_t>(packet[i]) * 256u + static_cast<uint8_t>(packet[i + 1]);
  sum = (sum & 0xffff) + (sum >> 16);
  packet.replace(10, 2, Be16(~((sum & 0xffff) + (sum >> 16)) & 0xffff));
  for (int i = 0; i < 3; ++i) Decrypted(packet);
  EXPECT_EQ(received(), 0);
  ASSERT_TRUE(Apply(kReceive, Lease(4 * 128 + 5)).ok());
  for (int i = 0; i < 9; ++i) Decrypted(packet);
  EXPECT_EQ(received(), 4);
  EXPECT_EQ(Report(kReceive).admitted.value, 4u * 128);
  const auto closed = Do([](Datapath& d) { return d.Close(kReceive); });
  ASSERT_TRUE(closed.ok());
  EXPECT_TRUE(closed->closed);
  EXPECT_EQ(closed->admitted.value, 4u * 128);
  Decrypted(packet);
  EXPECT_EQ(received(), 0);
  close(fd);
}

TEST_F(TcDatapathTest, ExpiryStopsTraffic) {
  StartWithRoutes();
  ASSERT_TRUE(Apply(kSend, Lease(kAmple, absl::Milliseconds(200))).ok());
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 5u);
  absl::SleepFor(absl::Milliseconds(210));
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 0u);
  EXPECT_EQ(Report(kSend).drops[SLUICE_DROP_EXPIRED].packets, 5u);
  EXPECT_LE(Report(kSend).expires_in, absl::ZeroDuration());
}

TEST_F(TcDatapathTest, TheGateOutlivesItsProcessAndIsTakenOver) {
  StartWithRoutes();
  ASSERT_TRUE(Apply(kSend, Lease(12 * 128)).ok());
  Send(5, 100);
  datapath_ = nullptr;
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 10u) << "the lease lives on without the agent";
  const auto started = Start();
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_TRUE(started->counters_kept);
  // Routes are known before the controller has been heard of.
  EXPECT_EQ(Report(kSend).admitted.value, 10u * 128);
  EXPECT_EQ(Report(kSend).lease_sequence, 7u);
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 2u) << "the volume holds over the restart";
  EXPECT_EQ(log_.applied.back().second, BitRate{10'000'000'000}) << "queues are set up again";
}

TEST_F(TcDatapathTest, ALeaseWithoutAQueueIsClosedAtTakeover) {
  StartWithRoutes();
  ASSERT_TRUE(Apply(kSend, Lease(kAmple)).ok());
  log_.apply_status = absl::InternalError("no queue");
  const auto started = Start();
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_TRUE(Report(kSend).closed);
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 0u);
}

TEST_F(TcDatapathTest, NoPacketSlipsThroughWhileProgramsAreReplaced) {
  StartWithRoutes();
  std::atomic<bool> stop = false;
  std::thread sender([&] {
    while (!stop) Send(50, 100);
  });
  for (int i = 0; i < 10; ++i) {
    const auto started = Start();
    EXPECT_TRUE(started.ok()) << started.status();
  }
  stop = true;
  sender.join();
  EXPECT_EQ(Arrived().packets, 0u);
  EXPECT_GT(Report(kSend).drops[SLUICE_DROP_NO_LEASE].packets, 100u);
}

TEST_F(TcDatapathTest, ForeignOrHalfPinsMeanANewAndClosedGate) {
  StartWithRoutes();
  ASSERT_TRUE(Apply(kSend, Lease(kAmple)).ok());
  const std::string pins = Config().pin_directory;
  ASSERT_EQ(unlink((pins + "/map_drops").c_str()), 0);
  auto started = Start();
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_FALSE(started->counters_kept);
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 0u);

  auto config = OpenPin(pins + "/map_config");
  ASSERT_TRUE(config.ok());
  auto words = BpfArray::Map(config->get(), sizeof(sluice_config));
  ASSERT_TRUE(words.ok());
  words->At<sluice_config>(0).layout = SLUICE_LAYOUT + 1;
  started = Start();
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_FALSE(started->counters_kept);
  EXPECT_NE(started->choices[0].reason.find("layout"), std::string::npos);
}

TEST_F(TcDatapathTest, KillSwitchStopsAllAndSurvives) {
  StartWithRoutes();
  ASSERT_TRUE(Apply(kSend, Lease(kAmple)).ok());
  Send(1, 100);
  EXPECT_EQ(Arrived().packets, 1u);
  ASSERT_TRUE(Do([](Datapath& d) { return d.SetKillSwitch(true); }).ok());
  Send(5, 100);
  ASSERT_TRUE(Start().ok());
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 0u);
  ASSERT_TRUE(Do([](Datapath& d) { return d.SetKillSwitch(false); }).ok());
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 5u);
}

TEST_F(TcDatapathTest, ASideWithoutRoutesIsClosedAndKeepsItsCount) {
  StartWithRoutes();
  ASSERT_TRUE(Apply(kSend, Lease(kAmple)).ok());
  Send(5, 100);
  const auto routes = Routes();
  ASSERT_TRUE(SetRoutes({routes[1], routes[3]}).ok());
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 5u);
  EXPECT_EQ(log_.closed.size(), 1u);
  EXPECT_TRUE(absl::IsNotFound(Apply(kSend, Lease(kAmple))));
  const auto closed = Do([](Datapath& d) { return d.Close(kSend); });
  ASSERT_TRUE(closed.ok());
  EXPECT_EQ(closed->admitted.value, 5u * 128);
  ASSERT_TRUE(SetRoutes(Routes()).ok());
  EXPECT_EQ(Report(kSend).admitted.value, 5u * 128) << "must not go backwards";
  EXPECT_TRUE(Report(kSend).closed);
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 0u);
}

TEST_F(TcDatapathTest, BadCallsChangeNothing) {
  StartWithRoutes();
  ASSERT_TRUE(Apply(kSend, Lease(kAmple)).ok());
  GateLease bad = Lease(kAmple);
  bad.rate = BitRate{7'999};
  EXPECT_TRUE(absl::IsInvalidArgument(Apply(kSend, bad)));
  bad = Lease(kMaxVolume.value + 1);
  EXPECT_TRUE(absl::IsInvalidArgument(Apply(kSend, bad)));
  std::vector<GateRoute> twice = Routes();
  twice.push_back({ParseIpPrefix("10.2.0.0/24").value(), {{"a1", "b2"}, Role::kSend}});
  EXPECT_TRUE(absl::IsInvalidArgument(SetRoutes(twice)));
  log_.apply_status = absl::InternalError("no queue");
  EXPECT_FALSE(Apply(kSend, Lease(1)).ok());
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 5u) << "the lease before still stands";
  EXPECT_TRUE(Do([](Datapath& d) { return d.Close({{"x", "y"}, Role::kSend}); })->closed);
}

// Each of the two hooks is enough, and no packet is counted twice.
TEST_F(TcDatapathTest, WithoutOneOfItsHooksTheGateStillStands) {
  StartWithRoutes();
  ASSERT_TRUE(Apply(kSend, Lease(kAmple)).ok());
  Send(5, 100);
  EXPECT_EQ(Report(kSend).admitted_packets, 5u);
  ASSERT_TRUE(DetachTcxFrom("acc_ingress").ok());
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 10u);
  EXPECT_EQ(Report(kSend).admitted_packets, 10u) << "clsact alone";
  ASSERT_TRUE(Start().ok());
  const auto tcx = node_->In([] { return TcxPrograms("acc0", TcDirection::kIngress); });
  ASSERT_TRUE(tcx.ok()) << tcx.status();
  if (!*tcx) GTEST_SKIP() << "this kernel has no tcx (Linux 6.6)";
  ASSERT_TRUE(node_->Shell("tc qdisc del dev acc0 clsact"));
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 5u);
  EXPECT_EQ(Report(kSend).admitted_packets, 15u) << "tcx alone";
  ASSERT_TRUE(Do([](Datapath& d) { return d.Close(kSend); }).ok());
  Send(5, 100);
  EXPECT_EQ(Arrived().packets, 0u);
}

TEST_F(TcDatapathTest, VerifySeesWhatOthersDo) {
  StartWithRoutes();
  const auto verify = [&] { return Do([](Datapath& d) { return d.Verify(); }); };
  EXPECT_TRUE(verify().ok()) << verify();
  ASSERT_TRUE(node_->Shell("tc filter del dev fab0 egress"));
  EXPECT_FALSE(verify().ok());
  ASSERT_TRUE(Start().ok()) << "starting again repairs it";
  EXPECT_TRUE(verify().ok()) << verify();
  ASSERT_TRUE(
      node_->Shell("tc filter add dev acc0 ingress prio 1 handle 1 protocol all bpf da "
                   "object-pinned " +
                   Config().pin_directory + "/prog_fabric_ingress"));
  EXPECT_FALSE(verify().ok()) << "a filter of the same priority may run first";
  ASSERT_TRUE(node_->Shell("tc filter del dev acc0 ingress prio 1 handle 1 bpf"));
  EXPECT_TRUE(verify().ok()) << verify();
  const auto tcx = node_->In([] { return TcxPrograms("acc0", TcDirection::kIngress); });
  ASSERT_TRUE(tcx.ok()) << tcx.status();
  if (*tcx) {
    EXPECT_EQ((*tcx)->size(), 1u) << "started twice, attached once";
    ASSERT_TRUE(AttachForeignTcx());
    EXPECT_FALSE(verify().ok()) << "a foreign program runs first";
    ASSERT_TRUE(DetachTcxFrom("fabric_ingress").ok());
    EXPECT_TRUE(verify().ok()) << verify();
    ASSERT_TRUE(DetachTcxFrom("acc_ingress").ok());
    EXPECT_FALSE(verify().ok()) << "the gate is only in clsact";
    ASSERT_TRUE(Start().ok());
  }
  EXPECT_TRUE(verify().ok()) << verify();
  ASSERT_TRUE(Apply(kSend, Lease(kAmple)).ok());
  ASSERT_EQ(unlink((Config().pin_directory + "/map_slots").c_str()), 0);
  EXPECT_FALSE(verify().ok());
  const auto again = Do([](Datapath& d) { return d.Start(Config()); });
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_TRUE(again->counters_kept) << "this process still has the maps, and pins them again";
  EXPECT_TRUE(verify().ok()) << verify();
  log_.verify_status = absl::InternalError("a queue is gone");
  EXPECT_FALSE(verify().ok());
}

TEST_F(TcDatapathTest, ARecreatedTunnelDeviceNeedsANewStart) {
  StartWithRoutes();
  ASSERT_TRUE(Apply(kSend, Lease(kAmple)).ok());
  close(std::exchange(tunnel_, -1));
  ASSERT_TRUE(node_->Shell("ip tuntap add dev slu0 mode tun"));
  EXPECT_FALSE(Do([](Datapath& d) { return d.Verify(); }).ok());
  const auto started = Do([](Datapath& d) { return d.Start(Config()); });
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_TRUE(started->counters_kept);
  EXPECT_TRUE(Do([](Datapath& d) { return d.Verify(); }).ok());
}

TEST_F(TcDatapathTest, RemoveLeavesNothingOfItsOwn) {
  StartWithRoutes();
  ASSERT_TRUE(node_->Shell("tc filter add dev fab0 ingress prio 9 protocol all u32 match u32 0 0"));
  ASSERT_TRUE(Do([](Datapath& d) { return d.Remove(); }).ok());
  EXPECT_FALSE(std::filesystem::exists(Config().pin_directory));
  EXPECT_FALSE(node_->Shell("tc qdisc show dev acc0 | grep -q clsact"));
  EXPECT_FALSE(node_->Shell("tc qdisc show dev slu0 | grep -q clsact"));
  EXPECT_TRUE(node_->Shell("tc qdisc show dev fab0 | grep -q clsact")) << "another uses it";
  EXPECT_FALSE(node_->Shell("tc filter show dev fab0 ingress | grep -q bpf"));
  EXPECT_EQ(log_.removed, 1);
  EXPECT_FALSE(Do([](Datapath& d) { return d.Read(); }).ok());
}

TEST_F(TcDatapathTest, StartSaysWhatIsWrong) {
  datapath_ = std::make_unique<TcDatapath>(std::make_unique<RecordingShaper>(log_), clock_);
  const auto start = [&](const DatapathConfig& config) {
    return Do([&](Datapath& d) { return d.Start(config).status(); });
  };
  DatapathConfig config = Config();
  config.accelerator_port = "acc9";
  EXPECT_TRUE(absl::IsNotFound(start(config)));
  config = Config();
  config.pin_directory = "/tmp/not-bpf";
  const absl::Status no_bpffs = start(config);
  EXPECT_TRUE(absl::IsFailedPrecondition(no_bpffs));
  EXPECT_NE(std::string(no_bpffs.message()).find("mount -t bpf"), std::string::npos);
  config = Config();
  config.tunnel_mark = SLUICE_MARK | 5;
  EXPECT_TRUE(absl::IsInvalidArgument(start(config)));
  config = Config();
  config.fabric_ports = {"acc0"};
  EXPECT_TRUE(absl::IsInvalidArgument(start(config)));
  config = Config();
  config.tunnel_port = 0;
  EXPECT_TRUE(absl::IsInvalidArgument(start(config)));
  EXPECT_TRUE(absl::IsFailedPrecondition(Apply(kSend, Lease(1))));
  EXPECT_TRUE(start(Config()).ok()) << "and nothing of it is in the way";
}

// Gate and shaper together: what leaves the tunnel keeps rate and burst.
TEST_F(TcDatapathTest, WithTheRealShaperARateIsKept) {
  auto shaper = node_->In([] { return TcShaper::Open(); });
  ASSERT_TRUE(shaper.ok()) << shaper.status();
  datapath_ = std::make_unique<TcDatapath>(std::move(*shaper), clock_);
  const auto started = Do([](Datapath& d) { return d.Start(Config()); });
  ASSERT_TRUE(started.ok()) << started.status();
  ASSERT_TRUE(SetRoutes(Routes()).ok());
  const std::vector<IpPrefix> own{ParseIpPrefix("10.1.0.0/24").value()};
  ASSERT_TRUE(Do([&](Datapath& d) { return d.SetOwnPrefixes(own); }).ok());
  GateLease lease = Lease(kAmple);
  lease.rate = BitRate{10'000'000};
  lease.burst = Bytes{32 * 1024};
  ASSERT_TRUE(Apply(kSend, lease).ok());
  EXPECT_TRUE(Do([](Datapath& d) { return d.Verify(); }).ok());
  Arrived();
  std::atomic<bool> stop = false;
  std::thread sender([&] {
    while (!stop) Send(20, 1000);
  });
  const BootTime start = clock_.Now();
  uint64_t bytes = 0;
  while (clock_.Now() - start < absl::Seconds(1)) {
    char buffer[2000];
    pollfd poller{tunnel_, POLLIN, 0};
    if (poll(&poller, 1, 10) <= 0) continue;
    const ssize_t size = read(tunnel_, buffer, sizeof(buffer));
    if (size > 0) bytes += static_cast<uint64_t>(size);
  }
  const absl::Duration window = clock_.Now() - start;
  stop = true;
  sender.join();
  EXPECT_LE(bytes, BytesIn(lease.rate, window).value + lease.burst.value);
  EXPECT_GE(bytes, BytesIn(lease.rate, window).value / 2);
  EXPECT_GT(Report(kSend).drops[SLUICE_DROP_RATE].packets, 0u);
  ASSERT_TRUE(Do([](Datapath& d) { return d.Close(kSend); }).ok());
  ASSERT_TRUE(Do([](Datapath& d) { return d.Remove(); }).ok());
}

TEST_F(TcDatapathTest, WithoutRightsTheErrorSaysWhatToDo) {
  const pid_t child = fork();
  if (child == 0) {
    const bool dropped = setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0;
    const auto kernel = GateKernel::Load({});
    const bool says =
        absl::IsPermissionDenied(kernel.status()) &&
        std::string(kernel.status().message()).find("run as root") != std::string::npos;
    _exit(dropped && says ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

// A raw frame out of eth0 of a namespace.
void SendRaw(const TestNamespace& from, const std::string& frame) {
  from.In([&] {
    const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(3));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(if_nametoindex("eth0"));
    EXPECT_EQ(sendto(fd, frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&address),
                     sizeof(address)),
              static_cast<ssize_t>(frame.size()))
        << std::strerror(errno);
    close(fd);
  });
}

TEST_F(TcDatapathTest, FramesCutShortAreRefused) {
  StartWithRoutes();
  const std::string v4 = Ipv4("10.1.0.2", "10.2.0.2", Udp(1, 2, 9));
  const std::string v6 = Ipv6("fd00:1::2", "fd00:2::2", Udp(1, 2, 9));
  // The kernel may take its time to deliver; at least `wanted` are waited for.
  const auto drops = [&](sluice_drop_reason reason, uint64_t wanted) {
    uint64_t found = 0;
    for (int i = 0; i < 100; ++i) {
      const auto reading = Do([](Datapath& d) { return d.Read(); });
      found = reading.ok() ? reading->unattributed[reason].packets : 0;
      if (found >= wanted) break;
      absl::SleepFor(absl::Milliseconds(50));
    }
    return found;
  };
  for (const size_t size : {1, 19})
    SendRaw(*accelerators_, Ethernet(kIpv4Type, v4.substr(0, size)));
  for (const size_t size : {1, 39})
    SendRaw(*accelerators_, Ethernet(kIpv6Type, v6.substr(0, size)));
  EXPECT_EQ(drops(SLUICE_DROP_MALFORMED, 4), 4u);
  const uint64_t before = drops(SLUICE_DROP_CLEARTEXT, 0);
  for (const size_t size : {1, 19, 27}) SendRaw(*network_, Ethernet(kIpv4Type, v4.substr(0, size)));
  // The network may have something of its own to say meanwhile.
  EXPECT_GE(drops(SLUICE_DROP_CLEARTEXT, before + 3), before + 3);
}

TEST_F(TcDatapathTest, OnlyTunnelFramesReachTheFabric) {
  StartWithRoutes();
  EXPECT_FALSE(node_->Shell("ping -c 1 -W 1 192.0.2.2 >/dev/null"));
  EXPECT_FALSE(network_->Shell("ping -c 1 -W 1 192.0.2.1 >/dev/null"));
  const int listener = network_->In([] {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const sockaddr_storage any = Address("0.0.0.0", 7);
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof(sockaddr_in)), 0);
    return fd;
  });
  const auto reaches = [&](uint16_t port, uint32_t mark) {
    node_->In([&] {
      const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      const sockaddr_storage local = Address("0.0.0.0", port);
      const sockaddr_storage far = Address("192.0.2.2", 7);
      EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&local), sizeof(sockaddr_in)), 0);
      EXPECT_EQ(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)), 0);
      sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&far), sizeof(sockaddr_in));
      close(fd);
    });
    char byte;
    pollfd poller{listener, POLLIN, 0};
    return poll(&poller, 1, 200) > 0 && recv(listener, &byte, 1, 0) == 1;
  };
  EXPECT_TRUE(reaches(51820, 0x1510)) << "and ARP with it";
  EXPECT_TRUE(reaches(51821, 0x1510));
  EXPECT_FALSE(reaches(51820, 0));
  EXPECT_FALSE(reaches(51822, 0x1510));
  close(listener);
}

}  // namespace
}  // namespace sluice::testing
