// The plan, the wires and what is wrong with them.
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "controller/web/flat_json.h"
#include "controller/web/json_codec.h"
#include "controller/web/json_values.h"

namespace sluice {
namespace {

using api_json::Json;

std::string_view RoleWord(PlanNode::Role role) {
  constexpr std::string_view kNames[] = {"node", "gateway", "switch", "controller"};
  return kNames[static_cast<int>(role)];
}

absl::StatusOr<std::string> OnlyText(std::string_view body, std::string_view field) {
  SLUICE_ASSIGN_OR_RETURN(const FlatObject object, ParseFlatObject(body, {field}));
  const auto it = object.find(field);
  const auto* text = it == object.end() ? nullptr : std::get_if<std::string>(&it->second);
  if (text != nullptr) return *text;
  return WithField(absl::InvalidArgumentError(StrCat(field, ": is missing or no text")), field);
}

Json NodeJson(const PlanNode& node) {
  Json out = {{"name", node.name}, {"role", RoleWord(node.role)}};
  out["enclosure"] = node.enclosure.empty() ? Json(nullptr) : Json(node.enclosure);
  return out;
}

Json CapacityJson(const std::optional<PortCapacity>& capacity) {
  if (!capacity) return nullptr;
  return {{"to", capacity->to.ToString()},
          {"at_least_bps", capacity->rate.bps},
          {"number", capacity->number}};
}

Json WireJson(const WireView& wire) {
  Json out = {{"a", wire.cable.a.ToString()},
              {"b", wire.cable.b.ToString()},
              {"verdict", VerdictName(wire.verdict)},
              {"bad", IsBad(wire.verdict)},
              {"evidence", wire.evidence},
              {"since_s", api_json::Seconds(wire.since)},
              {"a_sees", wire.a_sees},
              {"b_sees", wire.b_sees}};
  out["rtt_s"] = wire.rtt ? api_json::Seconds(*wire.rtt) : Json(nullptr);
  out["max_rtt_s"] = api_json::Seconds(wire.cable.max_rtt);
  out["a_capacity"] = CapacityJson(wire.a_capacity);
  out["b_capacity"] = CapacityJson(wire.b_capacity);
  out["speed_bps"] = wire.cable.speed.bps == 0 ? Json(nullptr) : Json(wire.cable.speed.bps);
  return out;
}

Json FindingJson(const Finding& finding) {
  return {{"verdict", finding.verdict}, {"text", finding.text},
          {"cables", finding.cables},   {"ports", finding.ports},
          {"closes", finding.closes},   {"since_s", api_json::Seconds(finding.since)}};
}

Json VersionJson(const PlanVersion& plan) {
  return {{"version", plan.version}, {"at_ms", plan.at_ms},   {"active", plan.active},
          {"nodes", plan.nodes},     {"cables", plan.cables}, {"sha256", plan.digest}};
}

template <typename T>
Json ListOf(const std::vector<T>& items, Json (*show)(const T&)) {
  Json out = Json::array();
  for (const T& item : items) out.push_back(show(item));
  return out;
}

}  // namespace

absl::StatusOr<std::string> DecodePlan(std::string_view body) {
  SLUICE_ASSIGN_OR_RETURN(std::string text, OnlyText(body, "plan"));
  if (!text.empty()) return text;
  return WithField(
      absl::InvalidArgumentError("plan: is empty; DELETE /api/v1/plan ends the checking of wires"),
      "plan");
}

absl::StatusOr<WiringPolicy> DecodeWiringPolicy(std::string_view body) {
  SLUICE_ASSIGN_OR_RETURN(const std::string name, OnlyText(body, "policy"));
  if (const auto policy = ParsePolicy(name)) return *policy;
  return WithField(absl::InvalidArgumentError(
                       StrCat("policy: ", ForMessage(name), " is none; write enforce or alert")),
                   "policy");
}

std::string EncodeTopology(const TopologyView& view, bool wires) {
  Json out;
  out["plan_version"] = view.plan_version == 0 ? Json(nullptr) : Json(view.plan_version);
  Json counts = Json::object();
  for (int verdict = 0; verdict < kWireVerdicts; ++verdict)
    counts[std::string(VerdictName(static_cast<WireVerdict>(verdict)))] = 0;
  for (const WireView& wire : view.wires) {
    Json& count = counts[std::string(VerdictName(wire.verdict))];
    count = count.get<uint64_t>() + 1;
  }
  out["wires_by_verdict"] = std::move(counts);
  out["findings"] = ListOf(view.findings, FindingJson);
  out["policies"] = Json::array();
  for (const WiringPolicyView& policy : view.policies)
    out["policies"].push_back(
        {{"scope", policy.scope.ToString()}, {"policy", PolicyName(policy.policy)}});
  if (!wires) return api_json::Dump(out);
  out["nodes"] = ListOf(view.nodes, NodeJson);
  out["wires"] = ListOf(view.wires, WireJson);
  return api_json::Dump(out);
}

std::string EncodeMeasuring(const PortName& port, BitRate speed) {
  Json out;
  out["measuring"] = port.ToString();
  out["speed_bps"] = speed.bps;
  return api_json::Dump(out);
}

std::string EncodePlans(const std::vector<PlanVersion>& plans) {
  Json out;
  out["plans"] = ListOf(plans, VersionJson);
  return api_json::Dump(out);
}

std::string EncodePlan(const PlanVersion& version) { return api_json::Dump(VersionJson(version)); }

std::string EncodePlanText(uint64_t version, const std::string& text) {
  Json out;
  out["version"] = version;
  out["plan"] = text;
  return api_json::Dump(out);
}

std::string EncodePlanPreview(const PlanPreview& preview) {
  Json out;
  out["plan"] = VersionJson(preview.plan);
  out["closes"] = preview.closes;
  out["opens"] = preview.opens;
  out["findings"] = ListOf(preview.findings, FindingJson);
  return api_json::Dump(out);
}

}  // namespace sluice
