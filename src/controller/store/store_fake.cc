#include "controller/store/store_fake.h"

#include <utility>

namespace sluice {

absl::StatusOr<StoredState> FakeStore::Load() { return Snapshot(); }

absl::Status FakeStore::Commit(const Batch& batch) {
  if (failures_ > 0) {
    --failures_;
    if (write_on_failure_) Apply(batch);
    return failure_;
  }
  Apply(batch);
  ++commits_;
  return absl::OkStatus();
}

void FakeStore::FailCommits(int count, absl::Status status) {
  failures_ = count;
  failure_ = std::move(status);
  write_on_failure_ = false;
}

void FakeStore::FailCommitsAfterWriting(int count, absl::Status status) {
  FailCommits(count, std::move(status));
  write_on_failure_ = true;
}

StoredState FakeStore::Snapshot() const {
  StoredState state;
  state.fleet = fleet_;
  for (const auto& [name, node] : nodes_) state.nodes.push_back(node);
  for (const auto& [index, token] : tokens_) state.tokens.push_back(token);
  for (const auto& [name, link] : links_) state.links.push_back(link);
  for (const auto& [scope, record] : scopes_) state.scopes.push_back(record);
  for (const auto& [scope, record] : stops_) state.stops.push_back(record);
  for (const auto& [id, event] : events_) state.events.push_back(event);
  for (const auto& [version, plan] : plans_) state.plans.push_back(plan);
  for (const auto& [scope, policy] : policies_) state.policies.push_back(policy);
  return state;
}

void FakeStore::Restore(const StoredState& state) {
  *this = FakeStore();
  Batch batch;
  batch.fleet = state.fleet;
  batch.nodes = state.nodes;
  batch.tokens = state.tokens;
  batch.links = state.links;
  batch.scopes = state.scopes;
  batch.stops = state.stops;
  batch.events = state.events;
  batch.plans = state.plans;
  batch.policies = state.policies;
  Apply(batch);
}

void FakeStore::Apply(const Batch& batch) {
  if (batch.fleet) fleet_ = *batch.fleet;
  for (const std::string& name : batch.deleted_nodes) nodes_.erase(name);
  for (const NodeRecord& node : batch.nodes) nodes_[node.name] = node;
  for (uint32_t index : batch.deleted_tokens) tokens_.erase(index);
  for (const TokenRecord& token : batch.tokens) tokens_[token.index] = token;
  for (const LinkRecord& link : batch.links) links_[link.link] = link;
  for (const Scope& scope : batch.deleted_scopes) scopes_.erase(scope);
  for (const ScopeRecord& scope : batch.scopes) scopes_[scope.quota.scope] = scope;
  for (const Scope& scope : batch.deleted_stops) stops_.erase(scope);
  for (const StopRecord& stop : batch.stops) stops_[stop.scope] = stop;
  for (const FleetEvent& event : batch.events) events_[event.id] = event;
  for (const uint64_t id : batch.deleted_events) events_.erase(id);
  for (const PlanRecord& plan : batch.plans) plans_[plan.version] = plan;
  for (const uint64_t version : batch.deleted_plans) plans_.erase(version);
  for (const Scope& scope : batch.deleted_policies) policies_.erase(scope);
  for (const WiringPolicyRecord& policy : batch.policies) policies_[policy.scope] = policy;
}

}  // namespace sluice
