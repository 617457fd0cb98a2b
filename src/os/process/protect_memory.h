// Keeps what this process has in memory in memory.
#ifndef SLUICE_OS_PROCESS_PROTECT_MEMORY_H_
#define SLUICE_OS_PROCESS_PROTECT_MEMORY_H_

#include "absl/status/status.h"

namespace sluice {

// From now on no page of this process goes to swap (mlockall(2), pages as they are
// touched), and neither it nor what it starts leaves a core dump (RLIMIT_CORE,
// PR_SET_DUMPABLE). What it starts is not locked. Call it before there are keys and
// threads. PermissionDenied says what is missing.
absl::Status ProtectMemory();

}  // namespace sluice

#endif  // SLUICE_OS_PROCESS_PROTECT_MEMORY_H_
