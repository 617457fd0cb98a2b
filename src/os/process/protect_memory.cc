#include "os/process/protect_memory.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cerrno>

#include "base/status.h"

namespace sluice {

absl::Status ProtectMemory() {
  const rlimit none{0, 0};
  if (setrlimit(RLIMIT_CORE, &none) != 0) return ErrnoStatus(errno, "cannot turn core dumps off");
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return ErrnoStatus(errno, "cannot turn core dumps off");
  // Without MCL_ONFAULT every thread's whole stack would be made resident.
  if (mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) != 0)
    return ErrnoStatus(errno, "cannot keep keys out of swap; give the process CAP_IPC_LOCK");
  return absl::OkStatus();
}

}  // namespace sluice
