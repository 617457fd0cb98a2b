// Plans: no input crashes; errors come by place and within bounds; a plan without errors keeps
// the promises of plan.h, and written out again parses to the same.
#include <algorithm>
#include <set>
#include <string>

#include "base/strings.h"
#include "fuzz/fuzz.h"
#include "model/names.h"
#include "model/plan_parser.h"

using namespace sluice;

namespace {

void RequireGoodErrors(std::string_view text, const std::vector<PlanError>& errors) {
  Require(errors.size() <= kMostPlanErrors);
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  PlanPlace last{1, 1};
  for (const PlanError& error : errors) {
    const PlanPlace place = error.place;
    Require(!error.text.empty() && place.line <= lines && place.column >= 1);
    Require(static_cast<size_t>(place.column) <= text.size() + 1);
    Require(place.line > last.line || (place.line == last.line && place.column >= last.column));
    last = place;
  }
}

void RequireGoodPlan(const Plan& plan) {
  std::set<std::string> names;
  std::set<PortName> ports;
  size_t agents = 0;
  for (const PlanNode& node : plan.nodes) {
    Require(CheckName("node", node.name).ok() && names.insert(node.name).second);
    Require(node.enclosure.empty() != node.has_agent());
    agents += node.has_agent();
  }
  Require(agents >= 2);
  for (const PlanCable& cable : plan.cables) {
    Require(names.contains(cable.a.node) && names.contains(cable.b.node));
    Require(ports.insert(cable.a).second && ports.insert(cable.b).second);
    Require(cable.max_rtt > absl::ZeroDuration());
  }
}

std::string Quoted(std::string_view text) { return StrCat("\"", text, "\""); }

std::string Written(const PlanNode& node) {
  constexpr std::string_view kRoles[] = {"node", "gateway", "switch", "controller"};
  std::string out =
      StrCat(Quoted(node.name), "[role=\"", kRoles[static_cast<int>(node.role)], "\"");
  if (node.has_agent()) out += " enclosure=" + Quoted(node.enclosure);
  if (node.lldp_every != absl::InfiniteDuration())
    out += " lldp=" + Quoted(FormatExact(node.lldp_every));
  return out + "]\n";
}

std::string Written(const PlanCable& cable) {
  std::string out = StrCat(Quoted(cable.a.node), ":", Quoted(cable.a.port), "--",
                           Quoted(cable.b.node), ":", Quoted(cable.b.port), "[");
  if (cable.speed.bps > 0) out += "speed=" + Quoted(FormatExact(cable.speed));
  if (cable.max_rtt != absl::InfiniteDuration())
    out += " max_rtt=" + Quoted(FormatExact(cable.max_rtt));
  return out + "]\n";
}

std::string Written(const Plan& plan) {
  std::string out = "graph {\n";
  for (const PlanNode& node : plan.nodes) out += Written(node);
  for (const PlanCable& cable : plan.cables) out += Written(cable);
  return out + "}";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = AsText(data, size);
  ParsedPlan parsed = ParsePlan(text);
  RequireGoodErrors(text, parsed.errors);
  if (!parsed.errors.empty()) return 0;
  RequireGoodPlan(parsed.plan);
  const std::string written = Written(parsed.plan);
  ParsedPlan again = ParsePlan(written);
  Require(again.errors.empty() && Written(again.plan) == written);
  return 0;
}
