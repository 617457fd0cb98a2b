// The plan and the wires, in the operator API.
#include <utility>

#include "absl/strings/numbers.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/web/json_codec.h"
#include "controller/web/rest_api.h"

namespace sluice {

absl::StatusOr<std::string> RestApi::Wiring(const RouteMatch& match, std::string_view body) const {
  switch (match.route->operation) {
    case Operation::kGetTopology: {
      SLUICE_ASSIGN_OR_RETURN(const bool findings_only, match.Flag("findings"));
      return GetTopology(findings_only);
    }
    case Operation::kMeasureCapacity:
      return MeasureCapacity(match.argument, body);
    case Operation::kListPlans:
      return ListPlans();
    case Operation::kGetPlan:
      return GetPlan(match.argument);
    case Operation::kSetPlan:
      return SetPlan(match, body);
    case Operation::kRemovePlan:
      SLUICE_RETURN_IF_ERROR(DecodeNothing(body));
      return RemovePlan();
    default:
      return SetWiringPolicy(match.argument, match.route->operation == Operation::kSetWiringPolicy,
                             body);
  }
}

absl::StatusOr<std::string> RestApi::GetTopology(bool findings_only) const {
  TopologyView view;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects&) {
    view = core.Topology();
    return absl::OkStatus();
  }));
  return EncodeTopology(view, !findings_only);
}

absl::StatusOr<std::string> RestApi::MeasureCapacity(const std::string& text,
                                                     std::string_view body) const {
  SLUICE_RETURN_IF_ERROR(DecodeNothing(body));
  const size_t colon = text.find(':');
  if (colon == std::string::npos)
    return WithField(absl::InvalidArgumentError(StrCat("port: ", ForMessage(text),
                                                       " is no port; write NODE:PORT, as a1:fab0")),
                     "port");
  const PortName port{text.substr(0, colon), text.substr(colon + 1)};
  BitRate speed;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects& effects) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(speed, core.MeasureCapacity(port, effects));
    return absl::OkStatus();
  }));
  return EncodeMeasuring(port, speed);
}

absl::StatusOr<std::string> RestApi::ListPlans() const {
  std::vector<PlanVersion> plans;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects&) {
    plans = core.Plans();
    return absl::OkStatus();
  }));
  return EncodePlans(plans);
}

absl::StatusOr<std::string> RestApi::GetPlan(const std::string& version) const {
  uint64_t number = 0;
  const bool active = version == "active";
  if (!active && (!absl::SimpleAtoi(version, &number) || number == 0))
    return WithField(absl::InvalidArgumentError(StrCat("version: ", ForMessage(version),
                                                       " is no version; write a number from "
                                                       "GET /api/v1/plans, or active")),
                     "version");
  std::string text;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects&) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(text, core.PlanText(number));
    if (const auto plans = core.Plans(); active) number = plans.front().version;
    return absl::OkStatus();
  }));
  return EncodePlanText(number, text);
}

absl::StatusOr<std::string> RestApi::SetPlan(const RouteMatch& match, std::string_view body) const {
  SLUICE_ASSIGN_OR_RETURN(const std::string text, DecodePlan(body));
  SLUICE_ASSIGN_OR_RETURN(const bool dry_run, match.Flag("dry_run"));
  PlanVersion version;
  PlanPreview preview;
  const absl::Status done = Do([&](ControllerCore& core, Effects& effects) -> absl::Status {
    if (dry_run) {
      SLUICE_ASSIGN_OR_RETURN(preview, core.PreviewPlan(text));
    } else {
      SLUICE_ASSIGN_OR_RETURN(version, core.SetPlan(text, effects));
    }
    return absl::OkStatus();
  });
  if (absl::IsInvalidArgument(done)) return WithField(done, "plan");
  SLUICE_RETURN_IF_ERROR(done);
  return dry_run ? EncodePlanPreview(preview) : EncodePlan(version);
}

absl::StatusOr<std::string> RestApi::RemovePlan() const {
  SLUICE_RETURN_IF_ERROR(Do(
      [&](ControllerCore& core, Effects& effects) { return core.SetPlan("", effects).status(); }));
  return EncodeDone("removed", "plan");
}

absl::StatusOr<std::string> RestApi::SetWiringPolicy(const std::string& text, bool set,
                                                     std::string_view body) const {
  const absl::StatusOr<Scope> scope = ParseScope(text);
  if (!scope.ok()) return WithField(scope.status(), "scope");
  std::optional<WiringPolicy> policy;
  if (set) {
    SLUICE_ASSIGN_OR_RETURN(policy, DecodeWiringPolicy(body));
  } else {
    SLUICE_RETURN_IF_ERROR(DecodeNothing(body));
  }
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects& effects) {
    return core.SetWiringPolicy(*scope, policy, effects);
  }));
  return EncodeDone(policy ? StrCat(PolicyName(*policy), "s") : "unset", scope->ToString());
}

}  // namespace sluice
