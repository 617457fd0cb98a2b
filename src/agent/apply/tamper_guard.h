// What the node knows of having been tampered with. It outlives the process and the boot.
#ifndef SLUICE_AGENT_APPLY_TAMPER_GUARD_H_
#define SLUICE_AGENT_APPLY_TAMPER_GUARD_H_

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "agent/apply/renewals.h"
#include "model/tamper.h"
#include "os/files/files_interface.h"
#include "proto/agent.pb.h"

namespace sluice {

// Not thread-safe. `files` outlives it.
class TamperGuard {
 public:
  // The mark is kept in each of `paths`; one of them is enough to keep the node shut.
  TamperGuard(Files& files, std::vector<std::string> paths, Renewals::Random random);

  // What earlier runs left. A mark that cannot be read is a mark.
  void Load(BootTime now);

  bool shut() const { return mark_.has_value(); }
  const TamperId& id() const { return id_; }
  // In words, for people.
  std::string Words() const;
  // As the controller is told. Only while shut.
  const agent::v1::Tamper& mark() const { return *mark_; }

  // False if the same was noted since the node was shut. Another event while it is shut
  // gets an id of its own, so that a readmission that was meant for the first lifts nothing.
  bool Note(const TamperEvent& event);
  void SetCutAt(BootTime at) { mark_->set_cut_at_ns(at.ns); }
  // Writes the mark wherever it is not yet; the first error. Call it again until OK.
  absl::Status Write();
  // Ends it, here and in the files. Still shut if it fails.
  absl::Status Lift();

 private:
  Files& files_;
  const std::vector<std::string> paths_;
  const Renewals::Random random_;
  std::optional<agent::v1::Tamper> mark_;
  TamperId id_{};
  std::set<std::pair<std::string, std::string>> noted_;  // sources and words
  std::set<std::string> unwritten_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_TAMPER_GUARD_H_
