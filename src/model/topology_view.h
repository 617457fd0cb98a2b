// How the observed topology compares with the plan, as plain values.
#ifndef SLUICE_MODEL_TOPOLOGY_VIEW_H_
#define SLUICE_MODEL_TOPOLOGY_VIEW_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "base/units.h"
#include "model/plan.h"
#include "model/scope.h"
#include "model/wiring.h"

namespace sluice {

enum class WireVerdict {
  kAsPlanned,   // both ends prove it
  kUnproved,    // no proof and nothing against it: claims, or only what passes through
  kMissing,     // nobody is there
  kUnexpected,  // somebody else is there, or something stands between
  kSwapped,     // … whose own cable ends where this one should
  kWrongPort,   // the right neighbour, another of its ports
  kTooFar,      // the round trip is longer than the plan allows
  kFlapping,    // it keeps coming and going
};
inline constexpr int kWireVerdicts = 8;

std::string_view VerdictName(WireVerdict verdict);   // "as-planned", "wrong-port", …
std::string_view VerdictWords(WireVerdict verdict);  // "as planned", "wrong port", …

// Whether it says that the cable is not what the plan says.
constexpr bool IsBad(WireVerdict verdict) {
  return verdict != WireVerdict::kAsPlanned && verdict != WireVerdict::kUnproved;
}

// One cable of the plan.
struct WireView {
  PlanCable cable = {};
  WireVerdict verdict = WireVerdict::kUnproved;
  std::string evidence = {};                    // a sentence
  absl::Duration since = {};                    // how long the verdict has stood
  std::optional<absl::Duration> rtt = {};       // the shorter of what both ends measured
  std::optional<PortCapacity> a_capacity = {};  // as last measured from a, and …
  std::optional<PortCapacity> b_capacity = {};  // … from b
  std::string a_sees = {};                      // what is known of the other end, from a and …
  std::string b_sees = {};                      // … from b; empty: nothing
};

// What an operator should look into: one for two swapped cables, one for a stray neighbour.
struct Finding {
  std::string verdict = {};  // VerdictName, or "undeclared", "forged", "replayed", "misplaced",
                             // "cloned", "unaccounted"
  std::string text = {};     // what is wrong, and what to look at
  std::vector<std::string> cables = {};  // "a1:fab0 -- leaf1:p1"
  std::vector<std::string> ports = {};   // that it is about
  absl::Duration since = {};
  bool closes = false;  // links over it may not lease, unless the policy says so
};

// What the plan and the observation say about a link.
struct PathView {
  enum class State {
    kGood,
    kUnknown,  // nothing is known yet: no new lease, and nothing is taken back
    kBad,
  };
  State state = State::kGood;
  std::string why = {};  // in words, unless good
};

// What bad verdicts do.
enum class WiringPolicy { kEnforce, kAlert };
std::string_view PolicyName(WiringPolicy policy);  // "enforce", "alert"
std::optional<WiringPolicy> ParsePolicy(std::string_view name);

struct WiringPolicyView {
  Scope scope = {};
  WiringPolicy policy = WiringPolicy::kEnforce;
};

// One version of the plan.
struct PlanVersion {
  uint64_t version = 0;
  int64_t at_ms = 0;  // wall time since 1970
  bool active = false;
  size_t nodes = 0;
  size_t cables = 0;
  std::string digest = {};  // SHA-256 of the text, hex
};

// What another plan would do now.
struct PlanPreview {
  PlanVersion plan = {};
  std::vector<std::string> closes = {};  // links with a quota, and why: "a1>b1: …"
  std::vector<std::string> opens = {};   // links that the present plan keeps shut
  std::vector<Finding> findings = {};
};

struct TopologyView {
  uint64_t plan_version = 0;  // 0: there is no plan, and nothing is checked
  std::vector<PlanNode> nodes = {};
  std::vector<WireView> wires = {};
  std::vector<Finding> findings = {};
  std::vector<WiringPolicyView> policies = {};  // the fleet's is always there
};

}  // namespace sluice

#endif  // SLUICE_MODEL_TOPOLOGY_VIEW_H_
