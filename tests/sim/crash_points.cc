#include "tests/sim/crash_points.h"

namespace sluice::sim {

absl::Status SimStore::Commit(const Batch& batch) {
  if (std::exchange(failures_, failures_ > 0 ? failures_ - 1 : 0) > 0) {
    const absl::Status status = absl::ResourceExhaustedError("the disk is full");
    write_on_failure_ ? store_.FailCommitsAfterWriting(1, status) : store_.FailCommits(1, status);
    if (write_on_failure_) Note(batch);
    return store_.Commit(batch);
  }
  const Crash crash = std::exchange(crash_, Crash::kNever);
  if (crash == Crash::kBeforeWrite) throw ControllerDied{};
  const absl::Status status = store_.Commit(batch);
  if (status.ok()) Note(batch);
  if (crash == Crash::kAfterWrite) throw ControllerDied{};
  return status;
}

void SimStore::FailCommits(int count, bool written) {
  failures_ = count;
  write_on_failure_ = written;
}

void SimStore::Note(const Batch& batch) {
  for (const ScopeRecord& record : batch.scopes) scopes_[record.quota.scope] = record;
  for (const Scope& scope : batch.deleted_scopes) scopes_.erase(scope);
  for (const Scope& scope : batch.deleted_stops) stops_.erase(scope);
  for (const StopRecord& stop : batch.stops) stops_.insert(stop.scope);
  for (const LinkRecord& record : batch.links) {
    links_[record.link] = record;
    written_(record);
  }
}

const LinkRecord* SimStore::Find(const LinkName& link) const {
  const auto found = links_.find(link);
  return found == links_.end() ? nullptr : &found->second;
}

}  // namespace sluice::sim
