// Makes a failing schedule as short as it gets.
#ifndef SLUICE_TESTS_SIM_SHRINK_H_
#define SLUICE_TESTS_SIM_SHRINK_H_

#include <functional>

#include "tests/sim/schedule.h"

namespace sluice::sim {

// Delta debugging (Zeller 2002) over the actions: leaves out what `fails` does
// not need, as long as `may_go_on`. `fails(schedule)` is true.
Schedule Shrink(Schedule schedule, const std::function<bool(const Schedule&)>& fails,
                const std::function<bool()>& may_go_on);

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_SHRINK_H_
