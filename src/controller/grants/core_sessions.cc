// Sessions: Hello, heartbeats, the end.
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "spdlog/spdlog.h"
#include "wire/fixed_bytes.h"
#include "wire/port_codec.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

constexpr int kMaxListed = 32;  // endpoints, capabilities, faults

std::vector<CapabilityView> CapabilitiesOf(const agent::v1::Hello& hello) {
  std::vector<CapabilityView> out;
  for (int i = 0; i < std::min(hello.capabilities_size(), kMaxListed); ++i) {
    const agent::v1::Capability& c = hello.capabilities(i);
    out.push_back({CleanWords(c.name()), CleanWords(c.choice()), CleanWords(c.reason())});
  }
  return out;
}

}  // namespace

absl::Status CoreImpl::OnMessage(const std::string& name, uint64_t session,
                                 const agent::v1::AgentMessage& message, Effects& effects) {
  Node* node = FindNode(name);
  if (node == nullptr)
    return absl::PermissionDeniedError(StrCat("there is no node ", ForMessage(name)));
  if (message.has_hello()) return OnHello(*node, session, message.hello(), effects);
  if (!node->session || node->session->id != session)
    return absl::AbortedError("the session has ended; begin a new one with Hello");
  node->session->heard = clock_.Now();
  node->heard = clock_.Now();
  NoteSpoke(*node);
  switch (message.body_case()) {
    case agent::v1::AgentMessage::kHeartbeat:
      return OnHeartbeat(*node, message.heartbeat(), effects);
    case agent::v1::AgentMessage::kLeaseRequest:
      return OnLeaseRequest(*node, message.lease_request(), effects);
    case agent::v1::AgentMessage::kLeaseClosed:
      return OnLeaseClosed(*node, message.lease_closed(), effects);
    case agent::v1::AgentMessage::kKeyRequest:
      return OnKeyRequest(*node, message.key_request(), effects);
    case agent::v1::AgentMessage::kKeyOffer:
      return OnKeyOffer(*node, message.key_offer(), effects);
    case agent::v1::AgentMessage::kKeyState:
      return OnKeyState(*node, message.key_state(), effects);
    case agent::v1::AgentMessage::kWiring:
      return OnWiring(*node, message.wiring(), effects);
    case agent::v1::AgentMessage::kTamper:
      return OnTamper(*node, message.tamper(), effects);
    default:
      return absl::InvalidArgumentError("the message is of no kind that this controller knows");
  }
}

absl::Status CoreImpl::TakeHelloRecord(Node& node, const agent::v1::Hello& hello) {
  NodeRecord record = node.record;
  SLUICE_ASSIGN_OR_RETURN(record.boot, FromWireBytes<16>("the boot nonce", hello.boot_nonce()));
  SLUICE_ASSIGN_OR_RETURN(record.tunnel_key,
                          FromWireBytes<32>("the tunnel key", hello.tunnel_key()));
  if (hello.fabric_endpoints_size() > kMaxListed)
    return absl::InvalidArgumentError("too many fabric endpoints");
  record.fabric_endpoints.clear();
  for (const std::string& text : hello.fabric_endpoints()) {
    SLUICE_ASSIGN_OR_RETURN(const Endpoint endpoint, ParseEndpoint(text));
    record.fabric_endpoints.push_back(endpoint.ToString());
  }
  node.dirty = node.dirty || !(record == node.record);
  node.record = std::move(record);
  return absl::OkStatus();
}

absl::Status CoreImpl::OnHello(Node& node, uint64_t session, const agent::v1::Hello& hello,
                               Effects& effects) {
  Flush(effects);  // grants belong to the session that asked
  if (node.session && node.session->id >= session)
    return absl::AbortedError("a newer session of the node has taken over");
  if (hello.sent_at_ns() <= 0) return absl::InvalidArgumentError("sent_at_ns is not positive");
  SLUICE_ASSIGN_OR_RETURN(const std::vector<LinkReport> reports, ParseReports(node, hello.links()));
  SLUICE_RETURN_IF_ERROR(TakeHelloRecord(node, hello));
  EndSession(node, absl::AbortedError("a newer session of the node has taken over"), effects);

  const BootTime now = clock_.Now();
  node.session = Session{
      session, *node.record.boot, now, now, now, now, BootTime{hello.sent_at_ns()}, BootTime{}};
  node.heard = now;
  NoteSpoke(node);
  node.version = CleanWords(hello.version());
  node.capabilities = CapabilitiesOf(hello);
  Note("node_connected", Severity::kInfo, Scope::Node(node.record.name),
       StrCat("connected, version ", node.version));
  spdlog::info("node {} is connected, version {}", node.record.name, node.version);

  TakeReboots(node, reports);
  UpdateConfig(node, /*send_always=*/true, effects);
  UpdateConfigsOfPeers(node, effects);
  for (const LinkReport& report : reports) TakeReport(node, report, effects);
  RepeatRecalls(node, effects);
  if (hello.has_tamper()) SLUICE_RETURN_IF_ERROR(OnTamper(node, hello.tamper(), effects));
  RenewReceivers(node, effects);
  return absl::OkStatus();
}

absl::Status CoreImpl::NoteBeat(Session& session, int64_t sent_at_ns) {
  if (sent_at_ns <= session.beat_sent.ns)
    return absl::InvalidArgumentError("sent_at_ns went back within one session");
  session.previous_sent = session.beat_sent;
  session.beat_sent = BootTime{sent_at_ns};
  session.beat_arrived = clock_.Now();
  return absl::OkStatus();
}

absl::Status CoreImpl::OnHeartbeat(Node& node, const agent::v1::Heartbeat& heartbeat,
                                   Effects& effects) {
  SLUICE_ASSIGN_OR_RETURN(const std::vector<LinkReport> reports,
                          ParseReports(node, heartbeat.links()));
  SLUICE_ASSIGN_OR_RETURN(std::vector<PortCounts> ports, PortCountsOf(heartbeat));
  SLUICE_ASSIGN_OR_RETURN(node.unattributed, FromProto(heartbeat.unattributed()));
  SLUICE_RETURN_IF_ERROR(NoteBeat(*node.session, heartbeat.sent_at_ns()));
  node.session->heartbeat_at = clock_.Now();
  node.applied_generation = heartbeat.applied_generation();
  node.faults.clear();
  for (int i = 0; i < std::min(heartbeat.faults_size(), kMaxListed); ++i)
    node.faults.push_back(CleanWords(heartbeat.faults(i)));
  NoteFaults(node);
  for (const LinkReport& report : reports) TakeReport(node, report, effects);
  TakeFlow(node, std::move(ports));
  return absl::OkStatus();
}

absl::Status CoreImpl::OnLeaseClosed(Node& node, const agent::v1::LeaseClosed& closed,
                                     Effects& effects) {
  SLUICE_ASSIGN_OR_RETURN(const LinkReport report, ParseReport(node, closed.usage()));
  if (!report.closed)
    return absl::InvalidArgumentError("LeaseClosed reports a lease that is not closed");
  TakeReport(node, report, effects);
  return absl::OkStatus();
}

void CoreImpl::OnSessionEnd(const std::string& name, uint64_t session, Effects& effects) {
  Node* node = FindNode(name);
  if (node == nullptr || !node->session || node->session->id != session) return;
  Note("node_disconnected", Severity::kWarning, Scope::Node(name), "disconnected");
  spdlog::info("node {} is disconnected", name);
  node->session.reset();
  ForgetFlow(*node);
  topology_.Disconnected(name, clock_.Now());
  FollowTopology(effects);
}

void CoreImpl::EndSession(Node& node, absl::Status reason, Effects& effects) {
  if (!node.session) return;
  effects.end_sessions.push_back({node.record.name, node.session->id, std::move(reason)});
  node.session.reset();
  ForgetFlow(node);
  topology_.Disconnected(node.record.name, clock_.Now());
  FollowTopology(effects);
}

}  // namespace sluice
