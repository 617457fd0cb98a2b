// Whether a link gets a lease, and which; and what a change of quota means for
// the lease that is out. Values in, decisions out.
#ifndef SLUICE_CONTROLLER_POLICY_GRANT_H_
#define SLUICE_CONTROLLER_POLICY_GRANT_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "base/units.h"
#include "controller/policy/scope.h"
#include "model/ledger.h"
#include "model/quota.h"

namespace sluice {

struct GrantInput {
  std::optional<Quota> quota;
  LinkAccount account;  // rolled to `now`, the request's own count taken in
  LedgerTime now;
  std::string revoked;            // what was and why, in words; empty: nothing
  std::string tampered;           // which end is, in words; empty: none
  std::string miswired;           // what keeps it from being as planned, in words; empty: nothing
  bool recalling = false;         // an earlier lease must close or die first
  bool receiver_present = false;  // the other end is connected
  std::vector<ScopeRoom> rooms;   // of every scope around the link that has a quota
  // Has a lease and used nothing of it. Where a scope runs low its slices shrink to
  // nothing, so that what it holds comes to those who can use it.
  bool idle = false;
};

struct Grant {
  BitRate rate;
  Bytes burst;
  Bytes volume_limit;
  absl::Duration lifetime;
  LinkAccount account;  // with volume_limit charged
};

struct Denial {
  enum class Reason {
    kNoQuota,
    kExhausted,
    kRevoked,
    kPeerAbsent,
    kRecalling,
    kCrowded,
    kTampered,
    kMiswired
  };
  Reason reason = Reason::kNoQuota;
  std::string text;  // for people
  absl::Duration retry_after;
};

using GrantDecision = std::variant<Grant, Denial>;

// The slice of volume, counted from what is used, is what rate and burst can
// carry in the lifetime, or what is left, or the link's share of what is left of a
// scope around it. What earlier leases allowed beyond it stays charged until the gate
// says that it cannot be used any more.
GrantDecision DecideGrant(const GrantInput& input);

struct QuotaChange {
  LinkAccount account;
  // A lease that is out allows what the new quota does not: it has to be
  // closed at the gate before the next grant.
  bool recall = false;
};

// From `before` (none: the link had no quota, a new life begins) to `after`.
// `lease` is the sender's lease that may still be alive, or none. What is
// outstanding stays charged in every case. A changed window begins now and
// carries what was spent.
QuotaChange DecideQuotaChange(const std::optional<Quota>& before, const Quota& after,
                              const LinkAccount& account, const std::optional<IssuedLease>& lease,
                              LedgerTime now);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_POLICY_GRANT_H_
