// Helper programs of other people.
#ifndef SLUICE_OS_PROCESS_PROCESS_INTERFACE_H_
#define SLUICE_OS_PROCESS_PROCESS_INTERFACE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sluice {

struct ProcessResult {
  int exit_code = 0;   // of a program that a signal ended: 128 + signal
  std::string output;  // stdout and stderr together, at most the first 64 KiB
};

// Thread-safe.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;

  // Runs `command` (a path, or a name looked up in PATH) and waits for it to
  // end. It starts in a session of its own with an empty stdin, no descriptor
  // of ours and the environment given in `environment` ("KEY=value") and
  // nothing else but PATH, so what it leaves running in the background outlives
  // this process and gets none of its signals. It must have closed its stdout
  // and stderr by then: output is read to its end.
  //
  // NotFound if there is no such program; DeadlineExceeded after `timeout`, and
  // then its process group has been killed.
  virtual absl::StatusOr<ProcessResult> Run(const std::vector<std::string>& command,
                                            const std::vector<std::string>& environment,
                                            absl::Duration timeout) = 0;
};

}  // namespace sluice

#endif  // SLUICE_OS_PROCESS_PROCESS_INTERFACE_H_
