// ProcessRunner by posix_spawn(3).
#ifndef SLUICE_OS_PROCESS_PROCESS_H_
#define SLUICE_OS_PROCESS_PROCESS_H_

#include <string>
#include <vector>

#include "os/process/process_interface.h"

namespace sluice {

// The child is in the network namespace of the calling thread.
class PosixProcessRunner final : public ProcessRunner {
 public:
  absl::StatusOr<ProcessResult> Run(const std::vector<std::string>& command,
                                    const std::vector<std::string>& environment,
                                    absl::Duration timeout) override;
};

}  // namespace sluice

#endif  // SLUICE_OS_PROCESS_PROCESS_H_
