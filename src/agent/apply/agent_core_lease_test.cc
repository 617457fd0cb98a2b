// Leases: accepted, refused, renewed, expired, revoked.
#include <gmock/gmock.h>

#include "agent/apply/core_rig_testing.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using AgentMessage = agent::v1::AgentMessage;

class AgentCoreLeaseTest : public CoreRig {
 protected:
  // After Open(): delivers, and says what came of it.
  void ExpectRefused(const Lease& lease, LeaseRefusal why) {
    const uint64_t before = core_->refusals(why);
    const LinkReport was = Gate(kSend);
    Deliver(lease);
    EXPECT_EQ(core_->refusals(why), before + 1);
    EXPECT_EQ(Gate(kSend).lease_sequence, was.lease_sequence);
    EXPECT_EQ(Gate(kSend).volume_limit, was.volume_limit);
    EXPECT_THAT(Faults(), HasSubstr(std::string(LeaseRefusalWords(why))));
  }
};

TEST_F(AgentCoreLeaseTest, WithoutALeaseNothingIsOpen) {
  Connect();
  Configure();
  Pass(absl::Seconds(1));
  EXPECT_FALSE(GateOpen(kSend));
  EXPECT_FALSE(GateOpen(kReceive));
  EXPECT_FALSE(HasPeer());
}

TEST_F(AgentCoreLeaseTest, AskedForAndGrantedItOpensGateAndPeer) {
  Connect();
  Configure();
  ASSERT_EQ(Requests(), 1);
  EXPECT_EQ(LastRequest().usage().link(), "a1>b1");
  EXPECT_EQ(LastRequest().sent_at_ns(), clock_.Now().ns);
  const Lease lease = Grant(1);
  const LinkReport report = Gate(kSend);
  EXPECT_TRUE(IsOpen(report));
  EXPECT_EQ(report.lease_sequence, 1u);
  EXPECT_EQ(report.volume_limit, lease.volume_limit);
  EXPECT_EQ(report.expires_in, lease.ExpiresAt() - clock_.Now());
  ASSERT_TRUE(HasPeer());
  const TunnelPeer& peer = tunnel_device_->peers[kPeerKey].peer;
  EXPECT_EQ(peer.endpoint, ParseEndpoint("192.0.2.2:51820").value());
  EXPECT_THAT(peer.allowed, ::testing::ElementsAre(ParseIpPrefix("10.2.0.0/24").value()));
  EXPECT_FALSE(GateOpen(kReceive));
}

TEST_F(AgentCoreLeaseTest, APushedLeaseOpensTheReceiver) {
  Connect();
  Configure();
  Lease lease = GoodLease(1, kReceive);
  lease.request_id = {};
  Deliver(lease);
  EXPECT_TRUE(GateOpen(kReceive));
  EXPECT_TRUE(HasPeer());
  EXPECT_FALSE(GateOpen(kSend));
}

TEST_F(AgentCoreLeaseTest, RefusesWhatIsNotSignedByTheFleet) {
  Open();
  std::array<uint8_t, 32> other{};
  other.fill(8);
  Deliver(SignLease(Secret32(other), GoodLease(2)));
  EXPECT_EQ(core_->refusals(LeaseRefusal::kNotSigned), 1u);
  agent::v1::SignedLease tampered = SignLease(signing_seed_, GoodLease(2));
  tampered.mutable_lease()->back() ^= 1;
  Deliver(tampered);
  EXPECT_EQ(core_->refusals(LeaseRefusal::kNotSigned), 2u);
  EXPECT_EQ(Gate(kSend).lease_sequence, 1u);
}

TEST_F(AgentCoreLeaseTest, RefusesGarbageThatIsSigned) {
  Open();
  agent::v1::SignedLease garbage;
  garbage.set_lease("\xff\xff not a lease");
  const std::string prefixed = std::string("sluice lease v1\0", 16) + garbage.lease();
  const Signature signature = Ed25519Sign(signing_seed_, prefixed);
  garbage.set_signature(std::string(signature.begin(), signature.end()));
  Deliver(garbage);
  EXPECT_EQ(core_->refusals(LeaseRefusal::kMalformed), 1u);
}

TEST_F(AgentCoreLeaseTest, RefusesForEveryReason) {
  Open();
  Lease lease = GoodLease(2);
  lease.fleet = "f2";
  ExpectRefused(lease, LeaseRefusal::kForeignFleet);
  lease = GoodLease(2, {{"a2", "b1"}, Role::kSend});
  lease.node = "a2";
  ExpectRefused(lease, LeaseRefusal::kForeignNode);
  lease = GoodLease(2);
  lease.boot_nonce[0] ^= 1;
  ExpectRefused(lease, LeaseRefusal::kOtherBoot);
  ExpectRefused(GoodLease(2, {{"a1", "c1"}, Role::kSend}), LeaseRefusal::kUnknownLink);
  lease = GoodLease(2);
  lease.anchor = clock_.Now() + absl::Nanoseconds(1);
  ExpectRefused(lease, LeaseRefusal::kAnchorInFuture);
  lease = GoodLease(2);
  lease.lifetime = absl::Milliseconds(500);
  lease.anchor = clock_.Now() + -lease.lifetime;
  ExpectRefused(lease, LeaseRefusal::kExpired);
  Deliver(GoodLease(5));
  ExpectRefused(GoodLease(4), LeaseRefusal::kNotNewer);
}

TEST_F(AgentCoreLeaseTest, TheSameLeaseTwiceIsCountedButNoFault) {
  Open();
  const Lease lease = GoodLease(2);
  Deliver(lease);
  Deliver(lease);
  EXPECT_EQ(core_->refusals(LeaseRefusal::kNotNewer), 1u);
  EXPECT_THAT(core_->Faults(), IsEmpty());
}

TEST_F(AgentCoreLeaseTest, RefusalsAreToldAndFade) {
  Open();
  Lease lease = GoodLease(2);
  lease.fleet = "f2";
  Deliver(lease);
  Pass(absl::Milliseconds(50));
  ASSERT_EQ(LastHeartbeat().faults_size(), 1);
  EXPECT_THAT(LastHeartbeat().faults(0), HasSubstr("for another fleet: a1>b1"));
  Pass(absl::Seconds(61), absl::Milliseconds(100));
  EXPECT_EQ(LastHeartbeat().faults_size(), 0);
}

TEST_F(AgentCoreLeaseTest, ALeaseThatCannotBeWrittenDownIsNotAccepted) {
  Connect();
  Configure();
  files_.FailWrites(absl::ResourceExhaustedError("no space left on device"));
  Grant(1);
  EXPECT_FALSE(GateOpen(kSend));
  EXPECT_THAT(Faults(), HasSubstr("no space left"));
  files_.FailWrites(absl::OkStatus());
  out_.clear();
  Pass(absl::Milliseconds(300));
  ASSERT_EQ(Requests(), 1);
  Grant(2);
  EXPECT_TRUE(GateOpen(kSend));
  EXPECT_THAT(Faults(), Not(HasSubstr("no space left")));
}

TEST_F(AgentCoreLeaseTest, RenewsAtTwoThirdsOfTheLifetime) {
  Open();
  PassExactly(absl::Seconds(19) + absl::Milliseconds(999));
  EXPECT_EQ(Requests(), 0);
  PassExactly(absl::Milliseconds(1));
  EXPECT_EQ(Requests(), 1);
}

TEST_F(AgentCoreLeaseTest, RenewsAtFourFifthsOfTheVolume) {
  Open();
  Traffic(kSend, 799'000);
  Pass(absl::Seconds(1));
  EXPECT_EQ(Requests(), 0);
  Traffic(kSend, 1'000);
  Pass(absl::Milliseconds(220));
  ASSERT_EQ(Requests(), 1);
  EXPECT_EQ(LastRequest().usage().admitted_bytes(), 800'000u);
}

TEST_F(AgentCoreLeaseTest, RenewalResetsNothing) {
  Open();
  Traffic(kSend, 500'000);
  Lease next = GoodLease(2);
  next.volume_limit = Bytes{2'000'000};
  Deliver(next);
  const LinkReport report = Gate(kSend);
  EXPECT_EQ(report.admitted, Bytes{500'000});
  EXPECT_EQ(report.volume_limit, Bytes{2'000'000});
  EXPECT_EQ(report.lease_sequence, 2u);
  EXPECT_EQ(tunnel_device_->removals, 0);
}

TEST_F(AgentCoreLeaseTest, UnansweredRequestsAreRepeatedUnderTheSameId) {
  Connect();
  Configure();
  const std::string id = LastRequest().request_id();
  Pass(absl::Seconds(10));
  EXPECT_GE(Requests(), 5);
  EXPECT_LE(Requests(), 8);
  EXPECT_EQ(LastRequest().request_id(), id);
  // What is repeated says when it was sent, so the lease it brings is of use.
  EXPECT_GT(LastRequest().sent_at_ns(), (clock_.Now() + absl::Seconds(-3)).ns);
}

TEST_F(AgentCoreLeaseTest, ADenialIsObeyedAndThenAskedAnew) {
  Connect();
  Configure();
  const std::string id = LastRequest().request_id();
  Deny(absl::Seconds(3));
  out_.clear();
  Pass(absl::Milliseconds(2990));
  EXPECT_EQ(Requests(), 0);
  Pass(absl::Milliseconds(20));
  ASSERT_EQ(Requests(), 1);
  EXPECT_NE(LastRequest().request_id(), id);
}

TEST_F(AgentCoreLeaseTest, AChangedQuotaIsAskedForAtOnce) {
  Open();
  agent::v1::Config config = GoodConfig();
  config.set_generation(2);
  config.mutable_links(0)->set_quota_version(2);
  Configure(config);
  EXPECT_EQ(Requests(), 1);
}

TEST_F(AgentCoreLeaseTest, APeerThatComesUpIsReasonToAskAtOnce) {
  Connect();
  agent::v1::Config config = GoodConfig();
  config.mutable_peers(0)->clear_tunnel_key();
  Configure(config);
  Deny(absl::Seconds(60));
  out_.clear();
  config = GoodConfig();
  config.set_generation(2);
  Configure(config);
  EXPECT_EQ(Requests(), 1);
}

TEST_F(AgentCoreLeaseTest, AtExpiryItClosesAndRemovesTheKeyToTheMillisecond) {
  Open();
  const Lease lease = GoodLease(2);
  Deliver(lease);
  core_->OnDisconnected();
  PassExactly(lease.ExpiresAt() - clock_.Now() - absl::Nanoseconds(1));
  EXPECT_TRUE(GateOpen(kSend));
  EXPECT_TRUE(HasPeer());
  PassExactly(absl::Nanoseconds(1));
  EXPECT_TRUE(Gate(kSend).closed);
  EXPECT_FALSE(HasPeer());
}

TEST_F(AgentCoreLeaseTest, AnExpiredLeaseIsReportedClosedWithItsCount) {
  Open();
  Traffic(kSend, 1234);
  Pass(absl::Seconds(31));
  ASSERT_EQ(Count(AgentMessage::kLeaseClosed), 1);
  EXPECT_EQ(LastClosed().link(), "a1>b1");
  EXPECT_EQ(LastClosed().role(), agent::v1::ROLE_SEND);
  EXPECT_EQ(LastClosed().admitted_bytes(), 1234u);
  EXPECT_EQ(LastClosed().lease_sequence(), 1u);
  EXPECT_TRUE(LastClosed().closed());
}

TEST_F(AgentCoreLeaseTest, ThePeerStaysWhileTheOtherDirectionIsOpen) {
  Open();
  Lease back = GoodLease(1, kReceive);
  back.lifetime = absl::Seconds(60);
  Deliver(back);
  Pass(absl::Seconds(31));
  EXPECT_TRUE(Gate(kSend).closed);
  EXPECT_TRUE(HasPeer());
  Pass(absl::Seconds(30));
  EXPECT_FALSE(HasPeer());
}

TEST_F(AgentCoreLeaseTest, ControllerGoneItRunsToTheEndAndRecoversUnaided) {
  Open();
  core_->OnDisconnected();
  PassExactly(absl::Seconds(29));
  EXPECT_TRUE(GateOpen(kSend));
  PassExactly(absl::Seconds(5));
  EXPECT_FALSE(GateOpen(kSend));
  EXPECT_FALSE(HasPeer());
  out_.clear();
  Connect();
  ASSERT_GE(Requests(), 1);
  Grant(2);
  EXPECT_TRUE(GateOpen(kSend));
  EXPECT_TRUE(HasPeer());
}

TEST_F(AgentCoreLeaseTest, WallClockStepsChangeNothing) {
  Open();
  clock_.StepWall(absl::Hours(10'000));
  PassExactly(absl::Seconds(10));
  EXPECT_TRUE(GateOpen(kSend));
  EXPECT_EQ(Requests(), 0);
  clock_.StepWall(-absl::Hours(30'000));
  core_->OnDisconnected();
  PassExactly(absl::Seconds(20) - absl::Nanoseconds(1));
  EXPECT_TRUE(GateOpen(kSend));
  PassExactly(absl::Nanoseconds(1));
  EXPECT_FALSE(GateOpen(kSend));
}

TEST_F(AgentCoreLeaseTest, RevocationClosesAtOnceWithTheExactCount) {
  Open();
  Traffic(kSend, 4321);
  Revoke(kSend, 1);
  EXPECT_TRUE(Gate(kSend).closed);
  EXPECT_FALSE(HasPeer());
  EXPECT_EQ(LastClosed().admitted_bytes(), 4321u);
  EXPECT_EQ(LastClosed().lease_sequence(), 1u);
  EXPECT_TRUE(LastClosed().closed());
}

TEST_F(AgentCoreLeaseTest, WhatIsRevokedOnItsWayIsNeverAccepted) {
  Open();
  Revoke(kSend, 3);
  EXPECT_EQ(LastClosed().lease_sequence(), 3u);
  Deliver(GoodLease(2));
  Deliver(GoodLease(3));
  EXPECT_FALSE(GateOpen(kSend));
  Deliver(GoodLease(4));
  EXPECT_TRUE(GateOpen(kSend));
}

TEST_F(AgentCoreLeaseTest, ALateRevocationLeavesTheNewerLeaseAlone) {
  Open();
  Deliver(GoodLease(5));
  Revoke(kSend, 4);
  EXPECT_TRUE(GateOpen(kSend));
  EXPECT_EQ(Count(AgentMessage::kLeaseClosed), 0);
}

TEST_F(AgentCoreLeaseTest, ARevokedLeaseEndsThoughTheGateHasNotTakenTheNewerOneUp) {
  Open();
  Fail(FakeDatapath::Call::kApply, absl::InternalError("no memory for a class"));
  Deliver(GoodLease(2));
  ASSERT_TRUE(GateOpen(kSend)) << "under lease 1";
  Revoke(kSend, 1);
  EXPECT_FALSE(GateOpen(kSend));
  Heal(FakeDatapath::Call::kApply);
  PassExactly(absl::Seconds(1));
  EXPECT_TRUE(GateOpen(kSend)) << "under lease 2";
}

TEST_F(AgentCoreLeaseTest, RevokingWhatIsClosedIsAnsweredAgain) {
  Open();
  Traffic(kSend, 77);
  Revoke(kSend, 1);
  out_.clear();
  Revoke(kSend, 1);
  EXPECT_EQ(LastClosed().admitted_bytes(), 77u);
}

TEST_F(AgentCoreLeaseTest, ARevocationIsAnsweredOnlyOnceItIsWrittenDown) {
  Open();
  files_.FailWrites(absl::ResourceExhaustedError("the disk is full"));
  Revoke(kSend, 5);
  Revoke(kSend, 5);
  EXPECT_FALSE(GateOpen(kSend));
  EXPECT_EQ(Count(AgentMessage::kLeaseClosed), 0);
  files_.FailWrites(absl::OkStatus());
  Revoke(kSend, 5);
  EXPECT_EQ(LastClosed().lease_sequence(), 5u);
}

TEST_F(AgentCoreLeaseTest, AfterRevocationItAsksAnew) {
  Open();
  Revoke(kSend, 1);
  core_->Tick(out_);
  EXPECT_EQ(Requests(), 1);
}

TEST_F(AgentCoreLeaseTest, RequestsWhoseAnswerIsLostAreRepeatedInTheNextSession) {
  Connect();
  Configure();
  const std::string id = LastRequest().request_id();
  core_->OnDisconnected();
  out_.clear();
  Connect();
  EXPECT_EQ(out_.front().body_case(), AgentMessage::kHello);
  ASSERT_EQ(Requests(), 1);
  EXPECT_EQ(LastRequest().request_id(), id);
}

TEST_F(AgentCoreLeaseTest, NothingIsSentBeforeThePeerHasTheKey) {
  peer_answers_ = false;
  Connect();
  Configure();
  Grant(1);
  EXPECT_FALSE(GateOpen(kSend));
  EXPECT_FALSE(HasPeer());
  ASSERT_EQ(Count(agent::v1::AgentMessage::kKeyRequest), 1);
  PassExactly(absl::Seconds(3));
  EXPECT_EQ(Count(agent::v1::AgentMessage::kKeyRequest), 4) << "once a second";
  EXPECT_THAT(LastHeartbeat().links(0).fault(), HasSubstr("no key yet"));
  out_.clear();
  peer_answers_ = true;
  PassExactly(absl::Seconds(2));
  EXPECT_TRUE(GateOpen(kSend));
  const TunnelPeer& peer = tunnel_device_->peers.at(kPeerKey).peer;
  ASSERT_EQ(peer.epochs.size(), 1u);
  EXPECT_FALSE(peer.epochs[0].preshared.IsZero());
  EXPECT_EQ(peer.send_epoch, peer.epochs[0].number);
}

TEST_F(AgentCoreLeaseTest, ANewEpochReplacesTheOldOneWhileTheLeaseRuns) {
  Open();
  const uint64_t first = tunnel_device_->peers.at(kPeerKey).peer.send_epoch;
  BeginEpoch();
  Tick();
  const TunnelPeer& peer = tunnel_device_->peers.at(kPeerKey).peer;
  EXPECT_EQ(peer.epochs.size(), 2u);
  EXPECT_GT(peer.send_epoch, first);
  PassExactly(absl::Seconds(2));
  ASSERT_EQ(peer.epochs.size(), 1u);
  EXPECT_GT(peer.epochs[0].number, first);
  EXPECT_TRUE(GateOpen(kSend));
  EXPECT_EQ(tunnel_device_->removals, 0);
}

TEST_F(AgentCoreLeaseTest, ANewLeaseAfterARevocationNeedsNewKeys) {
  Open();
  const uint64_t first = tunnel_device_->peers.at(kPeerKey).peer.send_epoch;
  Revoke(kSend, 1);
  EXPECT_FALSE(HasPeer());
  Tick();
  Deliver(GoodLease(2));
  ASSERT_TRUE(HasPeer());
  EXPECT_GT(tunnel_device_->peers.at(kPeerKey).peer.send_epoch, first);
}

TEST_F(AgentCoreLeaseTest, AnAgentThatStartsAnewAsksForNewKeysAndKeepsThePeerMeanwhile) {
  Open();
  const uint64_t first = tunnel_device_->peers.at(kPeerKey).peer.send_epoch;
  Restart();
  EXPECT_TRUE(HasPeer());
  Connect();
  EXPECT_GT(tunnel_device_->peers.at(kPeerKey).peer.send_epoch, first);
  EXPECT_EQ(tunnel_device_->removals, 0);
}

TEST_F(AgentCoreLeaseTest, TheTunnelIsBoundedByTheLease) {
  Open();
  const TunnelLimits& limits = tunnel_device_->limits.at({kPeerKey, Role::kSend});
  EXPECT_EQ(limits.volume, Bytes{1'000'000});
  EXPECT_LE(limits.lifetime, absl::Seconds(30));
  EXPECT_GT(limits.lifetime, absl::Seconds(29));
  Traffic(kSend, 400'000);
  Pass(absl::Seconds(1));
  Lease next = GoodLease(2);
  next.volume_limit = Bytes{1'500'000};
  Deliver(next);
  EXPECT_EQ(limits.volume, Bytes{1'100'000}) << "what is left from now on";
}

TEST_F(AgentCoreLeaseTest, KeysThatTheKernelEndedAreReplaced) {
  tunnel_device_->tells_epochs = true;
  Open();
  TunnelPeer& peer = tunnel_device_->peers.at(kPeerKey).peer;
  const uint64_t first = peer.send_epoch;
  PassExactly(absl::Seconds(2));
  EXPECT_EQ(peer.send_epoch, first);
  peer.epochs.clear();
  PassExactly(absl::Seconds(2));
  ASSERT_EQ(peer.epochs.size(), 1u);
  EXPECT_GT(peer.send_epoch, first);
}

TEST_F(AgentCoreLeaseTest, TheKeysOfARemovedPeerNeverComeBack) {
  Open();
  const uint64_t first = tunnel_device_->peers.at(kPeerKey).peer.send_epoch;
  Fail(FakeDatapath::Call::kVerify, absl::InternalError("a hook is missing"));
  Pass(absl::Seconds(1.1));
  ASSERT_FALSE(HasPeer());
  Deliver(GoodLease(2));  // before the next look finds all well again
  Heal(FakeDatapath::Call::kVerify);
  Pass(absl::Seconds(1.1));
  ASSERT_TRUE(HasPeer());
  EXPECT_GT(tunnel_device_->peers.at(kPeerKey).peer.epochs.front().number, first);
}

TEST_F(AgentCoreLeaseTest, AFleetThatWantsAnotherTunnelClosesAll) {
  Open();
  EXPECT_EQ(core_->fleet_tunnel(), TunnelKind::kWireguard);
  agent::v1::Config config = GoodConfig();
  config.set_generation(2);
  config.set_tunnel("xfrm");
  Configure(config);
  EXPECT_FALSE(GateOpen(kSend));
  EXPECT_FALSE(HasPeer());
  EXPECT_EQ(core_->fleet_tunnel(), TunnelKind::kXfrm);
  config.set_tunnel("stunnel");
  Configure(config);
  EXPECT_EQ(core_->fleet_tunnel(), TunnelKind::kXfrm) << "nonsense changes nothing";
}

}  // namespace
}  // namespace sluice
