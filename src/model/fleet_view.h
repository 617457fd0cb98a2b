// What the controller shows of its fleet, as plain values. Ages and remaining
// times are durations at the moment the view was made.
#ifndef SLUICE_MODEL_FLEET_VIEW_H_
#define SLUICE_MODEL_FLEET_VIEW_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/units.h"
#include "model/lease.h"
#include "model/names.h"
#include "model/prefix.h"
#include "model/quota.h"
#include "model/scope.h"

namespace sluice {

struct CapabilityView {
  std::string name;
  std::string choice;
  std::string reason;
};

struct NodeView {
  std::string name;
  std::string enclosure;
  bool gateway = false;
  enum class State { kPending, kOffline, kOnline, kTampered } state = State::kPending;
  std::vector<IpPrefix> prefixes;
  std::vector<std::string> fabric_endpoints;
  std::optional<absl::Duration> heartbeat_age;
  bool dark = false;  // silent for too long; its links are closed until it speaks
  struct Tamper {
    std::string source;
    std::string words;
    std::string at;  // when the controller heard, in UTC
  };
  std::optional<Tamper> tamper;  // since the last readmission
  std::string boot_nonce;        // hex; empty before the first session
  std::string version;
  std::vector<CapabilityView> capabilities;
  uint64_t applied_generation = 0;
  uint64_t desired_generation = 0;
  std::vector<std::string> faults;
  Drops unattributed{};  // what the gate refused that belongs to no link, as last reported
  std::optional<absl::Duration> unattributed_age;  // none: not reported in this session
};

struct LeaseView {
  LinkSide side;
  std::string node;
  uint64_t sequence = 0;
  BitRate rate;
  Bytes burst;
  Bytes volume_limit;
  absl::Duration issued_ago;
  absl::Duration lifetime;
  absl::Duration expires_in;  // by the controller's conservative reckoning
  enum class State { kLive, kDead, kClosed } state = State::kLive;
};

// Packets, by drop reason.
using Refusals = std::array<uint64_t, SLUICE_DROP_REASON_COUNT>;

// One end of a link, as that end last reported it.
struct EndView {
  uint64_t bytes = 0;
  uint64_t packets = 0;
  absl::Duration age;
  absl::Duration expires_in;  // as the agent sees it, less the age
  Refusals refused{};
};

// The ends of a link count differently, by more than what is on its way or lost.
struct MismatchView {
  Bytes sent;  // as counted since the receiver's counter began
  Bytes received;
  absl::Duration since;  // how long it has lasted
  std::string text;      // in words
};

// A quota and what is taken of it.
struct QuotaView {
  Quota quota;
  Bytes used;
  Bytes left;         // volume less used
  Bytes outstanding;  // granted and not yet reported as used
  BitRate leased_rate;
  int links = 0;                   // with a quota, in this scope
  int recalling = 0;               // of them, those whose lease is being recalled …
  absl::Duration recalled_within;  // … which ends by then, whatever the nodes do
};

// One end of a link that was revoked.
struct SilenceView {
  LinkSide side;
  std::string node;
  // From the command until the controller knew that the end's gate is closed and what it
  // held of the tunnel removed: the node said so after reading it back, or its lease was
  // surely dead. None while neither is so.
  std::optional<absl::Duration> silent_after;
  bool by_expiry = false;        // the node did not say so
  absl::Duration silent_within;  // from now, whatever the node does
};

// What an operator revoked, and how long it took to fall silent.
struct RevocationView {
  uint64_t id = 0;
  Scope scope;
  std::string reason;
  absl::Duration ago;
  bool silent = false;
  absl::Duration silent_after;    // of the last end, once it is
  std::vector<SilenceView> ends;  // those that had a lease
};

// A scope that is no link and was revoked, until it is restored.
struct StopView {
  Scope scope;
  std::string reason;
};

// The newest epoch of the keys between a link's nodes.
struct KeyView {
  uint64_t epoch = 0;
  absl::Duration age;
  bool done = false;  // both nodes send under it, and under no older one
};

struct LinkView {
  LinkName link;
  enum class State {
    kOpen,
    kNoQuota,
    kExhausted,
    kRevoked,
    kWaiting,
    kExpired
  } state = State::kNoQuota;
  std::string why;  // in words; empty when open
  std::optional<Quota> quota;
  BitRate leased_rate;
  Bytes used;
  Bytes left;         // of the budget: volume less used
  Bytes outstanding;  // granted and not yet reported as used
  std::optional<absl::Duration> expires_in;
  uint64_t lease_sequence = 0;
  bool recalling = false;  // its lease is being taken back
  Drops drops{};           // of both ends
  std::optional<KeyView> key;
  std::optional<MismatchView> mismatch;
  std::string wiring;  // why its path is not as planned; empty: it is, or there is no plan
  std::optional<EndView> sender;
  std::optional<EndView> receiver;
};

}  // namespace sluice

#endif  // SLUICE_MODEL_FLEET_VIEW_H_
