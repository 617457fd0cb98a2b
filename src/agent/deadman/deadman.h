// Cuts what has run out, without asking anyone. Pure: it says what and when;
// cutter.h does it.
#ifndef SLUICE_AGENT_DEADMAN_DEADMAN_H_
#define SLUICE_AGENT_DEADMAN_DEADMAN_H_

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "base/clock.h"
#include "model/names.h"

namespace sluice {

// Keeps the end of every open side. The gate refuses packets at that instant
// by itself; the deadman closes the side for good and takes its key away.
class Deadman {
 public:
  // The side is open until then; replaces what was known of it.
  void Watch(const LinkSide& side, BootTime expires_at);
  void Forget(const LinkSide& side);

  std::optional<BootTime> NextDeadline() const;
  // The sides whose end has come, earliest first. They stay until forgotten.
  std::vector<LinkSide> Due(BootTime now) const;

 private:
  std::map<LinkSide, BootTime> ends_;
  std::set<std::pair<BootTime, LinkSide>> by_end_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_DEADMAN_DEADMAN_H_
