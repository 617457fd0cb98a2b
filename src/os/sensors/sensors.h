// Sensors of this machine.
#ifndef SLUICE_OS_SENSORS_SENSORS_H_
#define SLUICE_OS_SENSORS_SENSORS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "os/sensors/sensors_interface.h"

namespace sluice {

// Binds a Unix datagram socket at `path`, mode 0600; what an earlier run left there is
// replaced. Only this process's user and root can send to it.
absl::StatusOr<std::unique_ptr<DatagramSocket>> BindDatagramSocket(const std::string& path);

// By inotify(7) on the file's directory, which must exist; the file need not.
absl::StatusOr<std::unique_ptr<FileWatch>> WatchFile(const std::string& path);

// By libgpiod: `chip` is a name, number or path. Unimplemented if the program was built
// without it. Never run on real hardware yet.
absl::StatusOr<std::unique_ptr<GpioLine>> RequestGpioLine(const std::string& chip, unsigned line);

}  // namespace sluice

#endif  // SLUICE_OS_SENSORS_SENSORS_H_
