// Real ESP between two network namespaces; skipped by a kernel that has none.
#include <atomic>
#include <thread>

#include "tunnel/xfrm/root_testing.h"

namespace sluice::testing {
namespace {

TEST_F(XfrmRootTest, CarriesBothFamiliesBothWays) {
  // What leaves a is marked as the tunnel's, or is ARP.
  ASSERT_TRUE(
      a_.ns.Shell("tc -batch - <<'END'\nqdisc add dev fab0 clsact\n"
                  "filter add dev fab0 egress prio 1 protocol arp matchall action ok\n"
                  "filter add dev fab0 egress prio 2 protocol ip handle 0x51 fw action ok\n"
                  "filter add dev fab0 egress prio 3 protocol all matchall action drop\nEND"));
  const Sniffer sniffer(a_.ns);
  Connect();
  for (const bool v6 : {false, true}) {
    EXPECT_EQ(Carries(a_, b_, v6), 3U);
    EXPECT_EQ(Carries(b_, a_, v6), 3U);
  }
  const auto seen = sniffer.Look();
  EXPECT_EQ(seen.esp, 12);
  EXPECT_EQ(seen.clear, 0);
  EXPECT_EQ(seen.other_ip, 0);
  const auto peers = a_.ns.In([&] { return a_.tunnel->Peers(); });
  ASSERT_TRUE(peers.ok()) << peers.status();
  ASSERT_EQ(peers->size(), 1U);
  EXPECT_EQ((*peers)[0].sent_bytes, 3 * (200 + 28) + 3 * (200 + 48)) << "inner bytes";
  EXPECT_EQ((*peers)[0].received_bytes, (*peers)[0].sent_bytes);
  EXPECT_EQ((*peers)[0].peer.allowed.size(), 2U);
}

TEST_F(XfrmRootTest, CarriesBothFamiliesOverIpv6) {
  const Sniffer sniffer(a_.ns);
  Connect(/*v6=*/true);
  for (const bool v6 : {false, true}) {
    EXPECT_EQ(Carries(a_, b_, v6), 3U);
    EXPECT_EQ(Carries(b_, a_, v6), 3U);
  }
  // The longest packet that the device takes is the longest there is: 1400 + 77 < 1480.
  EXPECT_EQ(Carries(a_, b_, true, 1, 1400 - 48), 1U);
  const auto seen = sniffer.Look();
  EXPECT_EQ(seen.esp, 13);
  EXPECT_EQ(seen.clear, 0);
}

// Numbered datagrams from a to b while both change keys again and again.
TEST_F(XfrmRootTest, RotationLosesNothing) {
  Connect();
  ASSERT_EQ(Carries(a_, b_, false), 3U);
  const Sniffer sniffer(a_.ns);
  const Talker sender(a_.ns, 0), receiver(b_.ns, kPort);
  std::atomic<bool> stop = false;
  std::atomic<uint32_t> sent = 0;
  std::thread traffic([&] {
    while (!stop && sent < 20'000) {
      sender.Send("10.7.0.2", sent++);
      usleep(300);
    }
  });
  absl::Status status;
  for (uint64_t next = 2; next <= 6; ++next) status.Update(Rotate(next));
  stop = true;
  traffic.join();
  ASSERT_TRUE(status.ok()) << status;
  const std::multiset<uint32_t> heard = receiver.Heard(1000);
  const std::set<uint32_t> different(heard.begin(), heard.end());
  EXPECT_GT(sent, 200U);
  EXPECT_EQ(heard.size(), sent);
  EXPECT_EQ(different.size(), sent);
  EXPECT_EQ(sniffer.Look().clear, 0);
  EXPECT_EQ(Sas(a_).size(), 2U) << "only the newest epoch";
  for (const Machine* m : {&a_, &b_}) EXPECT_TRUE(CountsNoError(*m));
  RecordProperty("datagrams", static_cast<int>(sent));
}

// Super-packets are cut up by the kernel's IPsec or behind it.
TEST_F(XfrmRootTest, TcpGoesOnThroughRotations) {
  constexpr size_t kBytes = 3 << 20;
  Connect();
  TcpPair tcp(a_, b_);
  std::atomic<bool> done = false;
  std::thread sender([&] { tcp.Send(kBytes); });
  size_t heard = 0;
  std::thread receiver([&] {
    heard = tcp.HearAll();
    done = true;
  });
  absl::Status status;
  uint64_t next = 2;
  for (; next <= 50 && status.ok() && !done; ++next) status.Update(Rotate(next));
  sender.join();
  receiver.join();
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(heard, kBytes);
  EXPECT_GT(next, 3U) << "it lasted through a rotation";
  for (const Machine* m : {&a_, &b_}) EXPECT_TRUE(CountsNoError(*m));
  RecordProperty("rotations", static_cast<int>(next - 2));
}

TEST_F(XfrmRootTest, TheKernelEndsItAtItsVolume) {
  Connect();
  const Sniffer sniffer(a_.ns);
  ASSERT_TRUE(Limit(a_, Role::kSend, 20 * 1000, absl::Hours(1)).ok());
  const size_t carried = Carries(a_, b_, false, 60, 1000 - 28);
  EXPECT_GE(carried, 20U);
  EXPECT_LE(carried, 22U) << "one packet for each processor above the limit";
  EXPECT_EQ(Sa(a_, 0x101).sa.spi, 0U) << "the kernel has deleted it";
  EXPECT_EQ(Carries(a_, b_, false), 0U);
  EXPECT_EQ(sniffer.Look().clear, 0);
  EXPECT_EQ(Carries(b_, a_, false), 3U) << "the other direction goes on";
  ASSERT_TRUE(Limit(a_, Role::kReceive, 10 * 1000, absl::Hours(1)).ok());
  EXPECT_LE(Carries(b_, a_, false, 30, 1000 - 28), 12U) << "the receiver's end";
  EXPECT_EQ(Carries(b_, a_, false), 0U);
  EXPECT_TRUE(Sas(a_).empty());
}

TEST_F(XfrmRootTest, TheKernelEndsItAtItsTime) {
  Connect();
  ASSERT_TRUE(Limit(a_, Role::kSend, 1 << 30, absl::Seconds(3)).ok());
  const BootTime start = clock_.Now();
  EXPECT_EQ(Carries(a_, b_, false), 3U) << "until then it goes on";
  while (Sa(a_, 0x101).sa.spi != 0 && clock_.Now() - start < absl::Seconds(20)) usleep(20'000);
  const absl::Duration lasted = clock_.Now() - start;
  EXPECT_GE(lasted, absl::Milliseconds(2900));
  EXPECT_LE(lasted, absl::Milliseconds(5500));
  RecordProperty("milliseconds", static_cast<int>(lasted / absl::Milliseconds(1)));
  const Sniffer sniffer(a_.ns);
  EXPECT_EQ(Carries(a_, b_, false), 0U);
  EXPECT_EQ(sniffer.Look().clear, 0);
}

TEST_F(XfrmRootTest, ABoundDisturbsNothing) {
  Connect();
  ASSERT_EQ(Carries(a_, b_, false, 10), 10U);
  const XfrmSaState sends = Sa(a_, 0x101), receives = Sa(b_, 0x101);
  EXPECT_EQ(sends.sent_number, 10U);
  EXPECT_EQ(receives.heard_number, 10U);
  ASSERT_TRUE(Limit(a_, Role::kSend, 1 << 20, absl::Hours(1)).ok());
  ASSERT_TRUE(Limit(b_, Role::kReceive, 1 << 20, absl::Hours(1)).ok());
  EXPECT_EQ(Sa(a_, 0x101).sent_number, 10U);
  EXPECT_EQ(Sa(b_, 0x101).heard_number, 10U);
  EXPECT_EQ(Sa(a_, 0x101).bytes, sends.bytes);
  EXPECT_EQ(Sa(a_, 0x101).sa.limits.bytes, sends.bytes + (1 << 20));
  EXPECT_EQ(Carries(a_, b_, false, 10), 10U) << "the key is the same";
  EXPECT_EQ(Sa(a_, 0x101).sent_number, 20U);
  EXPECT_EQ(Sa(b_, 0x101).heard_number, 20U);
}

TEST_F(XfrmRootTest, NothingLeavesInClearWhateverIsMissing) {
  const Sniffer sniffer(a_.ns);
  const auto silent = [&](const char* why) {
    for (const bool v6 : {false, true}) EXPECT_EQ(Carries(a_, b_, v6), 0U) << why;
    const auto seen = sniffer.Look();
    EXPECT_EQ(seen.clear, 0) << why;
    EXPECT_EQ(seen.esp, 0) << why;
    EXPECT_EQ(seen.other_ip, 0) << why;
  };
  silent("neither policy nor SA");
  ASSERT_TRUE(Set(a_, {}, {1}, 0).ok());
  ASSERT_TRUE(Set(b_, {}, {1}, 1).ok());
  silent("an SA and no policy to send by");
  ASSERT_TRUE(Set(a_, {1}, {}, 1).ok());
  EXPECT_EQ(Carries(a_, b_, false), 3U);
  EXPECT_EQ(sniffer.Look().esp, 3);
  ASSERT_TRUE(a_.xfrm->DeleteSa(Sa(a_, 0x101).sa).ok());
  silent("a policy and no SA");
  ASSERT_TRUE(Set(a_, {}, {2}, 2).ok());
  const absl::Status removed = a_.ns.In([&] { return a_.tunnel->RemovePeer(PeerKey(a_)); });
  ASSERT_TRUE(removed.ok()) << removed;
  EXPECT_TRUE(Sas(a_).empty());
  EXPECT_TRUE(a_.ns.In([&] { return a_.tunnel->Peers(); })->empty());
  silent("removed");
}

TEST_F(XfrmRootTest, AnotherKeyCarriesNothing) {
  ASSERT_TRUE(Set(a_, {}, {1}, 1).ok());
  TunnelEpoch wrong = TestEpoch(1, true);
  wrong.receive_key = TestSecret(0x77);
  TunnelPeer peer;
  peer.key.fill(0xa);
  peer.endpoint = *ParseEndpoint(a_.Outer(false));
  peer.allowed = {*ParseIpPrefix(a_.Inner4())};
  peer.epochs = {wrong};
  peer.send_epoch = 1;
  ASSERT_TRUE(b_.ns.In([&] { return b_.tunnel->SetPeer(peer); }).ok());
  EXPECT_EQ(Carries(a_, b_, false), 0U);
  EXPECT_EQ(Sa(b_, 0x101).packets, 0U);
}

TEST_F(XfrmRootTest, APeerCannotUseAnAddressThatIsNotItsOwn) {
  Connect();
  ASSERT_TRUE(b_.ns.Shell("ip addr add 10.7.0.9/24 dev slx0"));
  const Talker own(b_.ns, 0, "10.7.0.2"), stolen(b_.ns, 0, "10.7.0.9"), receiver(a_.ns, kPort);
  stolen.Send("10.7.0.1", 1);
  own.Send("10.7.0.1", 2);
  EXPECT_EQ(receiver.Heard(400), (std::multiset<uint32_t>{2}));
  EXPECT_EQ(Sa(a_, 0x102).packets, 2U) << "both came and were decrypted";
}

TEST_F(XfrmRootTest, TakesARunningTunnelOver) {
  Connect();
  const PublicKey name = *a_.ns.In([&] { return a_.tunnel->public_key(); });
  a_.tunnel.reset();  // as if the agent had been killed
  EXPECT_EQ(Carries(a_, b_, false), 3U) << "the tunnel needs no agent";
  Open(a_, true);
  EXPECT_EQ(*a_.ns.In([&] { return a_.tunnel->public_key(); }), name);
  EXPECT_EQ(Carries(a_, b_, false), 3U);
  ASSERT_TRUE(Set(a_, {1}, {2}, 1).ok()) << "and knows which epoch that is";
  a_.tunnel.reset();
  std::filesystem::remove_all(a_.directory);
  Open(a_, true);
  EXPECT_TRUE(Sas(a_).empty()) << "without its file it keeps nothing";
  EXPECT_EQ(Carries(a_, b_, false), 0U);
}

// What the gate goes by: a packet that comes out of an SA came in by the tunnel device, one
// that goes into it is this machine's own, and the device takes a shaper and a classifier.
TEST_F(XfrmRootTest, PacketsBelongToTheDevice) {
  TestNamespace accelerators;
  ASSERT_TRUE(b_.ns.Shell(
      StrCat("ip link add acc0 type veth peer name eth0 netns ", accelerators.Path(),
             " && ip addr add 10.8.0.1/24 dev acc0 && ip link set acc0 up"
             " && echo 1 >/proc/sys/net/ipv4/ip_forward"
             " && tc -batch - <<'END'\nqdisc add dev slx0 clsact\n"
             "qdisc add dev slx0 root handle 1: htb default 1\n"
             "class add dev slx0 parent 1: classid 1:1 htb rate 100mbit\n"
             "filter add dev slx0 egress matchall action ok\n"
             "qdisc add dev acc0 clsact\n"
             "filter add dev acc0 egress prio 1 protocol ip flower indev slx0 action ok\n"
             "filter add dev acc0 egress prio 2 protocol ip matchall action drop\n"
             "qdisc add dev fab0 clsact\n"
             "filter add dev fab0 egress prio 1 protocol ip flower indev acc0 action drop\n"
             "filter add dev fab0 egress prio 2 protocol ip flower indev slx0 action drop\nEND")));
  ASSERT_TRUE(
      accelerators.Shell("ip addr add 10.8.0.2/24 dev eth0 && ip link set eth0 up"
                         " && ip route add default via 10.8.0.1"));
  ASSERT_TRUE(a_.ns.Shell("ip route add 10.8.0.0/24 dev slx0"));
  more_ = {"10.8.0.0/24"};
  Connect();
  const Talker near(a_.ns, kPort), far(accelerators, kPort);
  near.Send("10.8.0.2", 1);
  EXPECT_EQ(far.Heard(400).size(), 1U) << "b let it out: it had come from slx0";
  far.Send("10.7.0.1", 2);
  EXPECT_EQ(near.Heard(400).size(), 1U) << "ESP comes from no port";
  EXPECT_TRUE(b_.ns.Shell("tc -s class show dev slx0 | grep -q 'Sent [1-9]'")) << "through HTB";
}

}  // namespace
}  // namespace sluice::testing
