// A ProcessRunner that runs nothing, for tests.
#ifndef SLUICE_OS_PROCESS_PROCESS_FAKE_H_
#define SLUICE_OS_PROCESS_PROCESS_FAKE_H_

#include <functional>
#include <string>
#include <vector>

#include "os/process/process_interface.h"

namespace sluice {

class ProcessRunnerFake final : public ProcessRunner {
 public:
  // What each run gives; the default succeeds without output.
  std::function<absl::StatusOr<ProcessResult>(const std::vector<std::string>& command)> on_run =
      [](const std::vector<std::string>&) { return ProcessResult{}; };
  std::vector<std::vector<std::string>> commands;  // that were run

  absl::StatusOr<ProcessResult> Run(const std::vector<std::string>& command,
                                    const std::vector<std::string>& /*environment*/,
                                    absl::Duration /*timeout*/) override {
    commands.push_back(command);
    return on_run(command);
  }
};

}  // namespace sluice

#endif  // SLUICE_OS_PROCESS_PROCESS_FAKE_H_
