// What sluicectl can do. Each function checks its arguments with the same
// parsers as the controller's and gives back an action, or InvalidArgument;
// only the action talks to the controller.
#ifndef SLUICE_APPS_CTL_COMMANDS_H_
#define SLUICE_APPS_CTL_COMMANDS_H_

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client.h"
#include "model/quota.h"

namespace sluice::ctl {

struct Context {
  ApiClient& client;
  bool json = false;  // print the API's JSON instead of a table
  std::ostream& out;  // what was asked for
  std::ostream& err;  // remarks for people
};

using Action = std::function<absl::Status(Context&)>;

struct NodeAddArgs {
  std::string name;
  std::string enclosure;
  std::string role = "node";
  std::vector<std::string> prefixes;
};
absl::StatusOr<Action> NodeAdd(const NodeAddArgs& args);
absl::StatusOr<Action> NodeRemove(const std::string& name);
absl::StatusOr<Action> NodeReadmit(const std::string& name);
Action NodeList();

struct QuotaSetArgs {
  std::string scope;
  std::string rate;
  std::string volume;  // rate or volume may be empty on a scope that is no link
  std::string per = "lifetime";
  std::string lease;  // empty: kDefaultLeaseLifetime, on other scopes the longest
  std::string burst;  // empty: DefaultBurst(rate)
  bool dry_run = false;
};
// The quota that the arguments say; errors name the flag that is wrong.
absl::StatusOr<Quota> ParseQuota(const QuotaSetArgs& args);
// The body of PUT /api/v1/quotas/{scope}.
Json QuotaBody(const Quota& quota);

absl::StatusOr<Action> QuotaSet(const QuotaSetArgs& args);
absl::StatusOr<Action> QuotaDelete(const std::string& scope);
Action QuotaList();

absl::StatusOr<Action> LeaseRevoke(const std::string& link, const std::string& reason);
absl::StatusOr<Action> LeaseRestore(const std::string& link);
Action LeaseList();

// All links that have an end in it, until it is restored. They wait, for some seconds at
// most, until the controller knows that all ends are silent, and say how long it took.
absl::StatusOr<Action> NodeRevoke(const std::string& name, const std::string& reason);
absl::StatusOr<Action> NodeRestore(const std::string& name);
absl::StatusOr<Action> EnclosureRevoke(const std::string& name, const std::string& reason);
absl::StatusOr<Action> EnclosureRestore(const std::string& name);
Action FleetStop(const std::string& reason);
Action FleetResume();
Action RevocationList();

struct EventListArgs {
  std::string scope;  // empty: all
  int limit = 50;
};
absl::StatusOr<Action> EventList(const EventListArgs& args);

// Explains every mistake of a plan's file, without a controller.
absl::Status PlanCheck(const std::string& path, bool json, std::ostream& out);
absl::StatusOr<Action> PlanSet(const std::string& path, bool dry_run);
Action PlanRemove();
Action PlanShow(const std::string& version);  // or "active"
Action PlanHistory();
// Each a file, a version or "active".
Action PlanDiff(const std::string& before, const std::string& after);
Action TopologyShow(bool findings);
// Waits, for some seconds at most, for what the measurement proves.
absl::StatusOr<Action> TopologyCapacity(const std::string& port);
absl::StatusOr<Action> TopologyPolicy(const std::string& scope, const std::string& policy);

Action LinkList(bool all);
absl::StatusOr<Action> LinkShow(const std::string& link);
Action ShowStatus();

}  // namespace sluice::ctl

#endif  // SLUICE_APPS_CTL_COMMANDS_H_
