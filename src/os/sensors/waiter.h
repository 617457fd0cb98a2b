// Sleeping until a descriptor is readable, a time has come, or somebody calls.
#ifndef SLUICE_OS_SENSORS_WAITER_H_
#define SLUICE_OS_SENSORS_WAITER_H_

#include <vector>

#include "absl/time/time.h"
#include "os/sensors/unix_fd.h"

namespace sluice {

class Waiter {
 public:
  Waiter();
  // Until one of the descriptors is readable or broken, Wake was called, or the timeout is
  // over. Negative descriptors are skipped. One thread at a time.
  void Wait(const std::vector<int>& descriptors, absl::Duration timeout);
  // Ends the present or the next Wait. Thread-safe.
  void Wake();

 private:
  UnixFd event_;
};

}  // namespace sluice

#endif  // SLUICE_OS_SENSORS_WAITER_H_
