// The controller's heart: one object, owned by one thread, that turns events
// (sessions, requests, reports, operator commands, time) into durable decisions
// and messages to send. It has no socket, thread or clock of its own, so the
// simulator runs it as it is.
#ifndef SLUICE_CONTROLLER_GRANTS_CONTROLLER_CORE_H_
#define SLUICE_CONTROLLER_GRANTS_CONTROLLER_CORE_H_

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/secret.h"
#include "controller/store/store_interface.h"
#include "model/change_view.h"
#include "model/fleet_event.h"
#include "model/fleet_view.h"
#include "model/lease.h"
#include "model/prefix.h"
#include "model/quota.h"
#include "model/topology_view.h"
#include "model/tunnel_kind.h"
#include "proto/agent.pb.h"

namespace sluice {

// What becomes of a node that has missed three heartbeats. Its links are closed at both
// ends at once, unless this says kIgnore: then its leases run on to their ends.
enum class DarkNode {
  kIgnore,
  kSuspend,     // … until it speaks again
  kQuarantine,  // … until an operator readmits it, as if it had been tampered with
};

struct CoreConfig {
  std::string fleet;
  Secret32 signing_seed;  // Ed25519; signs leases
  absl::Duration heartbeat = absl::Milliseconds(200);
  double clock_rate_error = 0.001;                            // ρ
  absl::Duration enforcement_delay = absl::Milliseconds(10);  // δ
  absl::Duration token_lifetime = absl::Hours(1);
  // How long a used or expired token still gets an answer that says so.
  absl::Duration token_memory = absl::Hours(24);
  // A session that is silent for so long is ended.
  absl::Duration session_timeout = absl::Seconds(3);
  DarkNode dark_node = DarkNode::kSuspend;
  TunnelKind tunnel = TunnelKind::kWireguard;  // of all links
  // After this long, or when a pair of nodes has carried so much under it, the next epoch
  // of their keys begins.
  absl::Duration key_lifetime = absl::Minutes(10);
  Bytes key_volume{1'000'000'000'000};
  std::string endpoint;       // HOST:PORT of the control tunnel, goes into tokens
  PublicKey control_key{};    // WireGuard public key of the control tunnel
  uint16_t grpc_port = 7443;  // at ControllerAddress(), goes into tokens
  // Tells one boot of this machine from another; empty if unknown. Within one
  // boot the ledger's time goes on while the controller is down.
  std::string machine_boot;
};

// A WireGuard peer that the control tunnel should have.
struct ControlPeer {
  PublicKey key{};
  IpAddress address;
  friend bool operator==(const ControlPeer&, const ControlPeer&) = default;
};

// What the core asks the world to do. The caller does it after the call that
// produced it has returned; by then everything it says is durable.
struct Effects {
  struct Send {
    std::string node;
    agent::v1::ControllerMessage message;
  };
  // Comes after the sends: what was sent to the session before still goes out.
  struct EndSession {
    std::string node;
    uint64_t session = 0;
    absl::Status reason;
  };
  std::vector<Send> sends;
  std::vector<EndSession> end_sessions;
  bool control_peers_changed = false;  // ControlPeers() has a new value
};

// How the controller itself is, for the operator API.
struct ControllerStatus {
  std::string fleet;
  int nodes = 0;
  int online = 0;
  absl::Duration ledger_time;
  absl::Status store;                           // of the last commit
  uint64_t plan_version = 0;                    // 0: there is no plan
  uint64_t wiring_changes = 0;                  // grows with every change of a verdict
  uint64_t findings = 0;                        // about the wiring, that somebody should look into
  std::array<uint64_t, kWireVerdicts> wires{};  // cables of the plan, by verdict
};

inline constexpr size_t kMostRevocations = 100;
inline constexpr size_t kMostEvents = 10'000;
inline constexpr size_t kMostPlans = 100;

// Not thread-safe: one thread owns it.
class ControllerCore {
 public:
  // Loads the store. Fails with DataLoss if it is corrupt, FailedPrecondition
  // if it belongs to another fleet or was made with another signing key. `store` and `clock`
  // outlive the core.
  static absl::StatusOr<std::unique_ptr<ControllerCore>> Create(CoreConfig config, Store& store,
                                                                const Clock& clock);
  virtual ~ControllerCore() = default;

  // Agents. `address` is the caller's address inside the control tunnel.
  virtual absl::StatusOr<agent::v1::EnrolReply> Enrol(const IpAddress& address,
                                                      const agent::v1::EnrolRequest& request,
                                                      Effects& effects) = 0;
  // The node enrolled under `address`; PermissionDenied with words otherwise.
  virtual absl::StatusOr<std::string> NodeAt(const IpAddress& address) const = 0;
  // A message of `node`'s session `session` (ids grow; the first message is Hello,
  // and it ends any earlier session). After an error the session must be ended.
  virtual absl::Status OnMessage(const std::string& node, uint64_t session,
                                 const agent::v1::AgentMessage& message, Effects& effects) = 0;
  virtual void OnSessionEnd(const std::string& node, uint64_t session, Effects& effects) = 0;
  // Makes durable, in one commit, what OnMessage granted since the last call, and adds
  // the leases to `effects`, or denials if it fails. Call it after every OnMessage, or
  // after several at once: a commit costs the same for one grant and for hundreds. Until
  // then no lease is sent, and views show what may yet be taken back.
  virtual void Flush(Effects& effects) = 0;
  // Time passed; call at least every 100 ms.
  virtual void Tick(Effects& effects) = 0;
  // Makes durable what would be with the next ticks; before a clean end.
  virtual void Finish() = 0;

  // Operators. Every change is durable when the call returns OK; when it does
  // not, nothing changed.
  struct NewNode {
    std::string token;
    absl::Duration expires_in;
  };
  // Adds a node or, for one that is there with the same enclosure and role,
  // makes a new token, which withdraws the one before. Without prefixes the
  // node names its own when it enrols.
  virtual absl::StatusOr<NewNode> AddNode(const std::string& name, const std::string& enclosure,
                                          bool gateway, const std::vector<IpPrefix>& prefixes,
                                          Effects& effects) = 0;
  // Revokes its links at both ends, forgets it and every quota on its links.
  virtual absl::Status RemoveNode(const std::string& name, Effects& effects) = 0;
  // Ends a node's being tampered with: durable, and then told to the node.
  virtual absl::Status ReadmitNode(const std::string& name, Effects& effects) = 0;
  // quota.version is ignored; burst 0 means DefaultBurst. A quota on a revoked
  // link restores it. What the new quota does not allow is recalled; that ends when
  // the nodes have closed the leases, or at the end of the longest of them.
  virtual absl::StatusOr<Quota> SetQuota(Quota quota, Effects& effects) = 0;
  virtual absl::Status DeleteQuota(const Scope& scope, Effects& effects) = 0;
  // Closes links at both ends, and keeps them closed until Restore of the same scope: the
  // link, all with an end in the node or enclosure, or all of the fleet. SetQuota restores
  // a link that was revoked by its own name. Gives the id of what Revocations() shows.
  virtual absl::StatusOr<uint64_t> Revoke(const Scope& scope, const std::string& reason,
                                          Effects& effects) = 0;
  virtual absl::Status Restore(const Scope& scope, Effects& effects) = 0;

  // What these changes would do now; their errors where they would fail but for the store.
  virtual absl::StatusOr<ChangeView> PreviewQuota(Quota quota) const = 0;
  virtual absl::StatusOr<ChangeView> PreviewDelete(const Scope& scope) const = 0;
  virtual absl::StatusOr<ChangeView> PreviewRevoke(const Scope& scope) const = 0;

  // Makes this the plan, signed and under the next version; empty: there is none, and nothing
  // is checked. InvalidArgument tells every mistake, with line and column.
  virtual absl::StatusOr<PlanVersion> SetPlan(const std::string& text, Effects& effects) = 0;
  // What a scope's bad verdicts do; none: as the scope around it has it. The narrowest scope of
  // a link counts, and of both ends the stricter; the fleet enforces if nothing is said.
  virtual absl::Status SetWiringPolicy(const Scope& scope, std::optional<WiringPolicy> policy,
                                       Effects& effects) = 0;
  // Has the node at a port of the plan measure what the cable carries at least; Topology() shows
  // it within seconds. Gives the speed that it is held against: the plan's, or 10 Gbit/s.
  virtual absl::StatusOr<BitRate> MeasureCapacity(const PortName& port, Effects& effects) = 0;
  // What SetPlan would do to links now.
  virtual absl::StatusOr<PlanPreview> PreviewPlan(const std::string& text) const = 0;

  // Views, for the operator API.
  virtual TopologyView Topology() const = 0;
  virtual std::vector<PlanVersion> Plans() const = 0;                        // the newest first
  virtual absl::StatusOr<std::string> PlanText(uint64_t version) const = 0;  // 0: the active one
  virtual std::vector<NodeView> Nodes() const = 0;
  virtual std::vector<QuotaView> Quotas() const = 0;
  virtual std::vector<LeaseView> Leases() const = 0;
  // The last kMostRevocations of this process, the newest first.
  virtual std::vector<RevocationView> Revocations() const = 0;
  virtual std::vector<StopView> Stops() const = 0;
  // Of the last kMostEvents operators' changes and as many other events. They outlive the process;
  // one that no operator caused may be lost in a crash within a second.
  virtual EventPage Events(const EventFilter& filter) const = 0;
  virtual uint64_t last_event() const = 0;  // the greatest id; 0: none
  virtual ControllerStatus Status() const = 0;
  // Those with a quota, or all pairs of nodes.
  virtual std::vector<LinkView> Links(bool all_pairs) const = 0;
  // None if an end is no node of the fleet.
  virtual std::optional<LinkView> ViewLink(const LinkName& name) const = 0;
  virtual std::vector<ControlPeer> ControlPeers() const = 0;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_GRANTS_CONTROLLER_CORE_H_
