// The invariants of design §4, held against what truly happened: what the gates
// admitted and when in true time, what the store holds, what left the
// controller. It shares no arithmetic with the ledger.
//
//  conservation (1)  Of every scope: since the quota's life or its window began, the
//                    senders' gates in it admitted no more than the quota's volume,
//                    or, right after the volume was lowered, than what was out then.
//                    When a lease leaves, that plus all that leases still allow is
//                    no more either. The rates and bursts at the gates add up to no
//                    more than the quota's. No lease is faster or longer than any
//                    quota around it. No durable record of a link has
//                    spent + outstanding above the volume, unless it was lowered.
//  durable (2)       A lease that leaves the controller is in the store, with
//                    its sequence and its limit charged.
//  unreported (3)    In a durable record spent + outstanding is at least what
//                    was truly admitted plus what a live lease still allows.
//  renewal (4)       The same sums: renewals, restarts and enrolments reset nothing.
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
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/grants/controller_core.h"
#include "datapath/fake/fake_datapath.h"
#include "model/ledger.h"
#include "tests/sim/machine_clock.h"
#include "tests/sim/schedule.h"

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
          std::vector<Node> nodes, const Profile& profile);

  // The first violation, if any. It stays.
  const std::optional<Violation>& violation() const { return violation_; }

  // The controller. `records`: all that is durable.
  void ControllerStarted(const ControllerCore& core, const std::map<LinkName, LinkRecord>& records,
                         const std::map<Scope, ScopeRecord>& scopes, const std::set<Scope>& stops);
  void ControllerStopped() { core_ = nullptr; }
  void Committed(const LinkRecord& record);
  // `record`: what is durable of its link, or null.
  void LeaseLeft(const agent::v1::SignedLease& signed_lease, const LinkRecord* record);
  // The quota that is in force from now on.
  void QuotaSet(const Scope& scope, const std::optional<Quota>& quota);
  // With all quotas on its links.
  void NodeRemoved(int node);
  void NodeAdded(int node) { gone_[static_cast<size_t>(node)] = false; }
  void Restored(const LinkName& link);
  void ScopeRevoked(const Scope& scope) { stops_.try_emplace(scope, now_); }
  void ScopeRestored(const Scope& scope) { stops_.erase(scope); }
  // Revoke returned OK and sent these; who of the two was connected?
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
  struct Link;
  // A scope: what its quota allows and what was truly used of it.
  struct Budget {
    Scope scope;
    std::vector<Link*> links;
    std::optional<Quota> quota;
    uint64_t baseline = 0;      // what they had admitted when life or window began
    uint64_t allowed = 0;       // since then
    LedgerTime grid;            // where the windows begin
    int64_t window = 0;         // which one it is
    bool rates_bounded = true;  // not so while leases that are too fast are recalled
  };
  struct Link {
    LinkName name;
    End sender;
    End receiver;
    Budget* own = nullptr;         // that of the link alone
    std::vector<Budget*> budgets;  // of all scopes around it, its own too
    std::optional<TrueTime> suspended_since;
    uint64_t admitted = 0;       // by the sender's gates, ever
    uint64_t told = 0;           // the highest count that the sender said in this boot
    uint64_t boot_admitted = 0;  // by the sender's gate of this boot
    bool bounded = true;         // the ledger's sum must stay within the volume
    bool overcounted = false;    // old reports were repeated
  };

  void NoteCount(const agent::v1::LinkReport& report);
  void Fail(std::string invariant, std::string what);
  Link* Find(const LinkName& name);
  static End& EndOf(Link& link, Role role) {
    return role == Role::kSend ? link.sender : link.receiver;
  }
  LedgerTime Ledger() const;
  Budget* Find(const Scope& scope);
  bool Contains(const Scope& scope, const Link& link, const Profile& profile) const;
  // Whether the controller counts the link in the scope: not after a node was removed.
  bool Counts(const Budget& budget, const Link& link) const;
  uint64_t Admitted(const Budget& budget) const;
  uint64_t Used(const Budget& budget) const { return Admitted(budget) - budget.baseline; }
  void Roll(Budget& budget);
  void Take(Budget& budget, const std::optional<Quota>& quota, LedgerTime grid);
  // What senders' gates may still admit under leases that left for this boot.
  uint64_t Headroom(const Link& link) const;
  uint64_t Headroom(const Budget& budget) const;
  void TakeStored(const std::map<LinkName, LinkRecord>& records,
                  const std::map<Scope, ScopeRecord>& scopes);
  void CheckTerms(const Link& link, const Lease& lease);
  void CheckDurable(const Lease& lease, const LinkRecord* record);
  void CheckBudgets(Link& link, const Lease& lease);
  void CheckHeld(Link& link, End& end, const GateLease& lease);
  // Since when it is revoked, by name or with a scope.
  std::optional<TrueTime> ShutSince(const Link& link) const;
  void CheckRates(Budget& budget);
  bool IsLive(const End& end) const;
  void CheckTime(Link& link, const End& end);
  void CheckBelief(const End& end);
  void CheckSums(Link& link, const LinkRecord& record);

  const TrueTime& now_;
  const int64_t rho_ppb_;
  const MachineClock& controller_clock_;
  const std::vector<Node> nodes_;
  std::vector<Link> links_;
  std::deque<Budget> budgets_;
  std::map<Scope, TrueTime> stops_;
  std::vector<std::vector<std::pair<Link*, Role>>> sides_;  // of each node
  std::vector<BootNonce> boots_;                            // of each node
  std::vector<int> gates_;                                  // how many each node has had
  std::vector<bool> repeated_;                              // of each node: old reports came again
  std::vector<bool> gone_;                                  // of each node: removed
  std::map<BootNonce, std::pair<int, int>> nonces_;         // node and gate it stands for
  std::vector<std::string> enclosures_;                     // of each node
  const ControllerCore* core_ = nullptr;
  LedgerTime ledger_base_;
  BootTime clock_base_;
  TrueTime quiet_since_ = 0;
  std::optional<Violation> violation_;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_CHECKER_H_
