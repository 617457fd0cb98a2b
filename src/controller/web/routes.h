// Which requests the operator API knows.
#ifndef SLUICE_CONTROLLER_WEB_ROUTES_H_
#define SLUICE_CONTROLLER_WEB_ROUTES_H_

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace sluice {

enum class Operation {
  kHealth,
  kReady,
  kDescribe,
  kGetStatus,
  kListNodes,
  kAddNode,
  kRemoveNode,
  kReadmitNode,
  kGetNodeHistory,
  kListQuotas,
  kSetQuota,
  kDeleteQuota,
  kListLeases,
  kRevokeLink,
  kRestoreLink,
  kRevokeScope,
  kRestoreScope,
  kListRevocations,
  kListLinks,
  kGetLink,
  kGetLinkHistory,
  kListEvents,
  kGetTopology,
  kMeasureCapacity,
  kListPlans,
  kGetPlan,
  kSetPlan,
  kRemovePlan,
  kSetWiringPolicy,
  kUnsetWiringPolicy,
  kMetrics,
  kStream,
  kConsoleStream,
};

struct Route {
  std::string_view method;
  std::string_view path;  // as in docs/openapi.json: "/api/v1/links/{link}"
  Operation operation;
  bool open = false;             // served without the admin token
  std::string_view params = {};  // that its query may have: "limit,before"
  size_t max_body = 0;           // in bytes; 0: as the server has it
};

// Every route there is.
std::span<const Route> Routes();

struct RouteMatch {
  const Route* route = nullptr;  // null: the path is served, but not with this method
  std::string allow;             // the path's methods: "GET, PUT"
  std::string argument;          // what stands for {…}, decoded
  std::map<std::string, std::string, std::less<>> query;  // decoded

  // "" if it is not there.
  std::string Param(std::string_view name) const;
  // Whether it is 1 or true; false without it. InvalidArgument for anything else.
  absl::StatusOr<bool> Flag(std::string_view name) const;
};

// The route of a request line's method and target. HEAD counts as GET. NotFound
// if the path is not served; InvalidArgument for bad percent-encoding or a query
// that the route does not have.
absl::StatusOr<RouteMatch> FindRoute(std::string_view method, std::string_view target);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_ROUTES_H_
