// The controller's parts, put together.
#ifndef SLUICE_APPS_CONTROLLER_DAEMON_H_
#define SLUICE_APPS_CONTROLLER_DAEMON_H_

#include <functional>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "apps/controller/flags.h"

namespace sluice {

// Waits at most so long for the word to stop; true when it has come.
using StopWait = std::function<bool(absl::Duration)>;

// Serves until `wait` says stop, then stops in the reverse order of the start. Starts
// anew, as after a crash, when the control tunnel is taken from under it.
absl::Status RunController(const ControllerFlags& flags, const StopWait& wait);

}  // namespace sluice

#endif  // SLUICE_APPS_CONTROLLER_DAEMON_H_
