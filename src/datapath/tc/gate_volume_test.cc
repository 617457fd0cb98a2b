// The count of a slot: exact to the byte, on super-packets, on several CPUs.
#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <random>
#include <thread>
#include <vector>

#include "datapath/tc/packet_testing.h"

namespace sluice::testing {
namespace {

using VolumeTest = GateTest;

__sk_buff Gso(uint32_t size, uint32_t segments = 0) {
  __sk_buff context{};
  context.gso_size = size;
  context.gso_segs = segments;
  return context;
}

TEST_F(VolumeTest, HoldsToTheByte) {
  Open(kSend, 3 * 128);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(Passes("acc_ingress", V4()));
  EXPECT_EQ(Admitted(kSend), 3u * 128);
  EXPECT_TRUE(Refused("acc_ingress", V4(0), kSend, SLUICE_DROP_VOLUME));
  Open(kSend, 4 * 128 - 1);
  EXPECT_TRUE(Refused("acc_ingress", V4(), kSend, SLUICE_DROP_VOLUME));
  EXPECT_TRUE(Passes("acc_ingress", V4(99)));
  EXPECT_EQ(Admitted(kSend), 4u * 128 - 1);
  EXPECT_TRUE(Refused("acc_ingress", V6(), kSend, SLUICE_DROP_VOLUME));
}

TEST_F(VolumeTest, ReceiverHoldsItToo) {
  Open(kReceive, 200);
  EXPECT_TRUE(Passes("acc_egress", BackV4(), FromTunnel()));
  EXPECT_TRUE(Refused("acc_egress", BackV4(), kReceive, SLUICE_DROP_VOLUME, FromTunnel()));
  EXPECT_EQ(Admitted(kReceive), 128u);
}

TEST_F(VolumeTest, LoweredBelowTheCountRefuses) {
  Open(kSend, 1000);
  EXPECT_TRUE(Passes("acc_ingress", V4()));
  Open(kSend, 100);
  EXPECT_TRUE(Refused("acc_ingress", V4(0), kSend, SLUICE_DROP_VOLUME));
}

TEST_F(VolumeTest, HugeLimitsDoNotWrap) {
  Open(kSend, kMaxVolume.value);
  StoreWord(kernel_->slot(kSend).admitted, kMaxVolume.value - 128);
  EXPECT_TRUE(Passes("acc_ingress", V4()));
  EXPECT_TRUE(Refused("acc_ingress", V4(0), kSend, SLUICE_DROP_VOLUME));
}

TEST_F(VolumeTest, TcpSuperPacketsCountAsTheirSegments) {
  Open(kSend, 1'000'000);
  // 3000 bytes in segments of 1000: three headers of 20 + 32.
  EXPECT_TRUE(
      Passes("acc_ingress",
             Ethernet(kIpv4Type, Ipv4("10.1.0.2", "10.2.0.2", Tcp(3000, 32), {.protocol = 6})),
             Gso(1000, 3)));
  EXPECT_EQ(Admitted(kSend), 3000u + 3 * 52);
  EXPECT_EQ(Packets(kSend), 3u);
  // The last segment is shorter; the count of segments is left out, as for
  // packets from a user-space device.
  EXPECT_TRUE(Passes(
      "acc_ingress",
      Ethernet(kIpv6Type, Ipv6("fd00:1::2", "fd00:2::2", Tcp(2001), {.protocol = 6})), Gso(1000)));
  EXPECT_EQ(Admitted(kSend), 3000u + 3 * 52 + 2001 + 3 * 60);
  EXPECT_EQ(Packets(kSend), 6u);
}

TEST_F(VolumeTest, UdpSuperPacketsCountAsTheirSegments) {
  Open(kReceive, 1'000'000);
  __sk_buff context = Gso(500, 5);
  context.ingress_ifindex = kTunnelIndex;
  EXPECT_TRUE(Passes("acc_egress", BackV4(2500), context));
  EXPECT_EQ(Admitted(kReceive), 2500u + 5 * 28);
  EXPECT_EQ(Packets(kReceive), 5u);
}

TEST_F(VolumeTest, OptionsAndExtensionHeadersRepeatInEverySegment) {
  Open(kSend, 1'000'000);
  EXPECT_TRUE(Passes("acc_ingress",
                     Ethernet(kIpv4Type, Ipv4("10.1.0.2", "10.2.0.2", Tcp(2000),
                                              {.protocol = 6, .options = std::string(12, 1)})),
                     Gso(1000)));
  EXPECT_EQ(Admitted(kSend), 2000u + 2 * 52);
  const std::string destination_options("\x06\x00\x01\x04\x00\x00\x00\x00", 8);
  EXPECT_TRUE(Passes("acc_ingress",
                     Ethernet(kIpv6Type, Ipv6("fd00:1::2", "fd00:2::2",
                                              destination_options + Tcp(2000), {.protocol = 60})),
                     Gso(1000)));
  EXPECT_EQ(Admitted(kSend), 2000u + 2 * 52 + 2000u + 2 * 68);
}

TEST_F(VolumeTest, TheJumboHeaderOfASuperPacketIsNotOnTheWire) {
  Open(kSend, 1'000'000);
  const std::string jumbo("\x06\x00\xc2\x04\x00\x01\x00\x00", 8);
  std::string frame =
      Ethernet(kIpv6Type, Ipv6("fd00:1::2", "fd00:2::2", jumbo + Tcp(2000), {.protocol = 0}));
  frame[18] = frame[19] = 0;
  EXPECT_TRUE(Passes("acc_ingress", frame, Gso(1000)));
  EXPECT_EQ(Admitted(kSend), 2000u + 2 * 60);
}

TEST_F(VolumeTest, SuperPacketsThatCannotBeCountedAreRefused) {
  Open(kSend, 1'000'000);
  const auto frame = [](uint8_t protocol, const std::string& payload) {
    return Ethernet(kIpv4Type, Ipv4("10.1.0.2", "10.2.0.2", payload, {.protocol = protocol}));
  };
  EXPECT_TRUE(Refused("acc_ingress", frame(47, std::string(2000, 'x')), 0, SLUICE_DROP_MALFORMED,
                      Gso(1000)));
  EXPECT_TRUE(Refused("acc_ingress", frame(6, Tcp(0)), 0, SLUICE_DROP_MALFORMED, Gso(1000)));
  std::string short_header = frame(6, Tcp(2000));
  short_header[14 + 20 + 12] = 0x40;
  EXPECT_TRUE(Refused("acc_ingress", short_header, 0, SLUICE_DROP_MALFORMED, Gso(1000)));
  EXPECT_EQ(Admitted(kSend), 0u);
}

TEST_F(VolumeTest, ASuperPacketThatDoesNotFitIsRefusedWhole) {
  Open(kSend, 3 * 1040 - 1);
  const std::string frame =
      Ethernet(kIpv4Type, Ipv4("10.1.0.2", "10.2.0.2", Tcp(3000), {.protocol = 6}));
  EXPECT_TRUE(Refused("acc_ingress", frame, kSend, SLUICE_DROP_VOLUME, Gso(1000)));
  Open(kSend, 3 * 1040);
  EXPECT_TRUE(Passes("acc_ingress", frame, Gso(1000)));
}

// Any bytes whatsoever: never more than the limit is admitted, and the count is
// what passed. Seeds are fixed; each prints on failure.
TEST_F(VolumeTest, RandomPacketsNeverExceedTheLimit) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    const uint64_t limit = Admitted(kSend) + random() % 100'000;
    Open(kSend, limit);
    for (int i = 0; i < 300; ++i) {
      const size_t payload = random() % 1500;
      std::string frame = random() % 2 ? V4(payload) : V6(payload);
      if (random() % 3 == 0)
        frame[14 + random() % std::min<size_t>(40, frame.size() - 14)] =
            static_cast<char>(random());
      if (random() % 5 == 0) frame.resize(14 + random() % (frame.size() - 14));
      const __sk_buff context =
          random() % 4 ? __sk_buff{} : Gso(static_cast<uint32_t>(1 + random() % 2000));
      const uint64_t before = Admitted(kSend);
      const auto run = TestRun(kernel_->ProgramFd("acc_ingress").value(), frame, context);
      if (!run.ok()) continue;  // a frame that the kernel's test run does not take
      const uint64_t after = Admitted(kSend);
      ASSERT_LE(after, limit) << "seed " << seed;
      if (run->verdict == TC_ACT_OK && run->context.mark != 0) {
        ASSERT_GT(after, before) << "seed " << seed;
      } else {
        ASSERT_EQ(after, before) << "seed " << seed;
      }
    }
  }
}

// Several CPUs on one slot conserve every byte, and a close is final.
TEST_F(VolumeTest, CpusTogetherConserveBytes) {
  const unsigned cpus = std::min(4u, std::max(2u, std::thread::hardware_concurrency()));
  constexpr uint64_t kPackets = 20'000;
  Open(kSend, kPackets * 128 + 127);
  const int program = kernel_->ProgramFd("acc_ingress").value();
  const std::string frame = V4();
  std::vector<std::thread> threads;
  for (unsigned cpu = 0; cpu < cpus; ++cpu) {
    threads.emplace_back([&, cpu] {
      cpu_set_t set;
      CPU_ZERO(&set);
      CPU_SET(cpu % std::max(1u, std::thread::hardware_concurrency()), &set);
      pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(TestRun(program, frame, {}, 1000).ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Admitted(kSend), kPackets * 128);
  EXPECT_EQ(Packets(kSend), kPackets);
  const Drops drops = ReadDrops(kernel_->drops(kSend));
  EXPECT_EQ(drops[SLUICE_DROP_VOLUME].packets + drops[SLUICE_DROP_CONTENDED].packets,
            cpus * 20'000 - kPackets);
}

TEST_F(VolumeTest, CloseIsFinalWhileOthersSend) {
  Open(kSend, kMaxVolume.value);
  const int program = kernel_->ProgramFd("acc_ingress").value();
  std::atomic<bool> stop = false;
  std::thread sender([&] {
    while (!stop) EXPECT_TRUE(TestRun(program, V4(), {}, 100).ok());
  });
  for (int i = 0; i < 20; ++i) {
    Open(kSend, kMaxVolume.value);
    const uint64_t start = Admitted(kSend);
    while (Admitted(kSend) == start) std::this_thread::yield();
    CloseSlot(kernel_->slot(kSend));
    const uint64_t final_count = Admitted(kSend);
    for (int j = 0; j < 50; ++j) std::this_thread::yield();
    ASSERT_EQ(Admitted(kSend), final_count);
  }
  stop = true;
  sender.join();
}

}  // namespace
}  // namespace sluice::testing
