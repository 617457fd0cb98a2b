// Where the ledger lives.
#ifndef SLUICE_CONTROLLER_STORE_STORE_INTERFACE_H_
#define SLUICE_CONTROLLER_STORE_STORE_INTERFACE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "model/fleet_event.h"
#include "model/ledger.h"
#include "model/names.h"

namespace sluice {

// Everything that is durable.
struct StoredState {
  FleetRecord fleet;
  std::vector<NodeRecord> nodes;
  std::vector<TokenRecord> tokens;
  std::vector<LinkRecord> links;
  std::vector<ScopeRecord> scopes;
  std::vector<StopRecord> stops;
  std::vector<FleetEvent> events;  // by id
  std::vector<PlanRecord> plans;   // by version
  std::vector<WiringPolicyRecord> policies;
  friend bool operator==(const StoredState&, const StoredState&) = default;
};

// Changes that become durable together. A record replaces the one of the same
// key (a node's name, a token's index, a link's name, a scope, an event's id, a
// plan's version).
struct Batch {
  std::optional<FleetRecord> fleet;
  std::vector<NodeRecord> nodes;
  std::vector<std::string> deleted_nodes;
  std::vector<TokenRecord> tokens;
  std::vector<uint32_t> deleted_tokens;
  std::vector<LinkRecord> links;  // never deleted: their sequences only grow
  std::vector<ScopeRecord> scopes;
  std::vector<Scope> deleted_scopes;
  std::vector<StopRecord> stops;
  std::vector<Scope> deleted_stops;
  std::vector<FleetEvent> events;
  std::vector<uint64_t> deleted_events;
  std::vector<PlanRecord> plans;
  std::vector<uint64_t> deleted_plans;
  std::vector<WiringPolicyRecord> policies;
  std::vector<Scope> deleted_policies;

  bool empty() const {
    return !fleet && nodes.empty() && deleted_nodes.empty() && tokens.empty() &&
           deleted_tokens.empty() && links.empty() && scopes.empty() && deleted_scopes.empty() &&
           stops.empty() && deleted_stops.empty() && events.empty() && deleted_events.empty() &&
           plans.empty() && deleted_plans.empty() && policies.empty() && deleted_policies.empty();
  }
};

// Not thread-safe. Held by one process at a time.
class Store {
 public:
  virtual ~Store() = default;

  // The whole state; a new store's is empty. DataLoss if a record does not
  // decode: nothing is repaired or skipped.
  virtual absl::StatusOr<StoredState> Load() = 0;

  // When this returns OK, the whole batch is durable; when it fails, the caller
  // acts as if none of it were, though a crash may still bring it to light.
  // ResourceExhausted: the disk is full; it may be tried again later.
  // InvalidArgument: a value does not fit the store; nothing was written.
  virtual absl::Status Commit(const Batch& batch) = 0;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_STORE_STORE_INTERFACE_H_
