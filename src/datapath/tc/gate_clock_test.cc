// The virtual clock: rate, queue, CE marks and departure times.
#include <time.h>

#include "datapath/tc/packet_testing.h"

namespace sluice::testing {
namespace {

uint64_t MonotonicNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

class ClockTest : public GateTest {
 protected:
  // 1000 bytes of IP per packet: 8 ms at 1 Mbit/s.
  static constexpr size_t kPayload = 972;
  static constexpr uint64_t kPacketNs = 8'000'000;

  void OpenClock(ClockWords words, BitRate rate = BitRate{1'000'000},
                 absl::Duration lifetime = absl::Hours(1)) {
    words.cost_q24 = CostQ24(rate);
    StoreWord(kernel_->slot(kSend).next, 0);
    Open(kSend, kMaxVolume.value, lifetime, words);
  }
  BpfTestRun Shape(const IpOptions& o = {}) {
    return Run("tunnel_egress", V4(kPayload, o), Marked(SLUICE_MARK | kSend));
  }
  // Through both programs, as a forwarded packet goes.
  bool Forward(size_t payload = kPayload) {
    if (!Passes("acc_ingress", V4(payload))) return false;
    return Passes("tunnel_egress", V4(payload), Marked(SLUICE_MARK | kSend));
  }
  uint64_t NowNs() { return static_cast<uint64_t>(clock_.Now().ns); }
  uint64_t NextNs() { return LoadWord(kernel_->slot(kSend).next) >> SLUICE_CLOCK_SHIFT; }
};

TEST_F(ClockTest, RefusesBeyondTheQueueWithoutDebit) {
  OpenClock({.queue_ns = 3 * kPacketNs});
  int passed = 0;
  while (passed < 100 && Forward()) ++passed;
  // The queue may be exceeded by the packet that was admitted last, and packets
  // leave while the test runs.
  EXPECT_GE(passed, 4);
  EXPECT_LE(passed, 6);
  const uint64_t admitted = Admitted(kSend);
  EXPECT_TRUE(Refused("acc_ingress", V4(kPayload), kSend, SLUICE_DROP_RATE));
  EXPECT_EQ(Admitted(kSend), admitted);
}

TEST_F(ClockTest, SmallPacketsHaveRoomBesideAFullQueue) {
  OpenClock({.queue_ns = 1000 * kPacketNs});
  const uint64_t queued = NowNs() + 1200 * kPacketNs;
  StoreWord(kernel_->slot(kSend).next, queued << SLUICE_CLOCK_SHIFT);
  EXPECT_TRUE(Refused("acc_ingress", V4(kPayload), kSend, SLUICE_DROP_RATE));
  EXPECT_TRUE(Refused("acc_ingress", V4(SLUICE_SMALL_PACKET - 27), kSend, SLUICE_DROP_RATE));
  EXPECT_TRUE(Passes("acc_ingress", V4(SLUICE_SMALL_PACKET - 28)));
  StoreWord(kernel_->slot(kSend).next, (NowNs() + 1600 * kPacketNs) << SLUICE_CLOCK_SHIFT);
  EXPECT_TRUE(Refused("acc_ingress", V4(20), kSend, SLUICE_DROP_RATE)) << "but not without end";
}

TEST_F(ClockTest, BurstPassesBeforeTheQueueBegins) {
  OpenClock({.burst_ns = 10 * kPacketNs, .queue_ns = 1});
  int passed = 0;
  while (passed < 100 && Forward()) ++passed;
  EXPECT_GE(passed, 11);
  EXPECT_LE(passed, 13);
}

// By both bounds, at every packet, however seldom this thread may run: never more
// than the rate allows, and none refused before that much was admitted.
TEST_F(ClockTest, KeepsTheRateOverAWindow) {
  constexpr BitRate kRate{1'000'000};
  constexpr absl::Duration kBurst = absl::Seconds(2);
  constexpr absl::Duration kQueue = absl::Milliseconds(20);
  const BootTime start = clock_.Now();
  OpenClock({.burst_ns = static_cast<uint64_t>(absl::ToInt64Nanoseconds(kBurst)),
             .queue_ns = static_cast<uint64_t>(absl::ToInt64Nanoseconds(kQueue))},
            kRate);
  int refused = 0;
  while (refused < 50) {
    const uint64_t at_least = BytesIn(kRate, clock_.Now() - start).value;
    if (Forward()) {
      const uint64_t at_most = BytesIn(kRate, clock_.Now() - start + kBurst + kQueue).value + 1000;
      ASSERT_LE(Admitted(kSend), at_most);
    } else {
      ++refused;
      ASSERT_GE(Admitted(kSend), at_least);
      absl::SleepFor(absl::Milliseconds(3));
    }
  }
}

TEST_F(ClockTest, EdtDatesPacketsOneCostApart) {
  kernel_->config().shaper_mode = SLUICE_SHAPER_EDT;
  OpenClock({.queue_ns = 1'000'000'000});
  EXPECT_EQ(Shape().context.tstamp, 0u) << "the first leaves at once";
  const uint64_t before = MonotonicNs();
  const uint64_t second = Shape().context.tstamp;
  EXPECT_GT(second, before);
  EXPECT_LE(second, MonotonicNs() + kPacketNs);
  const uint64_t third = Shape().context.tstamp;
  // Two clocks are read at slightly different times.
  EXPECT_NEAR(static_cast<double>(third - second), kPacketNs, 1'000'000);
  EXPECT_EQ(Shape().context.priority, 0u);
}

// Three segments of 1000 bytes of IP: 24 ms at 1 Mbit/s, as one packet.
struct SuperPacket {
  std::string frame =
      Ethernet(kIpv4Type, Ipv4("10.1.0.2", "10.2.0.2", Tcp(3 * 960), {.protocol = 6}));
  __sk_buff context{};

  SuperPacket() {
    context.mark = SLUICE_MARK | 5;
    context.gso_size = 960;
    context.gso_segs = 3;
  }
};

TEST_F(ClockTest, EdtHoldsASuperPacketUntilTheBurstHasRoom) {
  const SuperPacket super;
  kernel_->config().shaper_mode = SLUICE_SHAPER_EDT;
  // So slow a rate that the time which passes in between is nothing.
  constexpr uint64_t kSecond = 1'000'000'000;
  OpenClock({.burst_ns = 2 * kSecond, .queue_ns = 10 * kSecond, .room_ns = kSecond}, kMinRate);
  EXPECT_EQ(Run("tunnel_egress", super.frame, super.context).context.tstamp, 0u)
      << "as long as the whole burst, which is there";
  // A second of the rate is ahead of now; the room is two seconds too small.
  const uint64_t before = MonotonicNs();
  const uint64_t date = Run("tunnel_egress", super.frame, super.context).context.tstamp;
  EXPECT_GT(date, before + 2 * kSecond);
  EXPECT_LE(date, MonotonicNs() + 3 * kSecond);
}

TEST_F(ClockTest, EdtRefusesASuperPacketThatIsLongerThanTheBurst) {
  const SuperPacket super;
  OpenClock({.burst_ns = kPacketNs, .queue_ns = 1'000'000'000, .room_ns = kPacketNs});
  EXPECT_TRUE(Refused("acc_ingress", super.frame, kSend, SLUICE_DROP_RATE, super.context));
  EXPECT_EQ(Admitted(kSend), 0u);
  OpenClock({.burst_ns = kPacketNs, .queue_ns = 1'000'000'000});
  EXPECT_TRUE(Passes("acc_ingress", super.frame, super.context)) << "what splits it takes it";
}

TEST_F(ClockTest, EdtAdmitsNoSuperPacketThatWouldLeavePastTheLeasesEnd) {
  const SuperPacket super;
  OpenClock({.burst_ns = 2 * kPacketNs, .queue_ns = 1'000'000'000, .room_ns = kPacketNs},
            BitRate{1'000'000}, absl::Milliseconds(100));
  const auto next = static_cast<uint64_t>(clock_.Now().ns) + 90'000'000;
  StoreWord(kernel_->slot(kSend).next, next << SLUICE_CLOCK_SHIFT);
  EXPECT_TRUE(Refused("acc_ingress", super.frame, kSend, SLUICE_DROP_EXPIRED, super.context));
  EXPECT_TRUE(Passes("acc_ingress", V4(kPayload))) << "a packet would still leave in time";
}

// As when other CPUs filled the queue after acc_ingress had looked at it.
TEST_F(ClockTest, EdtRefusesInTheTunnelWhatWouldLeavePastTheLeasesEnd) {
  OpenClock({.queue_ns = 1'000'000'000}, BitRate{1'000'000}, absl::Milliseconds(200));
  const auto next = static_cast<uint64_t>(clock_.Now().ns) + 250'000'000;
  StoreWord(kernel_->slot(kSend).next, next << SLUICE_CLOCK_SHIFT);
  EXPECT_TRUE(Passes("tunnel_egress", V4(kPayload), Marked(SLUICE_MARK | kSend)))
      << "HTB keeps its own time";
  kernel_->config().shaper_mode = SLUICE_SHAPER_EDT;
  EXPECT_TRUE(Refused("tunnel_egress", V4(kPayload), kSend, SLUICE_DROP_EXPIRED,
                      Marked(SLUICE_MARK | kSend)));
}

TEST_F(ClockTest, NoPacketIsDatedPastTheLeasesEnd) {
  OpenClock({.queue_ns = 1'000'000'000}, BitRate{1'000'000}, absl::Milliseconds(200));
  int passed = 0;
  while (passed < 100 && Forward()) ++passed;
  EXPECT_LE(passed, 26);
  EXPECT_GE(passed, 20);
  EXPECT_TRUE(Refused("acc_ingress", V4(kPayload), kSend, SLUICE_DROP_EXPIRED));
}

TEST_F(ClockTest, MarksEcnCapablePacketsBeyondTheThreshold) {
  OpenClock({.queue_ns = 1'000'000'000, .mark_ns = kPacketNs * 3 / 2});
  const auto ecn = [](const BpfTestRun& run) { return run.packet[15] & 3; };
  EXPECT_EQ(ecn(Shape({.tos = 2})), 2);
  EXPECT_EQ(ecn(Shape({.tos = 2})), 2);
  EXPECT_EQ(ecn(Shape({.tos = 2})), 3) << "behind two packets, 16 ms";
  EXPECT_EQ(ecn(Shape({.tos = 1})), 3);
  EXPECT_EQ(ecn(Shape({.tos = 0})), 0) << "not ECN-capable";
  EXPECT_EQ(LoadWord(kernel_->slot(kSend).marked), 2u);
  const BpfTestRun v6 = Run("tunnel_egress", V6(kPayload, {.tos = 2}), Marked(SLUICE_MARK | kSend));
  EXPECT_EQ(v6.packet[15] >> 4 & 3, 3);
}

TEST_F(ClockTest, CostsAreRightFromSlowestToFastest) {
  struct {
    BitRate rate;
    uint64_t packets;
  } const cases[] = {{kMinRate, 1}, {BitRate{1'000'000'000}, 1000}, {kMaxRate, 10'000}};
  for (const auto& c : cases) {
    OpenClock({.queue_ns = uint64_t{1} << 49}, c.rate);
    const uint64_t begin = static_cast<uint64_t>(clock_.Now().ns);
    const auto run = TestRun(kernel_->ProgramFd("tunnel_egress").value(), V4(kPayload),
                             Marked(SLUICE_MARK | kSend), 1);
    ASSERT_TRUE(run.ok());
    // The clock as if all came at one instant, so that only the arithmetic counts.
    const uint64_t first = LoadWord(kernel_->slot(kSend).next);
    const uint64_t cost = first - (static_cast<uint64_t>(clock_.Now().ns) << SLUICE_CLOCK_SHIFT);
    const double want = 1000.0 * 8e9 / static_cast<double>(c.rate.bps);
    const double slack = static_cast<double>(clock_.Now().ns) - static_cast<double>(begin);
    EXPECT_NEAR(static_cast<double>(static_cast<int64_t>(cost)) / 256, want, slack + 1)
        << c.rate.bps;
  }
}

TEST_F(ClockTest, SuperPacketsAtTheSlowestRateDoNotOverflow) {
  OpenClock({.queue_ns = uint64_t{1} << 49}, kMinRate);
  __sk_buff gso = Marked(SLUICE_MARK | kSend);
  gso.gso_size = 1;  // 3000 segments: 3000 bytes of payload, 87,000 on the wire
  const BootTime begin = clock_.Now();
  EXPECT_TRUE(Passes("tunnel_egress", V4(3000), gso));
  const int64_t ahead = static_cast<int64_t>(NextNs()) - begin.ns;
  EXPECT_NEAR(static_cast<double>(ahead), 87'000e6, 1e9);
}

TEST_F(ClockTest, WithoutAQueueLimitTheClockIsCapped) {
  OpenClock({.mark_ns = 1}, kMinRate);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Forward());
  const int64_t ahead = static_cast<int64_t>(NextNs()) - clock_.Now().ns;
  EXPECT_LE(ahead, static_cast<int64_t>(SLUICE_CLOCK_AHEAD_NS));
  EXPECT_GT(ahead, 0);
}

TEST_F(ClockTest, AClockThatIsYearsOldStartsAnew) {
  OpenClock({.queue_ns = kPacketNs});
  const uint64_t now = static_cast<uint64_t>(clock_.Now().ns) << SLUICE_CLOCK_SHIFT;
  // Idle for longer than half the range looks like far in the future.
  StoreWord(kernel_->slot(kSend).next, now + (uint64_t{1} << 62));
  EXPECT_TRUE(Forward());
  EXPECT_LT(static_cast<int64_t>(NextNs()), clock_.Now().ns + 2 * static_cast<int64_t>(kPacketNs));
}

TEST_F(ClockTest, ReceiversHaveNoClock) {
  Open(kReceive, kMaxVolume.value);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Passes("acc_egress", BackV4(1400), FromTunnel()));
  EXPECT_EQ(LoadWord(kernel_->slot(kReceive).next), 0u);
}

}  // namespace
}  // namespace sluice::testing
