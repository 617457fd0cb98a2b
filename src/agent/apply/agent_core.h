// The agent's heart: one object, owned by one thread, that turns the
// controller's messages and the passing of time into what gate, tunnel and
// routes should be, and into messages to send. It has no socket, thread or
// clock of its own, so the simulator runs it as it is.
#ifndef SLUICE_AGENT_APPLY_AGENT_CORE_H_
#define SLUICE_AGENT_APPLY_AGENT_CORE_H_

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "agent/apply/executor.h"
#include "agent/apply/fault_board.h"
#include "agent/apply/lease_book.h"
#include "agent/apply/renewals.h"
#include "agent/apply/tamper_guard.h"
#include "agent/deadman/deadman.h"
#include "agent/keys/key_agreement.h"
#include "agent/meter/fabric_meter.h"
#include "agent/meter/heartbeat_schedule.h"
#include "agent/probe/probe_terms.h"
#include "agent/reconcile/lease_check.h"
#include "agent/reconcile/reconcile.h"
#include "agent/tamper/integrity_check.h"
#include "base/clock.h"
#include "base/secret.h"
#include "datapath/datapath_interface.h"
#include "model/wiring.h"
#include "os/files/files_interface.h"
#include "os/netlink/route_interface.h"
#include "proto/agent.pb.h"
#include "tunnel/tunnel_interface.h"

namespace sluice {

struct AgentCoreConfig {
  std::string fleet;
  std::string node;
  Secret32 identity;      // the node's Ed25519 seed
  PublicKey lease_key{};  // Ed25519, of the controller; from enrolment
  BootNonce boot_nonce{};
  std::string version;
  std::string run_directory;              // on tmpfs; lives as long as the boot
  std::vector<std::string> fabric_ports;  // their addresses are our endpoints
  uint16_t tunnel_port = 0;
  TunnelKind tunnel = TunnelKind::kWireguard;  // that was to be opened
  // Why the link tunnel is of another kind all the same: then nothing may be open.
  std::string tunnel_fault;
  std::vector<Choice> choices;  // what the backends found; goes into Hello
  std::string state_directory;  // survives the boot; empty: nothing is kept there
  // A gate, tunnel, clock or run directory that somebody changed is a tamper event. If not,
  // it is a fault: all is closed, mended and opened again.
  bool integrity_is_tamper = false;
  std::function<ClockReading()> clocks;  // for the integrity check; none: not looked at
  Renewals::Random random = [](std::span<uint8_t> out) { RandomBytes(out); };
};

// Not thread-safe. Nothing that it does waits on the controller.
class AgentCore {
 public:
  using Outbox = std::vector<agent::v1::AgentMessage>;

  // The parts are started and outlive the core.
  struct Parts {
    const Clock& clock;
    Datapath& datapath;
    Tunnel& tunnel;
    RouteTable& routes;
    Files& files;
  };
  AgentCore(AgentCoreConfig config, Parts parts);

  // Takes over what an earlier run of this boot left: its Config, and the
  // leases that the gate still holds. Opens nothing that is not open. Fails
  // with DataLoss if the run directory is not as that run left it; then the
  // caller starts a new boot (boot.h).
  absl::Status Start();

  // The session came up: `out` begins with Hello.
  void OnConnected(Outbox& out);
  // Leases run on to their ends.
  void OnDisconnected();
  // Any message at all: what makes no sense is counted as a fault.
  void OnMessage(const agent::v1::ControllerMessage& message, Outbox& out);
  // Evidence of tampering: before this returns the kill switch is on and all keys are gone,
  // or it is tried again until they are. Only an operator's readmission ends it.
  void OnTamper(const TamperEvent& event, Outbox& out);
  // What the link probes have found; told at once, and after every Hello.
  void OnWiring(NodeWiring wiring, Outbox& out);
  // What a tamper source could not make sense of.
  void OnSensorFault(const std::string& words);
  // Cuts what has run out, asks, reports, repairs. Call after every event and
  // at the latest at NextWake().
  void Tick(Outbox& out);
  BootTime NextWake() const;

  // True once after something in Hello has changed: the caller ends the
  // session, and the next one tells it.
  bool TakeReconnect();

  // True once after a readmission: what still lasts is an event again.
  bool TakeReadmitted();

  // Once after each change: what the link probes may do.
  std::optional<ProbeTerms> TakeProbeTerms() { return std::exchange(probe_terms_, std::nullopt); }

  std::vector<std::string> Faults() const;
  bool shut() const { return guard_.shut(); }
  // What the fleet's links are encrypted by, as far as is known. If the tunnel is of another
  // kind all is closed: the caller opens the right one and starts anew.
  TunnelKind fleet_tunnel() const { return have_config_ ? desired_.config.tunnel : config_.tunnel; }
  bool connected() const { return connected_; }
  uint64_t refusals(LeaseRefusal why) const { return refusals_[static_cast<size_t>(why)]; }
  uint64_t bad_messages() const { return bad_messages_; }

 private:
  void OnConfig(const agent::v1::Config& proto);
  void OnLease(const agent::v1::SignedLease& signed_lease);
  void OnDenied(const agent::v1::LeaseDenied& denied);
  void OnRevoke(const agent::v1::Revoke& revoke, Outbox& out);
  void OnReadmission(const agent::v1::SignedReadmission& signed_words, Outbox& out);
  absl::Status CheckReadmission(const agent::v1::SignedReadmission& signed_words) const;
  std::optional<LeaseRefusal> Check(const Lease& lease) const;
  void Refuse(LeaseRefusal why, std::string_view detail);
  void BadMessage(std::string_view what);
  // Of the key agreement: what does not fit is a bad message.
  void TakeKeyWords(const absl::Status& status);

  absl::Status LoadConfig();
  void Adopt(BootTime now);
  void AdoptSide(const LinkReport& report, BootTime now);
  void UseConfig(NodeConfig config);
  void UseProbeTerms(const agent::v1::Config& proto);
  void TellWiring(Outbox& out) const;
  void Hold(const Lease& lease);
  void Drop(const LinkSide& side);

  void CutExpired(BootTime now, Outbox& out);
  void RetryCloses(Outbox& out);
  void Inspect(BootTime now, Outbox& out);
  void CutForTamper(Outbox& out);
  void StayShut(BootTime now, Outbox& out);
  void TellTamper(Outbox& out) const;
  void LookAtPeers(BootTime now);
  void TendKeys(BootTime now);
  void RunPlan(Outbox& out);
  void Digest(const Executor::Outcome& outcome, Outbox& out);
  void NoteKilled();
  void Unkill();
  void AskForLeases(BootTime now, Outbox& out);
  void SendHeartbeat(BootTime now, Outbox& out);
  void SendClosed(const LinkReport& report, Outbox& out);
  void AnswerRevoke(const LinkSide& side, uint64_t sequence, bool never_leased, Outbox& out);

  void RefreshEndpoints();
  LinkReport ReportOf(const LinkSide& side) const;
  template <typename Message>
  void AddReports(Message& message) const;
  std::string LeaseDirectory() const { return config_.run_directory + "/leases"; }
  std::string ConfigPath() const { return config_.run_directory + "/config"; }
  std::string KillPath() const { return config_.run_directory + "/kill"; }

  const AgentCoreConfig config_;
  const Parts parts_;
  Executor executor_;
  LeaseBook book_;
  Renewals renewals_;
  Deadman deadman_;
  HeartbeatSchedule heartbeats_;
  FabricMeter meter_;
  FaultBoard faults_;
  TamperGuard guard_;
  IntegrityCheck integrity_;
  KeyAgreement keys_;

  bool connected_ = false;
  bool reconnect_ = false;
  Desired desired_;
  std::set<LinkSide> configured_;
  bool have_config_ = false;
  uint64_t applied_generation_ = 0;
  bool dirty_ = true;  // desired changed since the last plan
  BootTime next_inspection_;
  BootTime next_peers_;
  std::vector<std::string> endpoints_;
  std::map<LinkSide, std::string> obstacles_;  // why a held lease carries nothing
  std::set<LinkSide> unclosed_;                // Close failed; tried again until it does not
  std::map<LinkSide, LinkReport> finals_;      // what was last reported closed
  bool intact_ = true;                         // the datapath's Verify said so
  bool killed_ = false;                        // we turned the kill switch on
  bool cut_done_ = false;                      // since the guard was shut
  BootTime next_cut_;                          // until then it is tried again
  bool readmitted_ = false;
  std::optional<ProbeTerms> probe_terms_;
  ProbeInstance probe_instance_{};
  std::map<std::string, PortWiring> wiring_;  // by port, as last found
  std::array<uint64_t, kLeaseRefusals> refusals_{};
  uint64_t bad_messages_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_AGENT_CORE_H_
