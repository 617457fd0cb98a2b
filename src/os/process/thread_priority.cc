#include "os/process/thread_priority.h"

#include <pthread.h>
#include <sched.h>

namespace sluice {

bool PreferThisThread() {
  sched_param parameters{};
  parameters.sched_priority = sched_get_priority_min(SCHED_RR);
  return ::pthread_setschedparam(::pthread_self(), SCHED_RR, &parameters) == 0;
}

}  // namespace sluice
