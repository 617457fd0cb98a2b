// How other threads reach the core: by a task on the thread that owns it.
#ifndef SLUICE_CONTROLLER_GRANTS_CORE_RUNNER_H_
#define SLUICE_CONTROLLER_GRANTS_CORE_RUNNER_H_

#include <functional>

#include "absl/status/status.h"
#include "controller/grants/controller_core.h"

namespace sluice {

class CoreRunner {
 public:
  virtual ~CoreRunner() = default;

  // Runs `task` on the core's thread and returns OK when it has run and its
  // effects are carried out. Unavailable, and `task` never runs, when the daemon
  // is stopping or has too much waiting; it never waits without end. Callable
  // from any thread but the core's own.
  virtual absl::Status Run(std::function<void(ControllerCore&, Effects&)> task) = 0;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_GRANTS_CORE_RUNNER_H_
