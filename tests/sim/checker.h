// The invariants of design §4, held against what truly happened: what the gates
// admitted and when in true time, what the store holds, what left the
// controller. It shares no arithmetic with the ledger.
//
//  conservation (1)  Since the quota's life or its window began, a sender's gate
//                    admitted no more than the quota's volume, or, right after
//                    the volume was lowered, than what was out then. No durable
//                    record has spent + outstanding above the volume, unless it
//                    was lowered. No lease is faster or longer than its quota.
//                    All gates together admitted no more than the fleet's quota.
//  durable (2)       A lease that leaves the controller is in the store, with
//                    its sequence and its limit charged.
//  unreported (3)    In a durable record spent + outstanding is at least what
//                    was truly admitted plus what a live lease still allows.
//  renewal (4)       What was used plus what a leaving lease allows stays within
//                    the volume: renewals, restarts and enrolments reset nothing.
//  time (5)          A gate admits nothing later than lifetime/(1-ρ) of true time
//                    after the request was sent, and nothing on a lease that the
//                    controller takes as dead: (1+ρ)(lifetime/(1-ρ)+δ).
//  fail closed (6)   A gate admits only on a lease of its own boot; a nonce
//                    stands for one gate only.
//  replay (4, 6)     A gate takes only leases that the controller issued, each
//                    newer than the last.
//  revocation (7)    No lease leaves for a revoked link; both ends are told; who
//                    has obeyed a Revoke admits nothing under what it named, and
//                    an end that is reachable closes within kRecallBound.
#ifndef SLUICE_TESTS_SIM_CHECKER_H_
#define SLUICE_TESTS_SIM_CHECKER_H_

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/grants/controller_core.h"
#include "datapath/fake/fake_datapath.h"
#include "model/ledger.h"
#include "tests/sim/machine_clock.h"

namespace sluice::sim {

struct Violation {
  std::string invariant;
  std::string what;
  TrueTime at = 0;
};

// An end that nothing disturbs closes a revoked link within this.
inline constexpr int64_t kRecallBound = 5 * kSecond;

class Checker {
 public:
  // What it may look at; outlives it.
  struct Node {
    std::string name;
    const MachineClock* clock = nullptr;
    const FakeGate* gate = nullptr;
  };
  Checker(const TrueTime& now, int64_t rho_ppb, const MachineClock& controller_clock,
          std::vector<Node> nodes, const std::vector<LinkName>& links);

  // The first violation, if any. It stays.
  const std::optional<Violation>& violation() const { return violation_; }

  // The controller. `records`: all that is durable.
  void ControllerStarted(const ControllerCore& core, const std::map<LinkName, LinkRecord>& records);
  void ControllerStopped() { core_ = nullptr; }
  void Committed(const LinkRecord& record);
  // `record`: what is durable of its link, or null.
  void LeaseLeft(const agent::v1::SignedLease& signed_lease, const LinkRecord* record);
  // The quota that is in force from now on.
  void QuotaSet(const LinkName& link, const std::optional<Quota>& quota);
  // The fleet has this quota from the start and for ever.
  void FleetQuotaSet(uint64_t volume) { fleet_volume_ = volume; }
  void Restored(const LinkName& link);
  // RevokeLink returned OK and sent these; who of the two was connected?
  void Revoked(const LinkName& link, const Effects& effects, bool src_online, bool dst_online);
  // Somebody repeated old reports to the controller: it may count too much.
  void ReportsRepeated(int node);
  // Something that delays a recall has just happened or is still going on.
  void Disturbed() { quiet_since_ = now_; }

  // The nodes.
  void GateBegan(int node);
  void AgentStarted(int node, const BootNonce& nonce);
  void GateChanged(int node);
  void RevokeObeyed(const LinkSide& side, uint64_t sequence);
  void MessageLeft(int node, const agent::v1::AgentMessage& message);

  // The sender's or receiver's gate admitted so many bytes.
  void Admitted(size_t link, Role role, uint64_t bytes);

 private:
  struct Issued {
    Lease lease;
    TrueTime anchor = 0;    // true time of the lease's anchor
    TrueTime deadline = 0;  // no gate may admit on it from here on
  };
  struct End {
    int node = 0;
    LinkSide side;
    std::map<uint64_t, Issued> issued;  // of the node's present boot, by sequence
    uint64_t newest_issued = 0;         // of any boot
    std::optional<Issued> held;         // what the gate has now
    uint64_t newest_held = 0;           // in this boot
    uint64_t revoked = 0;               // obeyed up to here, in this boot
  };
  struct Link {
    LinkName name;
    End sender;
    End receiver;
    std::optional<Quota> quota;
    std::optional<TrueTime> suspended_since;
    uint64_t admitted = 0;       // by the sender's gates, ever
    uint64_t told = 0;           // the highest count that the sender said in this boot
    uint64_t boot_admitted = 0;  // by the sender's gate of this boot
    uint64_t baseline = 0;       // `admitted` when life or window began
    uint64_t allowed = 0;        // since then
    LedgerTime grid;             // where the windows begin
    int64_t window = 0;          // which one it is
    bool bounded = true;         // the ledger's sum must stay within the volume
    bool overcounted = false;    // old reports were repeated
    uint64_t used() const { return admitted - baseline; }
  };

  void NoteCount(const agent::v1::LinkReport& report);
  void Fail(std::string invariant, std::string what);
  Link* Find(const LinkName& name);
  static End& EndOf(Link& link, Role role) {
    return role == Role::kSend ? link.sender : link.receiver;
  }
  LedgerTime Ledger() const;
  void Roll(Link& link);
  void Take(Link& link, const std::optional<Quota>& quota, LedgerTime grid);
  uint64_t Headroom(const Link& link) const;
  void CheckTerms(const Link& link, const Lease& lease);
  void CheckDurable(const Lease& lease, const LinkRecord* record);
  void CheckBudget(Link& link, const Lease& lease);
  void CheckHeld(Link& link, End& end, const GateLease& lease);
  void CheckTime(Link& link, const End& end);
  void CheckBelief(const End& end);
  void CheckSums(Link& link, const LinkRecord& record);

  const TrueTime& now_;
  const int64_t rho_ppb_;
  const MachineClock& controller_clock_;
  const std::vector<Node> nodes_;
  std::vector<Link> links_;
  std::vector<std::vector<std::pair<Link*, Role>>> sides_;  // of each node
  std::vector<BootNonce> boots_;                            // of each node
  std::vector<int> gates_;                                  // how many each node has had
  std::map<BootNonce, std::pair<int, int>> nonces_;         // node and gate it stands for
  const ControllerCore* core_ = nullptr;
  LedgerTime ledger_base_;
  BootTime clock_base_;
  TrueTime quiet_since_ = 0;
  std::optional<uint64_t> fleet_volume_;
  uint64_t fleet_admitted_ = 0;
  std::optional<Violation> violation_;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_CHECKER_H_
