#include "model/topology_view.h"

namespace sluice {

std::string_view VerdictName(WireVerdict verdict) {
  constexpr std::string_view kNames[kWireVerdicts] = {"as-planned", "unproved", "missing",
                                                      "unexpected", "swapped",  "wrong-port",
                                                      "too-far",    "flapping"};
  return kNames[static_cast<int>(verdict)];
}

std::string_view VerdictWords(WireVerdict verdict) {
  constexpr std::string_view kWords[kWireVerdicts] = {
      "as planned", "unproved",   "missing", "unexpected neighbour",
      "swapped",    "wrong port", "too far", "flapping"};
  return kWords[static_cast<int>(verdict)];
}

std::string_view PolicyName(WiringPolicy policy) {
  return policy == WiringPolicy::kEnforce ? "enforce" : "alert";
}

std::optional<WiringPolicy> ParsePolicy(std::string_view name) {
  for (const WiringPolicy policy : {WiringPolicy::kEnforce, WiringPolicy::kAlert}) {
    if (name == PolicyName(policy)) return policy;
  }
  return std::nullopt;
}

}  // namespace sluice
