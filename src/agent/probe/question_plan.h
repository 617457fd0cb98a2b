// Which questions one port asks, and when.
#ifndef SLUICE_AGENT_PROBE_QUESTION_PLAN_H_
#define SLUICE_AGENT_PROBE_QUESTION_PLAN_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/probe/neighbour_table.h"
#include "base/clock.h"

namespace sluice {

// One kind of question, asked again and again.
struct Asking {
  std::string target;  // empty: whoever hears it
  bool nearest = false;
  absl::Duration interval;
  BootTime next;
  BootTime last;
  bool heard = false;  // the target is known to be there
  int64_t number = 0;  // among the targets: not all are asked in one breath
};

// The nearest neighbour is asked all the time. Targets that answer are asked more seldom the more
// places they answer at, so that one port has only so many answers to check. Whoever is there,
// and targets that nobody has heard, more seldom the more there are: such a question goes to all.
class QuestionPlan {
 public:
  // Takes note of who is to be asked (`terms` tells that `targets` have changed) and of who is
  // there. Questions that there were keep their time, but for a target that is heard at last.
  void Update(uint64_t terms, const std::set<std::string>& targets, const NeighbourTable& known,
              BootTime now);
  // Those to ask now; each is next due after its interval.
  std::vector<Asking> Due(BootTime now);
  // Somebody asked us in the name of `node`, which proves nothing. The question for it, if it is
  // a target that was not heard, and nobody was just asked so.
  std::optional<Asking> AskBack(const std::string& node, BootTime now);
  // When the next is due.
  BootTime Next() const;
  // After which a target that answers is asked again.
  absl::Duration target_interval() const { return target_interval_; }
  // At how many places targets are, or may be: as many ask us, as far as we know.
  size_t places() const { return places_; }

 private:
  void Renew(const std::set<std::string>& targets, BootTime now);
  void Repace(const NeighbourTable& known, BootTime now);

  std::optional<Asking> nearest_;
  std::optional<Asking> all_;
  std::map<std::string, Asking> targets_;
  std::optional<uint64_t> terms_;
  uint64_t changes_ = 0;
  size_t places_ = 0;
  absl::Duration target_interval_;
  BootTime asked_back_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_QUESTION_PLAN_H_
