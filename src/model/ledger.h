// The durable account of a link: what was granted, spent and is outstanding.
#ifndef SLUICE_MODEL_LEDGER_H_
#define SLUICE_MODEL_LEDGER_H_

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/numeric/int128.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/units.h"
#include "model/lease.h"
#include "model/names.h"
#include "model/prefix.h"
#include "model/quota.h"
#include "model/scope.h"
#include "model/tamper.h"
#include "model/topology_view.h"

namespace sluice {

// An instant of the ledger's own time: the controller's boot-time clock summed
// over all its lives, in nanoseconds. It never runs faster than real time; it
// stands still while the controller's machine is off.
struct LedgerTime {
  int64_t ns = 0;
  friend auto operator<=>(LedgerTime, LedgerTime) = default;
  friend absl::Duration operator-(LedgerTime a, LedgerTime b) {
    return absl::Nanoseconds(a.ns) - absl::Nanoseconds(b.ns);
  }
  friend LedgerTime operator+(LedgerTime t, absl::Duration d) {
    return LedgerTime{absl::ToInt64Nanoseconds(absl::Nanoseconds(t.ns) + d)};
  }
};

// The largest count and limit of a gate that a lease may speak of: more than
// two years of 400 Gbit/s. Beyond it the node must begin to count anew.
inline constexpr Bytes kMaxCount = kMaxVolume;

// One link's budget. Invariant: reported <= ceiling <= kMaxCount; while the
// quota is not lowered, spent + (ceiling - reported) <= the quota's volume.
struct LinkAccount {
  Bytes spent;  // in the current window, or since the quota was made
  LedgerTime window_start;
  // The sender's counter that `reported` and `ceiling` speak of; none before
  // the first session of the sender.
  std::optional<BootNonce> boot;
  Bytes reported;  // highest count seen; all of it is in `spent` or was in an earlier window's
  Bytes ceiling;   // highest volume_limit granted
  Bytes settled;   // what earlier boots of the sender were charged, over the link's whole life
  friend bool operator==(const LinkAccount&, const LinkAccount&) = default;
};

// Which stretch of the link's life the receiver's counter covers: when it stood
// at `count`, the sender's charges (settled + reported) stood at `charged`.
struct ReceiverBase {
  std::optional<BootNonce> boot;
  Bytes count;
  Bytes charged;
  friend bool operator==(const ReceiverBase&, const ReceiverBase&) = default;
};

// A rate and burst that a replaced lease may still use at the gate, until the node
// says that it has the next one, or is known to have let the old one go.
struct HeldRate {
  BitRate rate;
  Bytes burst;
  LedgerTime until;
  friend bool operator==(const HeldRate&, const HeldRate&) = default;
};

// The last lease that one side of a link was given.
struct IssuedLease {
  uint64_t sequence = 0;  // 0: never any
  BootNonce boot{};
  RequestId request_id{};  // of a sender's lease
  BitRate rate;
  Bytes burst;
  Bytes volume_limit;
  LedgerTime issued_at;
  absl::Duration lifetime;   // from issued_at
  BootTime expires_at;       // by the node's clock, in `boot`
  LedgerTime dead_at;        // by then the node has let it go, whatever its clock did
  bool closed = false;       // the node said that it is closed
  std::string signed_lease;  // as sent, to answer a repeated request
  friend bool operator==(const IssuedLease&, const IssuedLease&) = default;
};

// All that is durable of a link. It outlives its quota: sequences only grow.
struct LinkRecord {
  LinkName link;
  std::optional<Quota> quota;
  LinkAccount account;
  ReceiverBase receiver;
  uint64_t sequence = 0;     // last one used, by either role
  uint64_t recall_upto = 0;  // sender's leases up to here must close before a new grant
  bool suspended = false;    // revoked by an operator
  std::string suspend_reason;
  HeldRate held;  // by the sender
  IssuedLease send;
  IssuedLease receive;
  friend bool operator==(const LinkRecord&, const LinkRecord&) = default;
};

// The budget of a scope that is no link. What is spent of it are the charges of all
// links in it beyond `base`; so they cannot differ from the links' own accounts.
struct ScopeRecord {
  Quota quota;
  // Sum of LifeReported (policy/ledger.h) over the links in the scope at the start of
  // the window. Below 0 where a link with charges has left the scope.
  absl::int128 base = 0;
  LedgerTime window_start;
  friend bool operator==(const ScopeRecord&, const ScopeRecord&) = default;
};

// All links of a scope that is no link are closed until an operator restores it: those
// with an end in the node or enclosure, or all of the fleet.
struct StopRecord {
  Scope scope;
  std::string reason;
  friend bool operator==(const StopRecord&, const StopRecord&) = default;
};

// A version of the plan, signed by the controller so that no edit of the file goes unnoticed.
struct PlanRecord {
  uint64_t version = 0;   // from 1; the greatest counts
  int64_t at_ms = 0;      // wall time since 1970
  std::string text = {};  // DOT; empty: nothing is checked
  std::array<uint8_t, 64> signature{};
  friend bool operator==(const PlanRecord&, const PlanRecord&) = default;
};

// What a bad verdict does to the links of a scope.
struct WiringPolicyRecord {
  Scope scope = {};
  WiringPolicy policy = WiringPolicy::kEnforce;
  friend bool operator==(const WiringPolicyRecord&, const WiringPolicyRecord&) = default;
};

// All that is durable of a node.
struct NodeRecord {
  std::string name;
  std::string enclosure;
  bool gateway = false;
  uint32_t index = 0;           // of its address inside the control tunnel
  bool prefixes_named = false;  // by the operator, not by the node
  std::vector<IpPrefix> prefixes;
  std::optional<PublicKey> identity_key;  // none: not enrolled yet
  std::optional<PublicKey> control_key;
  std::optional<BootNonce> boot;  // of its last session
  std::optional<PublicKey> tunnel_key;
  std::vector<std::string> fabric_endpoints;
  uint64_t config_generation = 0;
  // Its links carry nothing while this is set: the event, what noticed it, what it was, and
  // when we heard, in words.
  std::optional<TamperId> tamper_id;
  std::string tamper_source;
  std::string tamper_words;
  std::string tampered_at;
  std::optional<TamperId> readmitted_id;  // of the last event that an operator ended
  friend bool operator==(const NodeRecord&, const NodeRecord&) = default;
};

// A join token, as the controller keeps it: never its secret.
struct TokenRecord {
  uint32_t index = 0;  // of its address inside the control tunnel
  std::string node;
  PublicKey bootstrap_key{};              // WireGuard public key made from the secret
  std::array<uint8_t, 32> secret_hash{};  // SHA-256 of the secret
  LedgerTime expires_at;
  LedgerTime forget_at;
  std::string used_at;  // wall time in words, empty while unused
  // Who used it, so that a repeated enrolment gets the same answer.
  std::optional<PublicKey> used_by_identity;
  std::optional<PublicKey> used_by_control;
  bool withdrawn = false;  // replaced by a newer token of the node
  friend bool operator==(const TokenRecord&, const TokenRecord&) = default;
};

// What belongs to no single node or link.
struct FleetRecord {
  std::string fleet;         // empty: a new store
  PublicKey lease_key{};     // public half of the key that signs leases
  LedgerTime ledger_time;    // when this was written …
  BootTime boot_time;        // … by the machine's clock …
  std::string machine_boot;  // … in this boot of the machine
  uint32_t next_node_index = 1;
  uint32_t next_token_index = 1;
  uint64_t next_quota_version = 1;
  friend bool operator==(const FleetRecord&, const FleetRecord&) = default;
};

}  // namespace sluice

#endif  // SLUICE_MODEL_LEDGER_H_
