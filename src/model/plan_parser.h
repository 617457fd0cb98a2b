// Reads a plan from Graphviz DOT (https://graphviz.org/doc/info/lang.html), written as Cumulus
// PTM does: `"a1":"fab0" -- "leaf1":"p1" [speed="100Gbit", max_rtt="5us"];`. docs/topology.md
// says what each attribute means.
#ifndef SLUICE_MODEL_PLAN_PARSER_H_
#define SLUICE_MODEL_PLAN_PARSER_H_

#include <string>
#include <string_view>
#include <vector>

#include "model/plan.h"

namespace sluice {

inline constexpr size_t kMostPlanBytes = 32 << 20;

struct PlanError {
  PlanPlace place;
  std::string text;  // what is wrong and what to write instead
  friend bool operator==(const PlanError&, const PlanError&) = default;
};

struct ParsedPlan {
  Plan plan;                      // of use only without errors
  std::vector<PlanError> errors;  // all of them, by place; at most kMostPlanErrors
};
inline constexpr size_t kMostPlanErrors = 100;

// Any bytes at all. Takes time that grows with the text and its logarithm.
ParsedPlan ParsePlan(std::string_view text);

// "plan.dot:7:3: …", one a line.
std::string FormatPlanErrors(std::string_view file, const std::vector<PlanError>& errors);

}  // namespace sluice

#endif  // SLUICE_MODEL_PLAN_PARSER_H_
