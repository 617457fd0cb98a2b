#include "tests/sim/shrink.h"

#include <algorithm>
#include <cstddef>

namespace sluice::sim {
namespace {

Schedule Without(const Schedule& schedule, size_t from, size_t count) {
  Schedule less = schedule;
  const auto begin = less.actions.begin() + static_cast<std::ptrdiff_t>(from);
  const size_t rest = less.actions.size() - from;
  less.actions.erase(begin, begin + static_cast<std::ptrdiff_t>(std::min(count, rest)));
  return less;
}

}  // namespace

Schedule Shrink(Schedule schedule, const std::function<bool(const Schedule&)>& fails,
                const std::function<bool()>& may_go_on) {
  for (size_t chunk = std::max<size_t>(schedule.actions.size() / 2, 1); chunk > 0;) {
    bool shorter = false;
    // From the end: what comes late is least likely to matter.
    size_t end = schedule.actions.size();
    while (end > 0 && may_go_on()) {
      const size_t from = end > chunk ? end - chunk : 0;
      Schedule less = Without(schedule, from, end - from);
      if (fails(less)) {
        schedule = std::move(less);
        shorter = true;
      }
      end = from;
    }
    if (!may_go_on()) break;
    if (!shorter || chunk > 1) chunk /= 2;
  }
  return schedule;
}

}  // namespace sluice::sim
