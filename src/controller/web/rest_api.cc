#include "controller/web/rest_api.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "controller/web/json_codec.h"
#include "controller/web/metrics.h"
#include "controller/web/openapi.h"

namespace sluice {

ApiReply ErrorReply(const absl::Status& status) {
  return {HttpStatus(status),
          EncodeError(ErrorCode(status), ToStd(status.message()), FieldOf(status))};
}

ApiReply RestApi::Handle(const RouteMatch& match, std::string_view body) const {
  absl::StatusOr<std::string> reply = "";
  switch (match.route->operation) {
    case Operation::kHealth:
      return {200, R"({"status":"ok"})"};
    case Operation::kDescribe:
      return {200, std::string(kOpenApi)};
    case Operation::kListLinks: {
      const absl::StatusOr<bool> all = match.Flag("all");
      reply = all.ok() ? Links(*all) : all.status();
      break;
    }
    case Operation::kMetrics: {
      absl::StatusOr<std::string> metrics = Metrics();
      if (!metrics.ok()) return ErrorReply(metrics.status());
      return {200, *std::move(metrics), kOpenMetricsType};
    }
    case Operation::kListEvents:
      reply = Events(match);
      break;
    case Operation::kReady:
    case Operation::kGetStatus:
    case Operation::kListNodes:
    case Operation::kListQuotas:
    case Operation::kListLeases:
    case Operation::kListRevocations:
      reply = Read(match.route->operation);
      break;
    case Operation::kGetTopology:
    case Operation::kMeasureCapacity:
    case Operation::kListPlans:
    case Operation::kGetPlan:
    case Operation::kSetPlan:
    case Operation::kRemovePlan:
    case Operation::kSetWiringPolicy:
    case Operation::kUnsetWiringPolicy:
      reply = Wiring(match, body);
      break;
    default:
      reply = Change(match, body);
  }
  if (!reply.ok()) return ErrorReply(reply.status());
  return {match.route->operation == Operation::kAddNode ? 201 : 200, *std::move(reply)};
}

absl::StatusOr<std::string> RestApi::Links(bool all_pairs) const {
  std::vector<LinkView> links;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects&) {
    links = core.Links(all_pairs);
    return absl::OkStatus();
  }));
  return EncodeLinks(links);
}

absl::Status RestApi::Do(const Task& task) const {
  absl::Status result = absl::InternalError("the core did not run the task");
  SLUICE_RETURN_IF_ERROR(
      core_.Run([&](ControllerCore& core, Effects& effects) { result = task(core, effects); }));
  return result;
}

// The views are copied on the core's thread and encoded on this one.
absl::StatusOr<std::string> RestApi::Read(Operation operation) const {
  if (operation == Operation::kGetStatus) return Status();
  std::vector<NodeView> nodes;
  std::vector<QuotaView> quotas;
  std::vector<LeaseView> leases;
  std::vector<RevocationView> revocations;
  std::vector<StopView> stops;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects&) {
    if (operation == Operation::kListRevocations) {
      revocations = core.Revocations();
      stops = core.Stops();
    }
    if (operation == Operation::kListNodes) nodes = core.Nodes();
    if (operation == Operation::kListQuotas) quotas = core.Quotas();
    if (operation == Operation::kListLeases) leases = core.Leases();
    return absl::OkStatus();
  }));
  if (operation == Operation::kListNodes) return EncodeNodes(nodes);
  if (operation == Operation::kListQuotas) return EncodeQuotas(quotas);
  if (operation == Operation::kListLeases) return EncodeLeases(leases);
  if (operation == Operation::kListRevocations) return EncodeRevocations(revocations, stops);
  return R"({"status":"ready"})";
}

absl::StatusOr<std::string> RestApi::Change(const RouteMatch& match, std::string_view body) const {
  const Operation operation = match.route->operation;
  if (operation == Operation::kAddNode) return AddNode(body);
  if (operation == Operation::kRemoveNode) return RemoveNode(match.argument);
  if (operation == Operation::kReadmitNode) return ReadmitNode(match.argument, body);
  if (operation == Operation::kSetQuota || operation == Operation::kDeleteQuota ||
      operation == Operation::kRevokeScope || operation == Operation::kRestoreScope)
    return ChangeScope(match, body);
  absl::StatusOr<LinkName> link = ParseLinkName(match.argument);
  if (!link.ok()) return WithField(link.status(), "link");
  if (operation == Operation::kGetLink) return GetLink(*link);
  if (operation == Operation::kRevokeLink) return Revoke(Scope::Link(*link), body);
  if (operation == Operation::kRestoreLink) return Restore(Scope::Link(*link), body);
  return absl::InternalError("no such operation");
}

absl::StatusOr<std::string> RestApi::Revoke(const Scope& scope, std::string_view body) const {
  SLUICE_ASSIGN_OR_RETURN(const std::string reason, DecodeReason(body));
  uint64_t id = 0;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects& effects) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(id, core.Revoke(scope, reason, effects));
    return absl::OkStatus();
  }));
  return EncodeRevoked(scope, id);
}

absl::StatusOr<std::string> RestApi::Restore(const Scope& scope, std::string_view body) const {
  SLUICE_RETURN_IF_ERROR(DecodeNothing(body));
  SLUICE_RETURN_IF_ERROR(
      Do([&](ControllerCore& core, Effects& effects) { return core.Restore(scope, effects); }));
  return EncodeDone("restored", scope.ToString());
}

absl::StatusOr<std::string> RestApi::AddNode(std::string_view body) const {
  SLUICE_ASSIGN_OR_RETURN(const NewNodeBody wanted, DecodeNewNode(body));
  ControllerCore::NewNode added;
  NodeView view;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects& effects) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(added, core.AddNode(wanted.name, wanted.enclosure, wanted.gateway,
                                                wanted.prefixes, effects));
    for (NodeView& node : core.Nodes())
      if (node.name == wanted.name) view = std::move(node);
    return absl::OkStatus();
  }));
  return EncodeNewNode(view, added);
}

absl::StatusOr<std::string> RestApi::RemoveNode(const std::string& name) const {
  absl::Status checked = CheckName("name", name);
  if (!checked.ok()) return WithField(checked, "name");
  SLUICE_RETURN_IF_ERROR(
      Do([&](ControllerCore& core, Effects& effects) { return core.RemoveNode(name, effects); }));
  return EncodeDone("removed", name);
}

absl::StatusOr<std::string> RestApi::ReadmitNode(const std::string& name,
                                                 std::string_view body) const {
  absl::Status checked = CheckName("name", name);
  if (!checked.ok()) return WithField(checked, "name");
  SLUICE_RETURN_IF_ERROR(DecodeNothing(body));
  SLUICE_RETURN_IF_ERROR(
      Do([&](ControllerCore& core, Effects& effects) { return core.ReadmitNode(name, effects); }));
  return EncodeDone("readmitted", name);
}

absl::StatusOr<std::string> RestApi::ChangeScope(const RouteMatch& match,
                                                 std::string_view body) const {
  const Operation operation = match.route->operation;
  const bool quota = operation == Operation::kSetQuota || operation == Operation::kDeleteQuota;
  absl::StatusOr<Scope> scope = ParseScope(match.argument);
  if (!scope.ok()) {
    const bool link = quota && match.argument.find(':') == std::string::npos;
    return WithField(scope.status(), link ? "link" : "scope");
  }
  SLUICE_ASSIGN_OR_RETURN(const bool dry_run, match.Flag("dry_run"));
  if (dry_run) return DryRun(operation, *scope, body);
  if (operation == Operation::kRevokeScope) return Revoke(*scope, body);
  if (operation == Operation::kRestoreScope) return Restore(*scope, body);
  if (operation == Operation::kSetQuota) return SetQuota(*scope, body);
  SLUICE_RETURN_IF_ERROR(Do(
      [&](ControllerCore& core, Effects& effects) { return core.DeleteQuota(*scope, effects); }));
  return EncodeDone("deleted", scope->ToString());
}

absl::StatusOr<std::string> RestApi::DryRun(Operation operation, const Scope& scope,
                                            std::string_view body) const {
  Quota wanted;
  if (operation == Operation::kSetQuota) {
    SLUICE_ASSIGN_OR_RETURN(wanted, DecodeQuota(scope, body));
  }
  ChangeView view;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects&) -> absl::Status {
    absl::StatusOr<ChangeView> found = operation == Operation::kSetQuota ? core.PreviewQuota(wanted)
                                       : operation == Operation::kDeleteQuota
                                           ? core.PreviewDelete(scope)
                                           : core.PreviewRevoke(scope);
    SLUICE_ASSIGN_OR_RETURN(view, std::move(found));
    return absl::OkStatus();
  }));
  return EncodeChange(scope, view);
}

absl::StatusOr<std::string> RestApi::Events(const RouteMatch& match) const {
  SLUICE_ASSIGN_OR_RETURN(const EventFilter filter,
                          DecodeEventFilter(match.Param("before"), match.Param("limit"),
                                            match.Param("kind"), match.Param("subject")));
  EventPage page;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects&) {
    page = core.Events(filter);
    return absl::OkStatus();
  }));
  return EncodeEvents(page);
}

absl::StatusOr<std::string> RestApi::SetQuota(const Scope& scope, std::string_view body) const {
  SLUICE_ASSIGN_OR_RETURN(const Quota wanted, DecodeQuota(scope, body));
  Quota set;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects& effects) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(set, core.SetQuota(wanted, effects));
    return absl::OkStatus();
  }));
  return EncodeQuota(set);
}

absl::StatusOr<std::string> RestApi::GetLink(const LinkName& link) const {
  std::optional<LinkView> found;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects&) {
    found = core.ViewLink(link);
    return absl::OkStatus();
  }));
  if (!found)
    return absl::NotFoundError(
        StrCat("there is no link ", link.ToString(), ": both ends must be nodes of the fleet"));
  return EncodeLink(*found);
}

absl::StatusOr<std::string> RestApi::Metrics() const {
  MetricsView view;
  view.fleet = fleet_;
  view.version = version_;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects&) {
    view.controller = core.Status();
    view.nodes = core.Nodes();
    view.links = core.Links(/*all_pairs=*/false);
    view.quotas = core.Quotas();
    view.last_event = core.last_event();
    return absl::OkStatus();
  }));
  return EncodeMetrics(view);
}

absl::StatusOr<std::string> RestApi::Status() const {
  StatusView status;
  status.fleet = fleet_;
  status.version = version_;
  SLUICE_RETURN_IF_ERROR(Do([&](ControllerCore& core, Effects&) {
    status.controller = core.Status();
    status.nodes = core.Nodes();
    status.leases = core.Leases();
    status.links = core.Links(/*all_pairs=*/false);
    return absl::OkStatus();
  }));
  return EncodeStatus(status);
}

}  // namespace sluice
