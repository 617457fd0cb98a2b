// What each operation of the operator API does with the core.
#ifndef SLUICE_CONTROLLER_WEB_REST_API_H_
#define SLUICE_CONTROLLER_WEB_REST_API_H_

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/grants/core_runner.h"
#include "controller/web/routes.h"

namespace sluice {

struct ApiReply {
  int status = 200;
  std::string body;
  std::string_view type = "application/json";
};

// The reply that tells an error.
ApiReply ErrorReply(const absl::Status& status);

// Thread-safe. `core` outlives it.
class RestApi {
 public:
  RestApi(CoreRunner& core, std::string fleet, std::string version)
      : core_(core), fleet_(std::move(fleet)), version_(std::move(version)) {}

  // Does match.route's operation, which is any but the streams.
  ApiReply Handle(const RouteMatch& match, std::string_view body) const;

  // The body of GET /api/v1/links.
  absl::StatusOr<std::string> Links(bool all_pairs) const;

 private:
  using Task = std::function<absl::Status(ControllerCore&, Effects&)>;
  // Runs `task` on the core's thread; its status, or why it did not run.
  absl::Status Do(const Task& task) const;

  absl::StatusOr<std::string> Read(Operation operation) const;
  absl::StatusOr<std::string> Events(const RouteMatch& match) const;
  absl::StatusOr<std::string> DryRun(Operation operation, const Scope& scope,
                                     std::string_view body) const;
  absl::StatusOr<std::string> Change(const RouteMatch& match, std::string_view body) const;
  absl::StatusOr<std::string> AddNode(std::string_view body) const;
  absl::StatusOr<std::string> RemoveNode(const std::string& name) const;
  absl::StatusOr<std::string> ReadmitNode(const std::string& name, std::string_view body) const;
  absl::StatusOr<std::string> SetQuota(const Scope& scope, std::string_view body) const;
  absl::StatusOr<std::string> Revoke(const Scope& scope, std::string_view body) const;
  absl::StatusOr<std::string> Restore(const Scope& scope, std::string_view body) const;
  absl::StatusOr<std::string> ChangeScope(const RouteMatch& match, std::string_view body) const;
  absl::StatusOr<std::string> GetLink(const LinkName& link) const;
  absl::StatusOr<std::string> Status() const;
  absl::StatusOr<std::string> Metrics() const;

  // rest_wiring.cc
  absl::StatusOr<std::string> Wiring(const RouteMatch& match, std::string_view body) const;
  absl::StatusOr<std::string> GetTopology(bool findings_only) const;
  absl::StatusOr<std::string> MeasureCapacity(const std::string& port, std::string_view body) const;
  absl::StatusOr<std::string> ListPlans() const;
  absl::StatusOr<std::string> GetPlan(const std::string& version) const;
  absl::StatusOr<std::string> SetPlan(const RouteMatch& match, std::string_view body) const;
  absl::StatusOr<std::string> RemovePlan() const;
  absl::StatusOr<std::string> SetWiringPolicy(const std::string& scope, bool set,
                                              std::string_view body) const;

  CoreRunner& core_;
  const std::string fleet_;
  const std::string version_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_REST_API_H_
