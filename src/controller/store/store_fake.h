// A store in memory, for tests and the simulator.
#ifndef SLUICE_CONTROLLER_STORE_STORE_FAKE_H_
#define SLUICE_CONTROLLER_STORE_STORE_FAKE_H_

#include <map>
#include <string>

#include "controller/store/store_interface.h"

namespace sluice {

class FakeStore final : public Store {
 public:
  absl::StatusOr<StoredState> Load() override;
  absl::Status Commit(const Batch& batch) override;

  // The next `count` commits fail with `status`.
  void FailCommits(int count, absl::Status status);
  // As above, but what they carried is durable all the same, as after a disk
  // that wrote and could not say so.
  void FailCommitsAfterWriting(int count, absl::Status status);
  // How many commits succeeded.
  int commits() const { return commits_; }
  // The state now, to go back to with Restore: an old backup.
  StoredState Snapshot() const;
  void Restore(const StoredState& state);

 private:
  void Apply(const Batch& batch);

  FleetRecord fleet_;
  std::map<std::string, NodeRecord> nodes_;
  std::map<uint32_t, TokenRecord> tokens_;
  std::map<LinkName, LinkRecord> links_;
  std::map<Scope, ScopeRecord> scopes_;
  std::map<Scope, StopRecord> stops_;
  std::map<uint64_t, FleetEvent> events_;
  std::map<uint64_t, PlanRecord> plans_;
  std::map<Scope, WiringPolicyRecord> policies_;
  int commits_ = 0;
  int failures_ = 0;
  bool write_on_failure_ = false;
  absl::Status failure_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_STORE_STORE_FAKE_H_
