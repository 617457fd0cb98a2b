// What happened in the fleet, for people to read later: what operators changed, what nodes
// did and suffered.
#ifndef SLUICE_MODEL_FLEET_EVENT_H_
#define SLUICE_MODEL_FLEET_EVENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/scope.h"

namespace sluice {

enum class Severity { kInfo, kWarning, kError, kCritical };
inline constexpr int kSeverities = 4;

constexpr std::string_view SeverityName(Severity severity) {
  constexpr std::string_view kNames[kSeverities] = {"info", "warning", "error", "critical"};
  return kNames[static_cast<int>(severity)];
}

struct FleetEvent {
  uint64_t id = 0;    // the later, the greater
  int64_t at_ms = 0;  // wall time since 1970
  // Which of the kinds in docs/openapi.json: "quota_set".
  std::string kind = {};
  Severity severity = Severity::kInfo;
  Scope scope = {};       // what it is about
  std::string text = {};  // a sentence
  friend bool operator==(const FleetEvent&, const FleetEvent&) = default;
};

// Which events to show.
struct EventFilter {
  uint64_t before = 0;  // only those with a smaller id; 0: the newest too
  size_t limit = 200;
  std::vector<std::string> kinds = {};  // empty: all
  // Those about it and about what is in it; none: all.
  std::optional<Scope> scope = std::nullopt;
};

struct EventPage {
  std::vector<FleetEvent> events;  // the newest first
  bool more = false;               // older ones would fit the filter
};

}  // namespace sluice

#endif  // SLUICE_MODEL_FLEET_EVENT_H_
