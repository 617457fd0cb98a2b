#include "controller/web/routes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/secret.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/web/json_codec.h"
#include "model/plan_parser.h"

namespace sluice {
namespace {

constexpr std::array<Route, 33> kRoutes = {{
    {"GET", "/healthz", Operation::kHealth, true},
    {"GET", "/readyz", Operation::kReady, true},
    {"GET", "/metrics", Operation::kMetrics},
    {"GET", "/api/openapi.json", Operation::kDescribe, true},
    {"GET", "/api/v1/status", Operation::kGetStatus},
    {"GET", "/api/v1/nodes", Operation::kListNodes},
    {"POST", "/api/v1/nodes", Operation::kAddNode},
    {"DELETE", "/api/v1/nodes/{name}", Operation::kRemoveNode},
    {"POST", "/api/v1/nodes/{name}/readmit", Operation::kReadmitNode},
    {"GET", "/api/v1/nodes/{name}/history", Operation::kGetNodeHistory},
    {"GET", "/api/v1/quotas", Operation::kListQuotas},
    {"PUT", "/api/v1/quotas/{scope}", Operation::kSetQuota, false, "dry_run"},
    {"DELETE", "/api/v1/quotas/{scope}", Operation::kDeleteQuota, false, "dry_run"},
    {"GET", "/api/v1/leases", Operation::kListLeases},
    {"POST", "/api/v1/leases/{link}/revoke", Operation::kRevokeLink},
    {"POST", "/api/v1/leases/{link}/restore", Operation::kRestoreLink},
    {"POST", "/api/v1/scopes/{scope}/revoke", Operation::kRevokeScope, false, "dry_run"},
    {"POST", "/api/v1/scopes/{scope}/restore", Operation::kRestoreScope},
    {"GET", "/api/v1/revocations", Operation::kListRevocations},
    {"GET", "/api/v1/links", Operation::kListLinks, false, "all"},
    {"GET", "/api/v1/links/{link}", Operation::kGetLink},
    {"GET", "/api/v1/links/{link}/history", Operation::kGetLinkHistory},
    {"GET", "/api/v1/events", Operation::kListEvents, false, "before,kind,limit,subject"},
    {"GET", "/api/v1/topology", Operation::kGetTopology, false, "findings"},
    {"POST", "/api/v1/topology/ports/{port}/measure", Operation::kMeasureCapacity},
    {"GET", "/api/v1/plans", Operation::kListPlans},
    {"GET", "/api/v1/plans/{version}", Operation::kGetPlan},
    {"PUT", "/api/v1/plan", Operation::kSetPlan, false, "dry_run", 2 * kMostPlanBytes},
    {"DELETE", "/api/v1/plan", Operation::kRemovePlan},
    {"PUT", "/api/v1/wiring/{scope}", Operation::kSetWiringPolicy},
    {"DELETE", "/api/v1/wiring/{scope}", Operation::kUnsetWiringPolicy},
    {"GET", "/api/v1/stream", Operation::kStream},
    {"GET", "/api/v1/console/stream", Operation::kConsoleStream},
}};

// "%3E" as ">". Nothing if an escape is cut short or no hexadecimal number.
std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    absl::StatusOr<std::string> byte = FromHex(text.substr(i + 1, 2));
    if (!byte.ok() || byte->size() != 1) return std::nullopt;
    out += *byte;
    i += 2;
  }
  return out;
}

// What stands for the pattern's {…}; nothing if the path is not of this form.
std::optional<std::string_view> MatchPath(std::string_view pattern, std::string_view path) {
  const size_t open = pattern.find('{');
  if (open == std::string_view::npos)
    return path == pattern ? std::optional<std::string_view>("") : std::nullopt;
  const std::string_view head = pattern.substr(0, open);
  const std::string_view tail = pattern.substr(pattern.find('}') + 1);
  if (path.size() <= head.size() + tail.size() || !path.starts_with(head) || !path.ends_with(tail))
    return std::nullopt;
  std::string_view argument = path.substr(head.size(), path.size() - head.size() - tail.size());
  if (argument.find('/') != std::string_view::npos) return std::nullopt;
  return argument;
}

// "limit=5&kind=a%2Cb", if every name in it is among the route's.
absl::Status ParseQuery(const Route& route, std::string_view query, RouteMatch& match) {
  const std::vector<std::string> known =
      absl::StrSplit(ToAbsl(route.params), ',', absl::SkipEmpty());
  const std::vector<std::string> parts = absl::StrSplit(ToAbsl(query), '&', absl::SkipEmpty());
  for (const std::string_view part : parts) {
    const std::string_view name = part.substr(0, part.find('='));
    const auto value = PercentDecode(part.substr(std::min(part.size(), name.size() + 1)));
    const bool fits = value && std::ranges::count(known, name) > 0 && !match.query.contains(name);
    if (!fits)
      return WithField(
          absl::InvalidArgumentError(StrCat(
              "the query ", ForMessage(part), " is not known here, or twice, or not ",
              "percent-encoded as it should be; ",
              known.empty() ? "leave it out" : StrCat("you can use ", absl::StrJoin(known, ", ")))),
          name);
    match.query.emplace(name, *value);
  }
  return absl::OkStatus();
}

}  // namespace

std::span<const Route> Routes() { return kRoutes; }

std::string RouteMatch::Param(std::string_view name) const {
  const auto it = query.find(name);
  return it == query.end() ? "" : it->second;
}

absl::StatusOr<bool> RouteMatch::Flag(std::string_view name) const {
  const std::string value = Param(name);
  if (value == "1" || value == "true") return true;
  if (value == "0" || value == "false" || !query.contains(name)) return false;
  return WithField(absl::InvalidArgumentError(StrCat(name, "=", ForMessage(value), ": write ", name,
                                                     "=1 or leave it out")),
                   name);
}

absl::StatusOr<RouteMatch> FindRoute(std::string_view method, std::string_view target) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  const size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  const std::string_view query =
      question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  RouteMatch match;
  for (const Route& route : kRoutes) {
    std::optional<std::string_view> argument = MatchPath(route.path, path);
    if (!argument) continue;
    match.allow = StrCat(match.allow, match.allow.empty() ? "" : ", ", route.method);
    if (route.method != wanted) continue;
    std::optional<std::string> decoded = PercentDecode(*argument);
    if (!decoded)
      return absl::InvalidArgumentError(StrCat("the path ", ForMessage(path),
                                               " is not percent-encoded as it should be; "
                                               "write a1>b1 as a1%3Eb1"));
    match.route = &route;
    match.argument = *decoded;
    SLUICE_RETURN_IF_ERROR(ParseQuery(route, query, match));
  }
  if (match.allow.empty())
    return absl::NotFoundError(StrCat("there is nothing at ", ForMessage(path),
                                      "; /api/openapi.json lists what there is"));
  return match;
}

}  // namespace sluice
