// The controller's parts, put together.
#ifndef SLUICE_APPS_CONTROLLER_DAEMON_H_
#define SLUICE_APPS_CONTROLLER_DAEMON_H_

#include <functional>

#include "absl/status/status.h"
#include "apps/controller/flags.h"

namespace sluice {

// Serves until `wait` returns, then stops in the reverse order of the start.
absl::Status RunController(const ControllerFlags& flags, const std::function<void()>& wait);

}  // namespace sluice

#endif  // SLUICE_APPS_CONTROLLER_DAEMON_H_
