// Where a daemon's log lines go. Log with spdlog::info() and its siblings.
#ifndef SLUICE_BASE_LOG_H_
#define SLUICE_BASE_LOG_H_

#include <string_view>

#include "absl/status/status.h"

namespace sluice {

// Makes the default logger write lines "date time level name: message" to
// stderr, warnings and worse flushed at once. `level` is trace, debug, info,
// warn, error or off; any other is an invalid argument and changes nothing.
absl::Status InitLog(std::string_view name, std::string_view level);

}  // namespace sluice

#endif  // SLUICE_BASE_LOG_H_
