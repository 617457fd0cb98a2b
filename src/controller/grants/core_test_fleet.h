// A controller core with honest agents around it, for tests: the store is in
// memory, the clock is set by the test, messages arrive when the test says so.
#ifndef SLUICE_CONTROLLER_GRANTS_CORE_TEST_FLEET_H_
#define SLUICE_CONTROLLER_GRANTS_CORE_TEST_FLEET_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "controller/grants/controller_core.h"
#include "controller/store/store_fake.h"
#include "wire/fixed_bytes.h"
#include "wire/join_token.h"
#include "wire/lease_codec.h"
#include "wire/port_codec.h"
#include "wire/report_codec.h"

namespace sluice {

inline constexpr uint64_t kMegabyte = 1'000'000;

// One side of a link at a node's gate.
struct TestGate {
  uint64_t sequence = 0;
  uint64_t admitted = 0;
  uint64_t limit = 0;
  BootTime expires_at;
  bool closed = true;
};

// What an agent does, without a network: it applies leases to its gates as the
// real one would, and reports.
struct TestAgent {
  std::string name;
  IpAddress address;  // inside the control tunnel
  PublicKey control_key{};
  BootNonce boot{};
  absl::Duration clock_offset;  // its boot-time clock, against the controller's
  uint64_t session = 0;
  uint8_t next_request = 1;
  std::map<LinkSide, TestGate> gates;
  std::vector<PortCounts> ports;
  double honesty = 1;  // how much of what its gates count it reports
  std::vector<agent::v1::ControllerMessage> inbox;
};

inline const LinkName kLink{"a1", "b1"};

class TestFleet {
 public:
  TestFleet() {
    config_.fleet = "lab";
    config_.signing_seed = NewSecret();
    config_.endpoint = "192.0.2.1:51819";
    config_.control_key = PublicKey{42};
    config_.machine_boot = "boot-a";
    // Most tests are silent for as long as they like; core_tamper_test is not.
    config_.dark_node = DarkNode::kIgnore;
    Restart();
  }

  // A new core on the same store, as after a crash. Sessions are gone.
  void Restart() {
    core_.reset();
    auto core = ControllerCore::Create(config_, store_, clock_);
    ASSERT_TRUE(core.ok()) << core.status();
    core_ = *std::move(core);
  }

  // Adds a node and enrols its agent.
  void Join(const std::string& name, const std::string& prefix,
            const std::string& enclosure = "east") {
    Effects effects;
    auto added = core_->AddNode(name, enclosure, false, {*ParseIpPrefix(prefix)}, effects);
    ASSERT_TRUE(added.ok()) << added.status();
    const auto token = DecodeJoinToken(added->token);
    ASSERT_TRUE(token.ok()) << token.status();
    TestAgent& agent = agents_[name];
    agent.name = name;
    agent.boot = {static_cast<uint8_t>(++joined_), 1};
    agent.control_key = {static_cast<uint8_t>(joined_), 2};
    agent.clock_offset = absl::Hours(static_cast<int64_t>(agents_.size()));
    auto reply = core_->Enrol(token->address, EnrolRequestOf(agent), effects);
    ASSERT_TRUE(reply.ok()) << reply.status();
    agent.address = *ParseIpAddress(reply->control_address());
  }

  static agent::v1::EnrolRequest EnrolRequestOf(const TestAgent& agent) {
    agent::v1::EnrolRequest request;
    PublicKey identity = agent.control_key;
    identity[31] = 1;
    request.set_identity_key(ToWireBytes(identity));
    request.set_control_key(ToWireBytes(agent.control_key));
    return request;
  }

  TestAgent& agent(const std::string& name) { return agents_.at(name); }
  BootTime AgentNow(const TestAgent& agent) const { return clock_.Now() + agent.clock_offset; }

  agent::v1::LinkReport ReportOf(const TestAgent& agent, const LinkSide& side) const {
    LinkReport report;
    report.side = side;
    if (const auto it = agent.gates.find(side); it != agent.gates.end()) {
      const TestGate& gate = it->second;
      report.lease_sequence = gate.sequence;
      report.admitted =
          Bytes{static_cast<uint64_t>(static_cast<double>(gate.admitted) * agent.honesty)};
      report.volume_limit = Bytes{gate.limit};
      report.expires_in = gate.expires_at - AgentNow(agent);
      report.closed = gate.closed || report.expires_in <= absl::ZeroDuration();
    }
    return ToProto(report);
  }

  // The message reaches the core; what the core sends reaches inboxes.
  absl::Status Deliver(const std::string& name, const agent::v1::AgentMessage& message) {
    Effects effects;
    const absl::Status status = core_->OnMessage(name, agent(name).session, message, effects);
    core_->Flush(effects);
    Take(std::move(effects));
    return status;
  }
  void Take(Effects effects) {
    for (Effects::Send& send : effects.sends)
      if (agents_.contains(send.node)) agent(send.node).inbox.push_back(std::move(send.message));
    ended_.insert(ended_.end(), effects.end_sessions.begin(), effects.end_sessions.end());
  }

  absl::Status Hello(const std::string& name) {
    TestAgent& a = agent(name);
    a.session = ++last_session_;
    a.inbox.clear();
    agent::v1::AgentMessage message;
    agent::v1::Hello& hello = *message.mutable_hello();
    hello.set_boot_nonce(ToWireBytes(a.boot));
    hello.set_version("test");
    PublicKey key = a.control_key;
    key[5] = 5;
    hello.set_tunnel_key(ToWireBytes(key));
    hello.add_fabric_endpoints("192.0.2.7:51820");
    hello.set_sent_at_ns(AgentNow(a).ns);
    for (const auto& [side, gate] : a.gates) *hello.add_links() = ReportOf(a, side);
    const absl::Status status = Deliver(name, message);
    Obey(name);
    return status;
  }

  absl::Status Heartbeat(const std::string& name) {
    TestAgent& a = agent(name);
    agent::v1::AgentMessage message;
    message.mutable_heartbeat()->set_sent_at_ns(AgentNow(a).ns);
    for (const auto& [side, gate] : a.gates)
      *message.mutable_heartbeat()->add_links() = ReportOf(a, side);
    AddPortCounts(a.ports, *message.mutable_heartbeat());
    return Deliver(name, message);
  }

  // All agents' heartbeats and the core's tick, every 200 ms for `d`.
  void Pass(absl::Duration d, bool beat = true) {
    for (absl::Duration done; done < d; done += absl::Milliseconds(200)) {
      clock_.Advance(std::min(absl::Milliseconds(200), d - done));
      for (auto& [name, a] : agents_) {
        if (beat && a.session != 0) (void)Heartbeat(name);
      }
      Effects effects;
      core_->Tick(effects);
      Take(std::move(effects));
    }
  }

  agent::v1::AgentMessage RequestFor(const LinkName& link) {
    TestAgent& a = agent(link.src);
    agent::v1::AgentMessage message;
    agent::v1::LeaseRequest& request = *message.mutable_lease_request();
    request.set_request_id(ToWireBytes(RequestId{a.next_request++, 7}));
    *request.mutable_usage() = ReportOf(a, {link, Role::kSend});
    request.set_sent_at_ns(AgentNow(a).ns);
    return message;
  }

  // Asks for a lease; both ends take what they are sent. The denial, if any.
  std::optional<agent::v1::LeaseDenied> Request(const LinkName& link) {
    clock_.Advance(absl::Milliseconds(1));
    EXPECT_TRUE(Deliver(link.src, RequestFor(link)).ok());
    auto denied = Denial(link.src);
    Obey(link.src);
    Obey(link.dst);
    return denied;
  }
  std::optional<agent::v1::LeaseDenied> Denial(const std::string& name) {
    for (const auto& message : agent(name).inbox)
      if (message.has_denied()) return message.denied();
    return std::nullopt;
  }

  std::vector<Lease> LeasesIn(const std::string& name) {
    std::vector<Lease> leases;
    for (const auto& message : agent(name).inbox) {
      if (!message.has_lease()) continue;
      auto lease = VerifyLease(Ed25519PublicKey(config_.signing_seed), message.lease());
      EXPECT_TRUE(lease.ok()) << lease.status();
      if (lease.ok()) leases.push_back(*std::move(lease));
    }
    return leases;
  }

  // Does what the inbox says: applies leases, closes what is revoked and
  // answers LeaseClosed.
  void Obey(const std::string& name) {
    TestAgent& a = agent(name);
    for (const Lease& lease : LeasesIn(name)) {
      EXPECT_EQ(lease.node, name);
      TestGate& gate = a.gates[lease.side];
      if (lease.boot_nonce != a.boot || lease.sequence <= gate.sequence) continue;
      gate.sequence = lease.sequence;
      gate.limit = lease.volume_limit.value;
      gate.expires_at = lease.ExpiresAt();
      gate.closed = false;
    }
    auto inbox = std::exchange(a.inbox, {});
    for (const auto& message : inbox) {
      if (!message.has_revoke()) continue;
      const LinkSide side{*ParseLinkName(message.revoke().link()),
                          *FromProto(message.revoke().role())};
      TestGate& gate = a.gates[side];
      if (gate.sequence <= message.revoke().sequence()) gate.closed = true;
      agent::v1::AgentMessage closed;
      agent::v1::LinkReport& usage = *closed.mutable_lease_closed()->mutable_usage();
      usage = ReportOf(a, side);
      usage.set_lease_sequence(std::max(gate.sequence, message.revoke().sequence()));
      if (gate.closed && a.session != 0) (void)Deliver(name, closed);
    }
  }

  // Traffic from src to dst; both gates count. Returns what arrived.
  uint64_t Traffic(const LinkName& link, uint64_t wanted) {
    const uint64_t sent = Admit(link.src, {link, Role::kSend}, wanted);
    return Admit(link.dst, {link, Role::kReceive}, sent);
  }
  uint64_t Admit(const std::string& name, const LinkSide& side, uint64_t wanted) {
    TestAgent& a = agent(name);
    TestGate& gate = a.gates[side];
    if (gate.closed || AgentNow(a) >= gate.expires_at || gate.admitted >= gate.limit) return 0;
    const uint64_t bytes = std::min(wanted, gate.limit - gate.admitted);
    gate.admitted += bytes;
    return bytes;
  }

  void Reboot(const std::string& name) {
    TestAgent& a = agent(name);
    ++a.boot[1];
    a.gates.clear();
    a.session = 0;
    a.inbox.clear();
  }

  static Quota MakeQuota(const LinkName& link, uint64_t volume) {
    Quota quota;
    quota.scope = Scope::Link(link);
    quota.rate = BitRate{8 * kMegabyte};
    quota.burst = Bytes{100'000};
    quota.volume = Bytes{volume};
    quota.lease_lifetime = absl::Seconds(10);
    return quota;
  }
  absl::Status SetQuota(const Quota& quota) {
    Effects effects;
    const absl::Status status = core_->SetQuota(quota, effects).status();
    Take(std::move(effects));
    return status;
  }
  QuotaView View(const Scope& scope) const {
    for (const QuotaView& view : core_->Quotas())
      if (view.quota.scope == scope) return view;
    ADD_FAILURE() << scope.ToString() << " has no quota";
    return {};
  }
  LinkView View(const LinkName& link) const {
    for (const LinkView& view : core_->Links(true))
      if (view.link == link) return view;
    ADD_FAILURE() << "no link " << link.ToString();
    return {};
  }

  CoreConfig config_;
  FakeStore store_;
  FakeClock clock_;
  std::unique_ptr<ControllerCore> core_;
  std::map<std::string, TestAgent> agents_;
  std::vector<Effects::EndSession> ended_;
  uint64_t last_session_ = 0;
  int joined_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_GRANTS_CORE_TEST_FLEET_H_
