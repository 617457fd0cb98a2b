// sluice-controller's command line.
#ifndef SLUICE_APPS_CONTROLLER_FLAGS_H_
#define SLUICE_APPS_CONTROLLER_FLAGS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/units.h"

namespace sluice {

struct ControllerFlags {
  std::string state_directory = "/var/lib/sluice-controller";
  std::string run_directory = "/run/sluice";
  std::string fleet;
  std::string control_device = "slc0";
  uint16_t control_port = 51819;
  uint16_t grpc_port = 7443;
  std::string endpoint;
  std::string api_listen = "127.0.0.1:8080";
  int api_fd = -1;
  absl::Duration heartbeat = absl::Milliseconds(200);
  absl::Duration token_lifetime = absl::Hours(1);
  double clock_rate_error = 0.001;
  absl::Duration enforcement_delay = absl::Milliseconds(10);
  std::string dark_node = "suspend";
  std::string tunnel = "auto";
  absl::Duration key_lifetime = absl::Minutes(10);
  Bytes key_volume{1'000'000'000'000};
  std::string log_level = "info";
};

// Nothing when the program should end at once, with `exit_code`: help was
// printed, or the usage error.
std::optional<ControllerFlags> ParseFlags(int argc, char** argv, int& exit_code);

}  // namespace sluice

#endif  // SLUICE_APPS_CONTROLLER_FLAGS_H_
