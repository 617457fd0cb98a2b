// An agent core on fakes, and a controller's voice to talk to it.
#ifndef SLUICE_AGENT_APPLY_CORE_RIG_TESTING_H_
#define SLUICE_AGENT_APPLY_CORE_RIG_TESTING_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "agent/apply/agent_core.h"
#include "agent/apply/boot.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "datapath/fake/fake_datapath.h"
#include "os/files/files_fake.h"
#include "os/netlink/route_table_fake.h"
#include "tunnel/fake/tunnel_fake.h"
#include "wire/fixed_bytes.h"
#include "wire/lease_codec.h"
#include "wire/report_codec.h"

namespace sluice {

inline const LinkSide kSend{{"a1", "b1"}, Role::kSend};
inline const LinkSide kReceive{{"b1", "a1"}, Role::kReceive};
inline const PublicKey kPeerKey = {0xb1};

inline Secret32 FilledSecret(uint8_t byte) {
  std::array<uint8_t, 32> bytes{};
  bytes.fill(byte);
  return Secret32(bytes);
}

// Node a1, whose links are a1>b1 (it sends) and b1>a1 (it receives).
class CoreRig : public ::testing::Test {
 protected:
  void SetUp() override {
    signing_seed_ = FilledSecret(7);
    peer_.SetTunnelKey(kPeerKey);
    files_.files["/proc/sys/kernel/random/boot_id"] = "boot-1\n";
    routes_.AddDevice("acc0", "veth");
    routes_.AddDevice("fab0", "veth");
    routes_.AddDevice("slu0", "wireguard");
    ASSERT_TRUE(routes_.AddAddress("fab0", {ParseIpAddress("192.0.2.1").value(), 24}).ok());
    TunnelConfig tunnel;
    tunnel.private_key = signing_seed_;
    tunnel_ = std::make_unique<TunnelFake>("slu0", tunnel_device_);
    ASSERT_TRUE(tunnel_->Configure(tunnel).ok());
    Boot();
  }

  // The process starts, on whatever earlier runs left.
  void Boot() {
    datapath_ = std::make_unique<FakeDatapath>(gate_);
    auto booted = StartDatapath(files_, "/run", *datapath_, {}, Counter());
    ASSERT_TRUE(booted.ok()) << booted.status();
    adopted_ = booted->adopted;
    nonce_ = booted->nonce;
    AgentCoreConfig config;
    config.fleet = "f1";
    config.node = "a1";
    config.identity = FilledSecret(1);
    config.lease_key = Ed25519PublicKey(signing_seed_);
    config.boot_nonce = booted->nonce;
    config.version = "1.2.3";
    config.run_directory = "/run";
    config.state_directory = "/state";
    config.integrity_is_tamper = integrity_is_tamper_;
    config.fabric_ports = {"fab0"};
    config.tunnel_port = 51820;
    config.choices = booted->choices;
    config.random = Counter();
    core_ = std::make_unique<AgentCore>(
        config, AgentCore::Parts{clock_, *datapath_, *tunnel_, routes_, files_});
    started_ = core_->Start();
    out_.clear();
  }
  // SIGKILL and a new process.
  void Restart() {
    core_.reset();
    Boot();
    ASSERT_TRUE(started_.ok()) << started_;
    Tick();
  }

  // Deterministic, and never the same twice.
  Renewals::Random Counter() {
    return [this](std::span<uint8_t> out) {
      ++random_;
      for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<uint8_t>(random_ + i + 1);
    };
  }

  void Connect() {
    core_->OnConnected(out_);
    Tick();
  }
  // The core's words about keys go to the controller and to b1, and theirs come back.
  void Tick() {
    core_->Tick(out_);
    while (peer_answers_ && Agree()) core_->Tick(out_);
  }
  bool Agree() {
    const AgentCore::Outbox said = TakeKeyWords();
    for (const agent::v1::AgentMessage& message : said) {
      agent::v1::ControllerMessage to_peer;
      if (message.has_key_request()) BeginEpoch();
      if (message.has_key_offer()) {
        agent::v1::KeyOffer offer = message.key_offer();
        offer.set_peer("a1");
        EXPECT_TRUE(peer_.OnOffer(offer).ok());
      }
      if (message.has_key_state()) {
        agent::v1::KeyState state = message.key_state();
        state.set_peer("a1");
        EXPECT_TRUE(peer_.OnState(state, clock_.Now()).ok());
      }
      peer_.Installed("a1", peer_out_);
      for (agent::v1::AgentMessage& answer : std::exchange(peer_out_, {})) FromPeer(answer);
    }
    return !said.empty();
  }
  AgentCore::Outbox TakeKeyWords() {
    AgentCore::Outbox words;
    AgentCore::Outbox rest;
    for (agent::v1::AgentMessage& message : out_) {
      const bool key =
          message.has_key_request() || message.has_key_offer() || message.has_key_state();
      (key ? words : rest).push_back(std::move(message));
    }
    out_ = std::move(rest);
    return words;
  }
  void BeginEpoch() {
    agent::v1::ControllerMessage message;
    agent::v1::KeyEpoch& epoch = *message.mutable_key_epoch();
    epoch.set_epoch(++epoch_);
    epoch.set_secret(std::string(32, 's'));
    epoch.set_peer("a1");
    epoch.set_peer_identity(ToWireBytes(Ed25519PublicKey(FilledSecret(1))));
    EXPECT_TRUE(peer_.OnEpoch(epoch, clock_.Now(), peer_out_).ok());
    epoch.set_peer("b1");
    epoch.set_peer_identity(ToWireBytes(Ed25519PublicKey(FilledSecret(2))));
    core_->OnMessage(message, out_);
  }
  void FromPeer(const agent::v1::AgentMessage& said) {
    agent::v1::ControllerMessage message;
    if (said.has_key_offer()) *message.mutable_key_offer() = said.key_offer();
    if (said.has_key_state()) *message.mutable_key_state() = said.key_state();
    if (said.has_key_offer()) message.mutable_key_offer()->set_peer("b1");
    if (said.has_key_state()) message.mutable_key_state()->set_peer("b1");
    core_->OnMessage(message, out_);
  }
  // Time passes in small steps, as the owner's loop would see it.
  void Pass(absl::Duration d, absl::Duration step = absl::Milliseconds(10)) {
    for (absl::Duration done; done < d; done += step) {
      clock_.Advance(step);
      Tick();
    }
  }
  // As the loop does it: sleep until the core wants to be woken.
  void PassExactly(absl::Duration d) {
    const BootTime end = clock_.Now() + d;
    while (clock_.Now() < end) {
      const BootTime next = std::min(end, core_->NextWake());
      ASSERT_GT(next, clock_.Now()) << "the core would spin";
      clock_.Advance(next - clock_.Now());
      Tick();
    }
  }

  agent::v1::Config GoodConfig() const {
    agent::v1::Config config;
    config.set_generation(1);
    config.add_accelerator_prefixes("10.1.0.0/24");
    config.set_heartbeat_interval_ns(200'000'000);
    agent::v1::Peer& peer = *config.add_peers();
    peer.set_node("b1");
    peer.add_accelerator_prefixes("10.2.0.0/24");
    peer.set_tunnel_key(ToWireBytes(kPeerKey));
    peer.add_fabric_endpoints("192.0.2.2:51820");
    agent::v1::LinkConfig& send = *config.add_links();
    send.set_link("a1>b1");
    send.set_role(agent::v1::ROLE_SEND);
    send.set_quota_version(1);
    agent::v1::LinkConfig& receive = *config.add_links();
    receive.set_link("b1>a1");
    receive.set_role(agent::v1::ROLE_RECEIVE);
    return config;
  }
  void Configure() { Configure(GoodConfig()); }
  void Configure(const agent::v1::Config& config) {
    agent::v1::ControllerMessage message;
    *message.mutable_config() = config;
    core_->OnMessage(message, out_);
    Tick();
  }

  Lease GoodLease(uint64_t sequence, const LinkSide& side = kSend) const {
    Lease lease;
    lease.fleet = "f1";
    lease.node = "a1";
    lease.boot_nonce = nonce_;
    lease.side = side;
    lease.sequence = sequence;
    lease.request_id = {9, 9, 9};
    lease.rate = BitRate{8'000'000'000};
    lease.burst = Bytes{32'768};
    lease.volume_limit = Bytes{1'000'000};
    lease.anchor = clock_.Now();
    lease.lifetime = absl::Seconds(30);
    return lease;
  }
  void Deliver(const Lease& lease) { Deliver(SignLease(signing_seed_, lease)); }
  void Deliver(const agent::v1::SignedLease& lease) {
    agent::v1::ControllerMessage message;
    *message.mutable_lease() = lease;
    core_->OnMessage(message, out_);
    Tick();
  }
  // Answers the last lease request.
  Lease Grant(uint64_t sequence) {
    Lease lease = GoodLease(sequence);
    lease.request_id = FromWireBytes<16>("id", LastRequest().request_id()).value();
    lease.anchor = BootTime{LastRequest().sent_at_ns()};
    Deliver(lease);
    return lease;
  }
  void Deny(absl::Duration retry_after) {
    agent::v1::ControllerMessage message;
    message.mutable_denied()->set_request_id(LastRequest().request_id());
    message.mutable_denied()->set_link("a1>b1");
    message.mutable_denied()->set_retry_after_ns(absl::ToInt64Nanoseconds(retry_after));
    core_->OnMessage(message, out_);
    Tick();
  }
  void Revoke(const LinkSide& side, uint64_t sequence) {
    agent::v1::ControllerMessage message;
    message.mutable_revoke()->set_link(side.link.ToString());
    message.mutable_revoke()->set_role(ToProto(side.role));
    message.mutable_revoke()->set_sequence(sequence);
    core_->OnMessage(message, out_);
  }
  // Connected, configured, leased (sequence 1) and open.
  void Open() {
    Connect();
    Configure();
    Grant(1);
    ASSERT_TRUE(GateOpen(kSend));
    out_.clear();
  }

  // A packet of that size comes by.
  void Traffic(const LinkSide& side, uint64_t bytes) {
    EXPECT_EQ(gate_.Offer(side, bytes), std::nullopt);
  }
  // Calls of that kind fail until Heal.
  void Fail(FakeDatapath::Call call, const absl::Status& status) {
    datapath_->Fail(call, status, 1'000'000);
  }
  void Heal(FakeDatapath::Call call) { datapath_->Fail(call, absl::OkStatus(), 0); }

  LinkReport Gate(const LinkSide& side) {
    const auto reading = datapath_->Read();
    EXPECT_TRUE(reading.ok());
    for (const LinkReport& report : reading->links) {
      if (report.side == side) return report;
    }
    return {};
  }
  bool GateOpen(const LinkSide& side) { return IsOpen(Gate(side)); }
  bool HasPeer() const { return tunnel_device_->peers.contains(kPeerKey); }

  int Count(agent::v1::AgentMessage::BodyCase kind) const {
    return static_cast<int>(std::count_if(out_.begin(), out_.end(),
                                          [&](const auto& m) { return m.body_case() == kind; }));
  }
  int Requests() const { return Count(agent::v1::AgentMessage::kLeaseRequest); }
  const agent::v1::AgentMessage& Last(agent::v1::AgentMessage::BodyCase kind) const {
    static const agent::v1::AgentMessage kNone;
    for (auto it = out_.rbegin(); it != out_.rend(); ++it) {
      if (it->body_case() == kind) return *it;
    }
    ADD_FAILURE() << "no such message was sent";
    return kNone;
  }
  const agent::v1::LeaseRequest& LastRequest() const {
    return Last(agent::v1::AgentMessage::kLeaseRequest).lease_request();
  }
  const agent::v1::Heartbeat& LastHeartbeat() const {
    return Last(agent::v1::AgentMessage::kHeartbeat).heartbeat();
  }
  const agent::v1::LinkReport& LastClosed() const {
    return Last(agent::v1::AgentMessage::kLeaseClosed).lease_closed().usage();
  }
  std::string Faults() const {
    std::string all;
    for (const std::string& fault : core_->Faults()) all += fault + "\n";
    return all;
  }

  Secret32 signing_seed_;
  BootNonce nonce_{};
  int random_ = 0;
  bool integrity_is_tamper_ = false;  // from the next Boot on
  bool adopted_ = false;
  bool peer_answers_ = true;
  KeyAgreement peer_{"f1", "b1", FilledSecret(2), RandomBytes};
  KeyAgreement::Outbox peer_out_;
  uint64_t epoch_ = 0;
  absl::Status started_;
  FakeClock clock_;
  FakeGate gate_{clock_};
  std::unique_ptr<FakeDatapath> datapath_;
  std::shared_ptr<TunnelDeviceFake> tunnel_device_ = std::make_shared<TunnelDeviceFake>();
  std::unique_ptr<TunnelFake> tunnel_;
  RouteTableFake routes_;
  FilesFake files_;
  std::unique_ptr<AgentCore> core_;
  AgentCore::Outbox out_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_CORE_RIG_TESTING_H_
