#include "agent/apply/agent_core.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "agent/apply/addresses.h"
#include "agent/apply/boot.h"
#include "agent/apply/config_codec.h"
#include "base/status.h"
#include "base/strings.h"
#include "wire/fixed_bytes.h"
#include "wire/lease_codec.h"
#include "wire/port_codec.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

constexpr absl::Duration kInspectionInterval = absl::Seconds(1);
constexpr absl::Duration kPeerInterval = absl::Milliseconds(500);
// While one has not answered: so that it is asked again within a second.
constexpr absl::Duration kSilentPeerInterval = absl::Milliseconds(200);
constexpr absl::Duration kCloseRetry = absl::Milliseconds(50);
constexpr size_t kConfigLimit = 64 << 20;

// On tmpfs too: that is written even when the disk is full.
std::vector<std::string> MarkPaths(const AgentCoreConfig& config) {
  std::vector<std::string> paths{config.run_directory + "/" + kTamperMark};
  if (!config.state_directory.empty()) paths.push_back(config.state_directory + "/" + kTamperMark);
  return paths;
}

}  // namespace

AgentCore::AgentCore(AgentCoreConfig config, Parts parts)
    : config_(std::move(config)),
      parts_(parts),
      executor_(parts.datapath, parts.tunnel, parts.routes),
      book_(parts.files, LeaseDirectory()),
      renewals_(config_.random),
      meter_(parts.datapath, parts.routes),
      guard_(parts.files, MarkPaths(config_), config_.random),
      integrity_({parts.tunnel, parts.routes, parts.files, config_.clocks},
                 config_.run_directory + "/boot"),
      keys_(config_.fleet, config_.node, config_.identity, config_.random) {
  desired_.keys = &keys_.wanted();
}

absl::Status AgentCore::Start() {
  SLUICE_RETURN_IF_ERROR(book_.Load(config_.lease_key, config_.boot_nonce));
  SLUICE_RETURN_IF_ERROR(LoadConfig());
  const BootTime now = parts_.clock.Now();
  SLUICE_RETURN_IF_ERROR(executor_.ReadGate(now));
  SLUICE_RETURN_IF_ERROR(executor_.ReadPeers());
  RefreshEndpoints();
  // A kill switch that an earlier run turned on stays until all is closed.
  killed_ = parts_.files.Read(KillPath(), kConfigLimit).ok();
  guard_.Load(now);
  if (guard_.shut()) {
    Outbox nobody;
    spdlog::critical("this node was tampered with ({}); it stays shut until it is readmitted",
                     guard_.Words());
    CutForTamper(nobody);
  } else {
    Adopt(now);
  }
  integrity_.Settle();
  if (!config_.tunnel_fault.empty())
    faults_.Set("link tunnel", StrCat("no link can open: ", config_.tunnel_fault));
  return absl::OkStatus();
}

absl::Status AgentCore::LoadConfig() {
  absl::StatusOr<std::string> data = parts_.files.Read(ConfigPath(), kConfigLimit);
  if (absl::IsNotFound(data.status())) return absl::OkStatus();
  SLUICE_RETURN_IF_ERROR(data.status());
  agent::v1::Config proto;
  if (!proto.ParseFromString(*data)) {
    return absl::DataLossError(StrCat(ConfigPath(), " is not what the agent wrote"));
  }
  absl::StatusOr<NodeConfig> config = NodeConfigFromProto(config_.node, proto);
  if (!config.ok()) {
    return absl::DataLossError(StrCat(ConfigPath(), ": ", ToStd(config.status().message())));
  }
  UseConfig(*std::move(config));
  UseProbeTerms(proto);
  return absl::OkStatus();
}

void AgentCore::UseConfig(NodeConfig config) {
  renewals_.Configure(desired_.config, config);
  desired_.config = std::move(config);
  configured_.clear();
  for (const LinkConfig& link : desired_.config.links) configured_.insert(link.side);
  heartbeats_.SetInterval(desired_.config.heartbeat_interval);
  have_config_ = true;
  dirty_ = true;
}

void AgentCore::Adopt(BootTime now) {
  const auto gate = executor_.actual().gate;
  for (const auto& [side, report] : gate) {
    if (IsOpen(report) && configured_.contains(side)) AdoptSide(report, now);
  }
}

// The gate's word counts: what it holds may be one lease behind the book, if
// the agent died between writing one down and applying it. That newer one is
// forgone, since a restart opens nothing.
void AgentCore::AdoptSide(const LinkReport& report, BootTime now) {
  if (book_.RevokedSequence(report.side) >= report.lease_sequence) return;
  std::optional<Lease> lease = book_.LastLease(report.side);
  if (!lease || lease->sequence != report.lease_sequence) {
    lease.emplace();
    lease->side = report.side;
    lease->sequence = report.lease_sequence;
    lease->rate = kMinRate;
    lease->anchor = now;
    lease->lifetime = report.expires_in;
    lease->volume_limit = report.volume_limit;
  }
  Hold(*lease);
}

void AgentCore::Hold(const Lease& lease) {
  desired_.leases[lease.side] = {lease.sequence, lease.rate, lease.burst, lease.volume_limit,
                                 lease.ExpiresAt()};
  deadman_.Watch(lease.side, lease.ExpiresAt());
  renewals_.Accepted(lease, ReportOf(lease.side).admitted);
  dirty_ = true;
  heartbeats_.Changed();
}

void AgentCore::Drop(const LinkSide& side) {
  desired_.leases.erase(side);
  deadman_.Forget(side);
  renewals_.Ended(side);
  obstacles_.erase(side);
  dirty_ = true;
  heartbeats_.Changed();
}

void AgentCore::OnConnected(Outbox& out) {
  connected_ = true;
  reconnect_ = false;
  RefreshEndpoints();
  reconnect_ = false;
  const BootTime now = parts_.clock.Now();
  faults_.Update("cannot read the gate", executor_.ReadGate(now));
  agent::v1::AgentMessage message;
  agent::v1::Hello& hello = *message.mutable_hello();
  hello.set_boot_nonce(ToWireBytes(config_.boot_nonce));
  hello.set_version(config_.version);
  const absl::StatusOr<PublicKey> key = parts_.tunnel.public_key();
  faults_.Update("cannot read the link tunnel's key", key.status());
  if (key.ok()) {
    hello.set_tunnel_key(ToWireBytes(*key));
    keys_.SetTunnelKey(*key);
  }
  for (const std::string& endpoint : endpoints_) hello.add_fabric_endpoints(endpoint);
  for (const Choice& choice : config_.choices) {
    agent::v1::Capability& capability = *hello.add_capabilities();
    capability.set_name(CleanWords(choice.name));
    capability.set_choice(CleanWords(choice.choice));
    capability.set_reason(CleanWords(choice.reason));
  }
  AddReports(hello);
  if (guard_.shut()) *hello.mutable_tamper() = guard_.mark();
  hello.set_sent_at_ns(parts_.clock.Now().ns);
  out.push_back(std::move(message));
  TellWiring(out);
  heartbeats_.Restart();
  renewals_.Reconnected();
  keys_.Reconnected();
}

void AgentCore::OnDisconnected() { connected_ = false; }

void AgentCore::Tick(Outbox& out) {
  CutExpired(parts_.clock.Now(), out);
  RetryCloses(out);
  const BootTime now = parts_.clock.Now();
  if (guard_.shut()) StayShut(now, out);
  if (now >= next_inspection_) Inspect(now, out);
  if (now >= next_peers_) LookAtPeers(now);
  faults_.Update("cannot read the gate", executor_.ReadGate(now));
  if (dirty_ && have_config_) {
    RunPlan(out);
    // A side that the plan has just routed may have counted before: a request that
    // said 0 would make the controller take the counter for a new one.
    faults_.Update("cannot read the gate", executor_.ReadGate(now));
  }
  if (!connected_) return;
  dirty_ |= keys_.Tick(now, out);
  AskForLeases(now, out);
  if (heartbeats_.Due(now)) SendHeartbeat(now, out);
}

BootTime AgentCore::NextWake() const {
  BootTime next = std::min(next_inspection_, next_peers_);
  if (const auto deadline = deadman_.NextDeadline()) next = std::min(next, *deadline);
  if (guard_.shut() && !cut_done_) next = std::min(next, next_cut_);
  if (!unclosed_.empty()) next = std::min(next, executor_.read_at() + kCloseRetry);
  if (!connected_) return next;
  next = std::min(next, heartbeats_.NextAt());
  if (desired_.deny_all) return next;
  const auto admitted = [this](const LinkSide& side) { return ReportOf(side).admitted; };
  if (const auto at = keys_.NextAt()) next = std::min(next, *at);
  const auto ask = renewals_.NextAt(admitted, parts_.clock.Now());
  return ask ? std::min(next, *ask) : next;
}

void AgentCore::CutExpired(BootTime now, Outbox& out) {
  const std::vector<LinkSide> due = deadman_.Due(now);
  if (due.empty()) return;
  const Executor::Outcome outcome = executor_.Close(due);
  for (const LinkSide& side : due) {
    spdlog::info("{} ({}): the lease has expired", side.link.ToString(), RoleName(side.role));
    Drop(side);
  }
  Digest(outcome, out);
}

void AgentCore::RetryCloses(Outbox& out) {
  if (unclosed_.empty()) return;
  const std::vector<LinkSide> again(unclosed_.begin(), unclosed_.end());
  unclosed_.clear();
  Digest(executor_.Close(again), out);
}

// What nobody announces: a device tampered with, an address that moved.
void AgentCore::Inspect(BootTime now, Outbox& out) {
  next_inspection_ = now + kInspectionInterval;
  const absl::Status verified = parts_.datapath.Verify();
  faults_.Update("the gate is not as it should be; all links are closed", verified);
  intact_ = verified.ok();
  if (config_.integrity_is_tamper && !guard_.shut()) {
    for (const TamperEvent& event : integrity_.Look(verified, now)) OnTamper(event, out);
  }
  if (unclosed_.empty()) faults_.Clear("kill switch");
  RefreshEndpoints();
  dirty_ = true;
}

void AgentCore::LookAtPeers(BootTime now) {
  faults_.Update("cannot read the link tunnel", executor_.ReadPeers());
  for (const std::string& node : executor_.keyless()) keys_.Lost(node);
  next_peers_ = now + (executor_.awaits_answer() ? kSilentPeerInterval : kPeerInterval);
  dirty_ |= !executor_.keyless().empty() ||
            std::ranges::any_of(executor_.actual().peers, &ActualPeer::unanswered);
}

// Those who share a lease with us, and nobody else, have keys with us.
void AgentCore::TendKeys(BootTime now) {
  std::set<std::string> nodes;
  for (const auto& [side, terms] : desired_.leases) nodes.insert(FarNode(side));
  keys_.Need(nodes, now);
}

void AgentCore::RunPlan(Outbox& out) {
  dirty_ = false;
  desired_.deny_all = killed_ || !intact_ || guard_.shut() || !config_.tunnel_fault.empty() ||
                      fleet_tunnel() != config_.tunnel;
  const BootTime now = parts_.clock.Now();
  TendKeys(now);
  ActionPlan plan = Reconcile(desired_, executor_.actual(), now);
  Executor::Outcome outcome = executor_.Execute(plan, now);
  if (!plan.actions.empty()) next_peers_ = std::min(next_peers_, now + kSilentPeerInterval);
  std::map<LinkSide, std::string> obstacles = std::move(plan.obstacles);
  obstacles.merge(outcome.obstacles);
  if (obstacles != obstacles_) heartbeats_.Changed();
  obstacles_ = std::move(obstacles);
  if (outcome.configured && applied_generation_ != desired_.config.generation) {
    applied_generation_ = desired_.config.generation;
    heartbeats_.Changed();
  }
  const bool all_closed = !outcome.kill_switch && outcome.not_closed.empty();
  Digest(outcome, out);
  for (const std::string& node : outcome.keyed) keys_.Installed(node, out);
  // A lease that comes now must not find the keys of a peer that was removed: ESP's packet
  // numbers would begin anew under them.
  for (const std::string& node : outcome.needs_key) keys_.Lost(node);
  // What was dropped needs no second plan: it was this plan that closed it.
  if (all_closed) dirty_ = false;
  if (killed_ && all_closed && unclosed_.empty() && !guard_.shut()) Unkill();
}

void AgentCore::Digest(const Executor::Outcome& outcome, Outbox& out) {
  const BootTime now = parts_.clock.Now();
  for (const LinkReport& report : outcome.closed) {
    Drop(report.side);
    SendClosed(report, out);
  }
  for (const LinkSide& side : outcome.not_closed) {
    Drop(side);
    unclosed_.insert(side);
  }
  for (const std::string& fault : outcome.faults) faults_.Event(fault, now);
  if (!outcome.faults.empty()) heartbeats_.Changed();
  if (outcome.kill_switch || !outcome.not_closed.empty()) NoteKilled();
}

void AgentCore::NoteKilled() {
  if (!killed_) {
    spdlog::critical("a side did not close: the kill switch stops all traffic");
    const absl::Status s = parts_.files.WriteDurably(KillPath(), "a side did not close\n");
    faults_.Update("cannot note the kill switch", s);
  }
  killed_ = true;
  dirty_ = true;
  faults_.Set("kill switch", "kill switch on: a side did not close; all traffic is stopped");
}

void AgentCore::Unkill() {
  const absl::Status s = parts_.datapath.SetKillSwitch(false);
  faults_.Update("cannot turn the kill switch off", s);
  if (!s.ok()) return;
  killed_ = false;
  dirty_ = true;
  faults_.Clear("kill switch");
  faults_.Update("cannot forget the kill switch", parts_.files.Remove(KillPath()));
}

void AgentCore::AskForLeases(BootTime now, Outbox& out) {
  if (desired_.deny_all || !have_config_) return;
  const auto admitted = [this](const LinkSide& side) { return ReportOf(side).admitted; };
  for (const Renewals::Request& ask : renewals_.Take(admitted, now)) {
    agent::v1::AgentMessage message;
    agent::v1::LeaseRequest& request = *message.mutable_lease_request();
    request.set_request_id(ToWireBytes(ask.id));
    *request.mutable_usage() = ToProto(ReportOf(ask.side));
    request.set_sent_at_ns(now.ns);
    out.push_back(std::move(message));
  }
}

void AgentCore::SendHeartbeat(BootTime now, Outbox& out) {
  agent::v1::AgentMessage message;
  agent::v1::Heartbeat& heartbeat = *message.mutable_heartbeat();
  heartbeat.set_sent_at_ns(now.ns);
  heartbeat.set_applied_generation(applied_generation_);
  AddReports(heartbeat);
  for (const std::string& fault : faults_.List(now)) heartbeat.add_faults(CleanWords(fault));
  *heartbeat.mutable_unattributed() = ToProto(executor_.unattributed());
  // Read here and not with the rest: what the links' reports lag behind by would look like
  // traffic that nobody leased.
  const auto ports = meter_.Take(now);
  faults_.Update("cannot read the counters of the fabric ports", ports.status());
  if (ports.ok()) AddPortCounts(*ports, heartbeat);
  out.push_back(std::move(message));
  heartbeats_.Sent(now);
}

void AgentCore::SendClosed(const LinkReport& report, Outbox& out) {
  finals_[report.side] = report;
  if (!connected_ || report.lease_sequence == 0) return;
  agent::v1::AgentMessage message;
  *message.mutable_lease_closed()->mutable_usage() = ToProto(report);
  out.push_back(std::move(message));
}

void AgentCore::RefreshEndpoints() {
  std::vector<std::string> endpoints;
  std::vector<IpPrefix> networks;
  for (const std::string& port : config_.fabric_ports) {
    const auto addresses = parts_.routes.Addresses(port);
    faults_.Update(StrCat("cannot read the addresses of ", port), addresses.status());
    if (!addresses.ok()) return;
    for (const InterfaceAddress& address : *addresses) {
      endpoints.push_back(Endpoint{address.address, config_.tunnel_port}.ToString());
      networks.push_back(NetworkOf(address));
    }
  }
  if (endpoints == endpoints_ && networks == desired_.fabric_networks) return;
  reconnect_ = connected_;
  endpoints_ = std::move(endpoints);
  desired_.fabric_networks = std::move(networks);
  dirty_ = true;
}

bool AgentCore::TakeReconnect() { return std::exchange(reconnect_, false); }

LinkReport AgentCore::ReportOf(const LinkSide& side) const {
  const auto it = executor_.actual().gate.find(side);
  LinkReport report;
  if (it != executor_.actual().gate.end()) report = it->second;
  report.side = side;
  const auto obstacle = obstacles_.find(side);
  if (obstacle != obstacles_.end()) report.fault = CleanWords(obstacle->second);
  return report;
}

template <typename Message>
void AgentCore::AddReports(Message& message) const {
  for (const auto& [side, report] : executor_.actual().gate) {
    *message.add_links() = ToProto(ReportOf(side));
  }
}

std::vector<std::string> AgentCore::Faults() const { return faults_.List(parts_.clock.Now()); }

}  // namespace sluice
