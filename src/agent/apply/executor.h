// Does what a plan says, to the gate, the tunnel and the routes.
#ifndef SLUICE_AGENT_APPLY_EXECUTOR_H_
#define SLUICE_AGENT_APPLY_EXECUTOR_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "agent/deadman/cutter.h"
#include "agent/reconcile/reconcile.h"
#include "base/clock.h"
#include "datapath/datapath_interface.h"
#include "os/netlink/route_interface.h"
#include "tunnel/tunnel_interface.h"

namespace sluice {

// The routing table that the accelerator port's traffic is looked up in.
inline constexpr uint32_t kAcceleratorTable = 1510;

// Not thread-safe. The parts outlive it.
class Executor {
 public:
  Executor(Datapath& datapath, Tunnel& tunnel, RouteTable& routes);

  // Reads the gate's counters; `now` is the instant they are taken to be of.
  absl::Status ReadGate(BootTime now);
  // A peer that has been asked and silent for some readings is unanswered in actual().
  // Two ends that ask each other at the same moment may both go unanswered; so that they
  // do not ask again at the same moment too, the one with the greater key has more patience.
  absl::Status ReadPeers();
  // Nodes whose tunnel peer lacks an epoch that this object has set.
  const std::vector<std::string>& keyless() const { return keyless_; }
  // Some peer has been asked and has not answered yet.
  bool awaits_answer() const { return !asked_.empty(); }

  // What was read and done last. Remaining times in it are as of ReadGate.
  const Actual& actual() const { return actual_; }
  const Drops& unattributed() const { return unattributed_; }
  BootTime read_at() const { return read_at_; }

  struct Outcome {
    std::vector<LinkReport> closed;  // with final counts
    std::vector<LinkSide> not_closed;
    bool kill_switch = false;                   // something did not close, so all is stopped
    std::map<LinkSide, std::string> obstacles;  // a lease that could not be applied, and why
    std::vector<std::string> faults;
    std::vector<std::string> keyed;      // nodes whose tunnel peer was set
    std::vector<std::string> needs_key;  // whose peer is gone, or can only be set with new keys
    bool configured = true;              // prefixes and routes are as planned
  };
  // All that closes first, then all that opens; a failure stops nothing else.
  Outcome Execute(const ActionPlan& plan, BootTime now);

  // Closes these sides at once.
  Outcome Close(const std::vector<LinkSide>& sides);

  // The reaction to tampering (deadman/cutter.h). What was cut is in the outcome.
  struct NodeOutcome {
    Outcome outcome;
    std::optional<BootTime> cut_at;
    bool done = false;
  };
  NodeOutcome CloseNode(const TunnelConfig& blank, const Clock& clock);

 private:
  void TakeCut(CutResult cut, Outcome& outcome);
  void CutAll(const std::vector<LinkSide>& sides, const std::vector<PublicKey>& peers,
              Outcome& outcome);
  void Open(const Action& action, BootTime now, Outcome& outcome);
  void Apply(const ApplyLease& action, BootTime now, Outcome& outcome);
  void Set(const SetPeer& action, Outcome& outcome);
  absl::Status Limit(const ApplyLease& action, BootTime now);
  absl::Status SetTable(const std::vector<IpPrefix>& prefixes);

  Datapath& datapath_;
  Tunnel& tunnel_;
  RouteTable& routes_;
  Actual actual_;
  Drops unattributed_{};
  BootTime read_at_;
  std::map<PublicKey, ActualPeer> set_;       // peers that this object set, as it set them
  std::map<std::string, PublicKey> peer_of_;  // the same, by node
  std::vector<std::string> keyless_;
  std::map<PublicKey, int> asked_;  // for how many readings, without an answer
  std::optional<PublicKey> own_key_;
};

// The table with these prefixes into `tunnel_device` and all else a black hole.
std::vector<Route> AcceleratorTableRoutes(const std::string& tunnel_device,
                                          const std::vector<IpPrefix>& prefixes);

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_EXECUTOR_H_
