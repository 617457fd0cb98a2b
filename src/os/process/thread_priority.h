// Which threads run first.
#ifndef SLUICE_OS_PROCESS_THREAD_PRIORITY_H_
#define SLUICE_OS_PROCESS_THREAD_PRIORITY_H_

namespace sluice {

// The calling thread runs before all that have no real-time priority (sched(7), SCHED_RR, the
// lowest). For threads that sleep nearly always. False if the kernel does not let us.
bool PreferThisThread();

}  // namespace sluice

#endif  // SLUICE_OS_PROCESS_THREAD_PRIORITY_H_
