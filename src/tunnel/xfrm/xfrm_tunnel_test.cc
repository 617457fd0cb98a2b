#include "tunnel/xfrm/xfrm_tunnel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "os/files/files_fake.h"
#include "os/netlink/route_table_fake.h"
#include "os/netlink/xfrm_fake.h"
#include "tunnel/xfrm/test_epochs.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kPath[] = "/run/t/slu0.xfrm";

class XfrmTunnelTest : public ::testing::Test {
 protected:
  XfrmTunnelTest() {
    routes_->sources[*ParseIpAddress("192.0.2.2")] = *ParseIpAddress("192.0.2.1");
    routes_->sources[*ParseIpAddress("192.0.2.3")] = *ParseIpAddress("192.0.2.1");
    routes_->sources[*ParseIpAddress("2001:db8::2")] = *ParseIpAddress("2001:db8::1");
  }
  XfrmTunnelFactory Factory() {
    return XfrmTunnelFactory(files_, "/run/t", clock_,
                             {[&] { return absl::StatusOr<std::shared_ptr<RouteTable>>(routes_); },
                              [&] { return absl::StatusOr<std::shared_ptr<Xfrm>>(xfrm_); }});
  }
  // As after a start of the process; what is in the kernel and on disk stays.
  absl::Status Open(bool configure = true) {
    tunnel_ = nullptr;
    auto opened = Factory().Open("slu0");
    if (!opened.ok()) return opened.status();
    adopted_ = opened->adopted;
    tunnel_ = std::move(opened->tunnel);
    TunnelConfig config;
    config.mark = 0x51;
    config.mtu = 1400;
    return configure ? tunnel_->Configure(config) : absl::OkStatus();
  }
  static TunnelPeer Peer(std::vector<TunnelEpoch> epochs, uint64_t send_epoch,
                         uint8_t fill = 0x11) {
    TunnelPeer peer;
    peer.key.fill(fill);
    peer.endpoint = *ParseEndpoint("192.0.2.2:51820");
    peer.allowed = {*ParseIpPrefix("10.2.0.0/16"), *ParseIpPrefix("fd00:2::/64")};
    peer.epochs = std::move(epochs);
    peer.send_epoch = send_epoch;
    return peer;
  }
  std::vector<uint32_t> Spis() {
    std::vector<uint32_t> spis;
    for (const XfrmSaState& s : xfrm_->sas) spis.push_back(s.sa.spi);
    return spis;
  }
  // What the policies send by.
  std::set<uint32_t> Senders() {
    std::set<uint32_t> spis;
    for (const XfrmPolicy& p : xfrm_->policies) {
      if (p.direction == XfrmDirection::kOut) spis.insert(p.spi);
    }
    return spis;
  }
  TunnelPeerState OnlyPeer() {
    const auto peers = tunnel_->Peers();
    EXPECT_TRUE(peers.ok()) << peers.status();
    return peers.ok() && peers->size() == 1 ? (*peers)[0] : TunnelPeerState();
  }
  void ExpectSilent() {
    EXPECT_THAT(xfrm_->sas, IsEmpty());
    EXPECT_THAT(xfrm_->policies, IsEmpty());
  }

  FakeClock clock_;
  FilesFake files_;
  std::shared_ptr<RouteTableFake> routes_ = std::make_shared<RouteTableFake>();
  std::shared_ptr<XfrmFake> xfrm_ = std::make_shared<XfrmFake>(*routes_, clock_);
  std::unique_ptr<Tunnel> tunnel_;
  bool adopted_ = false;
};

TEST_F(XfrmTunnelTest, MakesADeviceThatKeepsItsName) {
  ASSERT_TRUE(Open().ok());
  EXPECT_FALSE(adopted_);
  EXPECT_EQ(tunnel_->backend(), "xfrm (kernel)");
  EXPECT_THAT(tunnel_->backend_reason(), HasSubstr("AES-256-GCM"));
  EXPECT_TRUE(routes_->devices().at("slu0").up);
  EXPECT_EQ(routes_->devices().at("slu0").mtu, 1400);
  const PublicKey name = *tunnel_->public_key();
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(adopted_);
  EXPECT_EQ(*tunnel_->public_key(), name);
  ExpectSilent();
  EXPECT_EQ(xfrm_->Device("slu0")->alias, ToBase64(name));
}

TEST_F(XfrmTunnelTest, RefusesAKernelThatCannot) {
  const auto reason = [&] {
    const auto probed = Factory().Probe();
    EXPECT_TRUE(absl::IsFailedPrecondition(probed.status())) << probed.status();
    const absl::Status opened = Open();
    EXPECT_EQ(opened, probed.status());
    EXPECT_THAT(routes_->devices(), IsEmpty()) << "nothing is left of the trial";
    return std::string(opened.message());
  };
  xfrm_->device_status = absl::UnimplementedError("unknown device type");
  EXPECT_THAT(reason(), HasSubstr("no xfrm interfaces: unknown device type"));
  xfrm_->device_status = absl::OkStatus();
  xfrm_->sa_status = absl::UnimplementedError("no such AEAD");
  EXPECT_THAT(reason(), HasSubstr("no ESP with AES-256-GCM: no such AEAD"));
  xfrm_->sa_status = absl::OkStatus();
  EXPECT_TRUE(Factory().Probe().ok());
  EXPECT_THAT(routes_->devices(), IsEmpty());
  ExpectSilent();
}

TEST_F(XfrmTunnelTest, TouchesNoDeviceOfOthers) {
  routes_->AddDevice("slu0", "bridge");
  EXPECT_TRUE(absl::IsFailedPrecondition(Open()));
  ASSERT_TRUE(routes_->DeleteDevice("slu0").ok());
  ASSERT_TRUE(xfrm_->CreateDevice("slu0", 5).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Open())) << "it has no alias of ours";
  ASSERT_TRUE(xfrm_->SetAlias("slu0", "uplink").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Open()));
}

TEST_F(XfrmTunnelTest, FinishesADeviceThatWasHalfMade) {
  ASSERT_TRUE(Open().ok());
  const PublicKey name = *tunnel_->public_key();
  ASSERT_TRUE(xfrm_->SetAlias("slu0", "").ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_EQ(*tunnel_->public_key(), name);
}

TEST_F(XfrmTunnelTest, InstallsAPeer) {
  ASSERT_TRUE(Open().ok());
  const absl::Status set = tunnel_->SetPeer(Peer({TestEpoch(3)}, 3));
  ASSERT_TRUE(set.ok()) << set;
  EXPECT_THAT(Spis(), UnorderedElementsAre(0x301, 0x302));
  const XfrmSaState sends = *xfrm_->Find(0x301), receives = *xfrm_->Find(0x302);
  EXPECT_EQ(sends.sa.source.ToString(), "192.0.2.1");
  EXPECT_EQ(sends.sa.destination.ToString(), "192.0.2.2");
  EXPECT_EQ(sends.sa.mark, 0x51U);
  EXPECT_EQ(receives.sa.source.ToString(), "192.0.2.2");
  EXPECT_EQ(receives.sa.mark, 0U);
  EXPECT_EQ(xfrm_->keys[0x301].key.bytes()[0], 6);
  EXPECT_EQ(xfrm_->keys[0x302].key.bytes()[0], 7);
  EXPECT_EQ(xfrm_->keys[0x302].salt, 0x05060708U);
  EXPECT_EQ(xfrm_->policies.size(), 6U) << "two prefixes in three directions";
  for (const XfrmPolicy& policy : xfrm_->policies) {
    const bool out = policy.direction == XfrmDirection::kOut;
    EXPECT_EQ(policy.reqid, sends.sa.reqid);
    EXPECT_EQ(policy.spi, out ? 0x301U : 0U);
    EXPECT_EQ((out ? policy.source : policy.destination).length, 0);
    EXPECT_EQ(policy.outer_source.ToString(), out ? "192.0.2.1" : "192.0.2.2");
  }
  const TunnelPeerState shown = OnlyPeer();
  EXPECT_THAT(shown.peer.allowed,
              UnorderedElementsAre(*ParseIpPrefix("10.2.0.0/16"), *ParseIpPrefix("fd00:2::/64")));
  EXPECT_EQ(shown.peer.endpoint->ToString(), "192.0.2.2:51820");
  EXPECT_EQ(shown.peer.send_epoch, 3U);
  ASSERT_EQ(shown.peer.epochs.size(), 1U);
  EXPECT_EQ(shown.peer.epochs[0].receive_spi, 0x302U);
  EXPECT_TRUE(shown.last_handshake.has_value());
}

TEST_F(XfrmTunnelTest, KeysAreNeverInTheFile) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(0x20)}, 0x20)).ok());
  EXPECT_THAT(files_.files[kPath], Not(HasSubstr(std::string(3, 0x40))));
  EXPECT_THAT(files_.files[kPath], Not(HasSubstr("QEBA"))) << "base64";
  EXPECT_THAT(files_.files[kPath], Not(HasSubstr("404040"))) << "hex";
}

TEST_F(XfrmTunnelTest, TheLongestPrefixDecides) {
  ASSERT_TRUE(Open().ok());
  TunnelPeer wide = Peer({TestEpoch(3)}, 3);
  wide.allowed = {*ParseIpPrefix("0.0.0.0/0")};
  TunnelPeer narrow = Peer({TestEpoch(4)}, 4, 0x12);
  narrow.allowed = {*ParseIpPrefix("10.2.0.0/24")};
  ASSERT_TRUE(tunnel_->SetPeer(narrow).ok());
  ASSERT_TRUE(tunnel_->SetPeer(wide).ok());
  std::map<uint32_t, uint32_t> priority;
  for (const XfrmPolicy& p : xfrm_->policies) {
    if (p.direction == XfrmDirection::kOut) priority[p.spi] = p.priority;
  }
  EXPECT_LT(priority[0x401], priority[0x301]);
  EXPECT_NE(xfrm_->Find(0x401)->sa.reqid, xfrm_->Find(0x301)->sa.reqid);
}

TEST_F(XfrmTunnelTest, RotatesWithoutAGap) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({KnownEpoch(3), TestEpoch(4)}, 3)).ok());
  EXPECT_THAT(Spis(), UnorderedElementsAre(0x301, 0x302, 0x401, 0x402));
  EXPECT_THAT(Senders(), ElementsAre(0x301)) << "the new one waits";
  xfrm_->log.clear();
  // Nobody has the keys any more but the kernel.
  ASSERT_TRUE(tunnel_->SetPeer(Peer({KnownEpoch(3), KnownEpoch(4)}, 4)).ok());
  EXPECT_THAT(xfrm_->log,
              ElementsAre("update 1025", "send 1025", "send 1025", "await", "delete 769"));
  EXPECT_THAT(Spis(), UnorderedElementsAre(0x302, 0x401, 0x402)) << "it still receives";
  xfrm_->log.clear();
  ASSERT_TRUE(tunnel_->SetPeer(Peer({KnownEpoch(4)}, 4)).ok());
  EXPECT_THAT(xfrm_->log, ElementsAre("await", "delete 770"));
  EXPECT_EQ(OnlyPeer().peer.send_epoch, 4U);
  xfrm_->log.clear();
  ASSERT_TRUE(tunnel_->SetPeer(Peer({KnownEpoch(4)}, 4)).ok());
  EXPECT_THAT(xfrm_->log, IsEmpty()) << "what is as asked for is not touched";
}

TEST_F(XfrmTunnelTest, SendsNothingBeforeItIsTold) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 0)).ok());
  EXPECT_THAT(Senders(), IsEmpty());
  EXPECT_EQ(OnlyPeer().peer.send_epoch, 0U);
  ASSERT_TRUE(tunnel_->SetPeer(Peer({KnownEpoch(3)}, 3)).ok());
  EXPECT_THAT(Senders(), ElementsAre(0x301));
  ASSERT_TRUE(tunnel_->SetPeer(Peer({KnownEpoch(3)}, 0)).ok());
  EXPECT_THAT(Senders(), IsEmpty());
}

TEST_F(XfrmTunnelTest, RefusesEpochsThatItCannotHave) {
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->SetPeer(Peer({KnownEpoch(3)}, 0))));
  EXPECT_TRUE(absl::IsInvalidArgument(tunnel_->SetPeer(Peer({TestEpoch(3)}, 4))));
  EXPECT_TRUE(absl::IsInvalidArgument(tunnel_->SetPeer(Peer({TestEpoch(3), TestEpoch(3)}, 3))));
  EXPECT_TRUE(absl::IsInvalidArgument(tunnel_->SetPeer(Peer({TestEpoch(0)}, 0))));
  TunnelEpoch half = TestEpoch(3);
  half.receive_key = Secret32();
  EXPECT_TRUE(absl::IsInvalidArgument(tunnel_->SetPeer(Peer({half}, 3))));
  TunnelPeer nowhere = Peer({TestEpoch(3)}, 3);
  nowhere.endpoint.reset();
  EXPECT_TRUE(absl::IsInvalidArgument(tunnel_->SetPeer(nowhere)));
  nowhere.endpoint = *ParseEndpoint("198.51.100.1:1");
  EXPECT_TRUE(absl::IsUnavailable(tunnel_->SetPeer(nowhere)));
  ExpectSilent();
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  TunnelEpoch other = KnownEpoch(3);
  other.send_spi = 0x999;
  EXPECT_TRUE(absl::IsInvalidArgument(tunnel_->SetPeer(Peer({other}, 3))));
}

TEST_F(XfrmTunnelTest, AnEpochThatHasEndedDoesNotComeBack) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  ASSERT_TRUE(xfrm_->DeleteSa(xfrm_->Find(0x302)->sa).ok());  // by a limit
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3))));
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(4)}, 4)).ok());
  EXPECT_THAT(Spis(), UnorderedElementsAre(0x401, 0x402));
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3))));
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3))))
      << "nor after a restart";
}

TEST_F(XfrmTunnelTest, AMoveNeedsNewKeys) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  TunnelPeer moved = Peer({TestEpoch(3), TestEpoch(4)}, 4);
  moved.endpoint = *ParseEndpoint("192.0.2.3:51820");
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->SetPeer(moved)));
  EXPECT_THAT(Spis(), UnorderedElementsAre(0x301, 0x302)) << "as it was";
  moved.epochs = {TestEpoch(4)};
  ASSERT_TRUE(tunnel_->SetPeer(moved).ok());
  EXPECT_THAT(Spis(), UnorderedElementsAre(0x401, 0x402));
  EXPECT_EQ(xfrm_->Find(0x401)->sa.destination.ToString(), "192.0.2.3");
  routes_->sources[*ParseIpAddress("192.0.2.3")] = *ParseIpAddress("192.0.2.9");
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->SetPeer(moved))) << "our own address moved";
  moved.endpoint = *ParseEndpoint("[2001:db8::2]:51820");
  moved.epochs = {TestEpoch(5)};
  moved.send_epoch = 5;
  ASSERT_TRUE(tunnel_->SetPeer(moved).ok());
  EXPECT_EQ(xfrm_->Find(0x502)->sa.source.ToString(), "2001:db8::2");
}

TEST_F(XfrmTunnelTest, LimitsCountFromTheCall) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  const PublicKey key = Peer({}, 0).key;
  xfrm_->Find(0x301)->bytes = 500;
  clock_.Advance(absl::Seconds(10));
  ASSERT_TRUE(tunnel_->Limit(key, Role::kSend, {Bytes{1000}, absl::Seconds(20)}).ok());
  EXPECT_EQ(xfrm_->Find(0x301)->sa.limits.bytes, 1500U);
  EXPECT_EQ(xfrm_->Find(0x301)->sa.limits.seconds, 30U);
  EXPECT_EQ(xfrm_->Find(0x302)->sa.limits, XfrmLimits());
  ASSERT_TRUE(tunnel_->Limit(key, Role::kReceive, {Bytes{7}, absl::Seconds(5)}).ok());
  EXPECT_EQ(xfrm_->Find(0x302)->sa.limits.bytes, 7U);
  PublicKey stranger{};
  EXPECT_TRUE(absl::IsNotFound(tunnel_->Limit(stranger, Role::kSend, {})));
  xfrm_->ignores_updates = true;
  EXPECT_TRUE(absl::IsInternal(tunnel_->Limit(key, Role::kSend, {Bytes{9}, absl::Seconds(9)})));
  ASSERT_TRUE(xfrm_->DeleteSa(xfrm_->Find(0x301)->sa).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->Limit(key, Role::kSend, {})));
}

TEST_F(XfrmTunnelTest, ANewEpochTakesTheLimitsOver) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  const PublicKey key = Peer({}, 0).key;
  for (const Role role : {Role::kSend, Role::kReceive}) {
    ASSERT_TRUE(tunnel_->Limit(key, role, {Bytes{1000}, absl::Seconds(60)}).ok());
  }
  xfrm_->Find(0x301)->bytes = 400;
  clock_.Advance(absl::Seconds(20));
  ASSERT_TRUE(tunnel_->SetPeer(Peer({KnownEpoch(3), TestEpoch(4)}, 3)).ok());
  EXPECT_EQ(xfrm_->Find(0x401)->sa.limits.bytes, 600U);
  EXPECT_EQ(xfrm_->Find(0x401)->sa.limits.seconds, 40U);
  EXPECT_EQ(xfrm_->Find(0x402)->sa.limits.bytes, 1000U);
  xfrm_->Find(0x301)->bytes = 900;
  ASSERT_TRUE(tunnel_->SetPeer(Peer({KnownEpoch(3), KnownEpoch(4)}, 4)).ok());
  EXPECT_EQ(xfrm_->Find(0x401)->sa.limits.bytes, 100U) << "as they are when it begins to send";
}

TEST_F(XfrmTunnelTest, RemovalIsReadBack) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  const PublicKey key = Peer({}, 0).key;
  xfrm_->ignores_deletes = true;
  EXPECT_TRUE(absl::IsInternal(tunnel_->RemovePeer(key)));
  EXPECT_TRUE(absl::IsInternal(tunnel_->Destroy()));
  EXPECT_TRUE(absl::IsInternal(tunnel_->SetPeer(Peer({TestEpoch(4)}, 4))));
  xfrm_->ignores_deletes = false;
  EXPECT_TRUE(tunnel_->RemovePeer(key).ok());
  EXPECT_TRUE(tunnel_->RemovePeer(key).ok()) << "removing it again is OK";
  ExpectSilent();
  EXPECT_THAT(*tunnel_->Peers(), IsEmpty());
}

TEST_F(XfrmTunnelTest, RemovesOnePeerOnly) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  TunnelPeer other = Peer({TestEpoch(4)}, 4, 0x12);
  other.allowed = {*ParseIpPrefix("10.3.0.0/16")};
  ASSERT_TRUE(tunnel_->SetPeer(other).ok());
  ASSERT_TRUE(tunnel_->RemovePeer(Peer({}, 0).key).ok());
  EXPECT_THAT(Spis(), UnorderedElementsAre(0x401, 0x402));
  EXPECT_EQ(OnlyPeer().peer.key, other.key);
}

TEST_F(XfrmTunnelTest, WhatIsNotItsOwnEndsAll) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  XfrmSa foreign = xfrm_->Find(0x301)->sa;
  foreign.spi = 0x999;
  ASSERT_TRUE(xfrm_->AddSa(foreign, {}).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->Peers().status()));
  ExpectSilent();
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(4)}, 4)).ok());
  xfrm_->policies[0].reqid = 0;  // as a policy that lets pass reads
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->SetPeer(Peer({KnownEpoch(4)}, 4))));
  ExpectSilent();
}

TEST_F(XfrmTunnelTest, TakesOverWhatTheFileExplains) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(adopted_);
  EXPECT_EQ(OnlyPeer().peer.send_epoch, 3U);
  EXPECT_TRUE(tunnel_->SetPeer(Peer({KnownEpoch(3), TestEpoch(4)}, 4)).ok());
}

TEST_F(XfrmTunnelTest, WithoutItsFileNothingStays) {
  const std::vector<std::function<void()>> losses = {
      [&] { files_.files.erase(kPath); }, [&] { files_.files[kPath] = "rubbish"; },
      [&] { files_.files[kPath] = files_.files[kPath].substr(0, 70); },
      [&] { xfrm_->sas[0].sa.reqid++; }};
  for (const auto& lose : losses) {
    ASSERT_TRUE(Open().ok());
    const PublicKey name = *tunnel_->public_key();
    ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
    lose();
    ASSERT_TRUE(Open().ok());
    ExpectSilent();
    EXPECT_EQ(*tunnel_->public_key(), name) << "that the device keeps";
    ASSERT_TRUE(tunnel_->Destroy().ok());
  }
}

TEST_F(XfrmTunnelTest, AFailureLeavesNothingHalf) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  xfrm_->sa_status = absl::ResourceExhaustedError("no memory");
  EXPECT_FALSE(tunnel_->SetPeer(Peer({KnownEpoch(3), TestEpoch(4)}, 4)).ok());
  EXPECT_THAT(Spis(), UnorderedElementsAre(0x301, 0x302));
  EXPECT_THAT(Senders(), ElementsAre(0x301));
  xfrm_->sa_status = absl::OkStatus();
  xfrm_->policy_status = absl::ResourceExhaustedError("no memory");
  EXPECT_FALSE(tunnel_->SetPeer(Peer({KnownEpoch(3), TestEpoch(5)}, 5)).ok());
  EXPECT_THAT(Senders(), ElementsAre(0x301)) << "what it had goes on";
  xfrm_->policy_status = absl::OkStatus();
  EXPECT_TRUE(tunnel_->SetPeer(Peer({KnownEpoch(3), KnownEpoch(5)}, 5)).ok());
  EXPECT_THAT(Senders(), ElementsAre(0x501));
}

TEST_F(XfrmTunnelTest, WithoutAFileNothingBegins) {
  ASSERT_TRUE(Open().ok());
  files_.FailWrites(absl::ResourceExhaustedError("disk full"));
  EXPECT_FALSE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  ExpectSilent();
}

TEST_F(XfrmTunnelTest, DestroyLeavesNothing) {
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  ASSERT_TRUE(tunnel_->Destroy().ok());
  ExpectSilent();
  EXPECT_THAT(routes_->devices(), IsEmpty());
  EXPECT_FALSE(files_.files.contains(kPath));
  ASSERT_TRUE(Open().ok());
  EXPECT_FALSE(adopted_);
}

TEST_F(XfrmTunnelTest, AnotherMarkIsPutOnAll) {
  ASSERT_TRUE(Open().ok());
  EXPECT_TRUE(Open(/*configure=*/false).ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3))));
  ASSERT_TRUE(Open().ok());
  ASSERT_TRUE(tunnel_->SetPeer(Peer({TestEpoch(3)}, 3)).ok());
  TunnelConfig config;
  config.mark = 0x52;
  ASSERT_TRUE(tunnel_->Configure(config).ok());
  EXPECT_EQ(xfrm_->Find(0x301)->sa.mark, 0x52U);
  EXPECT_EQ(xfrm_->Find(0x302)->sa.mark, 0U);
}

}  // namespace
}  // namespace sluice
