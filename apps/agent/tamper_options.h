// The tamper sources that the command line asks for.
#ifndef SLUICE_APPS_AGENT_TAMPER_OPTIONS_H_
#define SLUICE_APPS_AGENT_TAMPER_OPTIONS_H_

#include <string>

#include "absl/status/statusor.h"
#include "agent/session/tamper_watch.h"
#include "apps/agent/flags.h"
#include "base/clock.h"
#include "os/files/files_interface.h"

namespace sluice {

// What is wrong with "PATH:KEYFILE[:INTERVAL]" or "CHIP:LINE[:low|high]"; "" if nothing.
std::string CheckSensorOption(const std::string& text);
std::string CheckGpioOption(const std::string& text);

// Opens them all; the first that cannot be opened is an error, since a sensor that an
// operator believes in must not be missing. `files` outlives them; only they use it.
absl::StatusOr<TamperWatch::Sources> OpenTamperSources(const AgentFlags& flags, const Clock& clock,
                                                       Files& files);

}  // namespace sluice

#endif  // SLUICE_APPS_AGENT_TAMPER_OPTIONS_H_
