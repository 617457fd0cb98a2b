// What is wrong at this node right now, in words for the operator.
#ifndef SLUICE_AGENT_APPLY_FAULT_BOARD_H_
#define SLUICE_AGENT_APPLY_FAULT_BOARD_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"

namespace sluice {

// Faults under names. A state stands until it is cleared; an event (a message
// refused) fades after kEventLife, and counts how often it happened.
class FaultBoard {
 public:
  static constexpr absl::Duration kEventLife = absl::Minutes(1);

  void Set(const std::string& name, std::string words) { states_[name] = std::move(words); }
  void Clear(const std::string& name) { states_.erase(name); }
  // Set or Clear by a status.
  void Update(const std::string& name, const absl::Status& status);
  void Event(const std::string& words, BootTime now);

  std::vector<std::string> List(BootTime now) const;

 private:
  struct Happened {
    uint64_t count = 0;
    BootTime last;
  };
  std::map<std::string, std::string> states_;
  std::map<std::string, Happened> events_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_FAULT_BOARD_H_
