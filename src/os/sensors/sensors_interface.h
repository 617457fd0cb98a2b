// What tamper sensors are read through: a socket, a file's changes, a GPIO line.
#ifndef SLUICE_OS_SENSORS_SENSORS_INTERFACE_H_
#define SLUICE_OS_SENSORS_SENSORS_INTERFACE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace sluice {

// A datagram and the user whose process sent it, by the kernel's word.
struct Datagram {
  std::string data;
  uint32_t uid = 0;
};

// Not thread-safe, as the others here. fd() is readable when there is something to take.
class DatagramSocket {
 public:
  virtual ~DatagramSocket() = default;
  virtual int fd() const = 0;
  // The next datagram, or nothing if none waits.
  virtual absl::StatusOr<std::optional<Datagram>> Receive() = 0;
};

// Says when a file may have changed, appeared or gone.
class FileWatch {
 public:
  virtual ~FileWatch() = default;
  virtual int fd() const = 0;
  // Forgets the changes so far, so that fd() is readable only after the next.
  virtual void Drain() = 0;
};

class GpioLine {
 public:
  virtual ~GpioLine() = default;
  virtual int fd() const = 0;
  struct State {
    bool high = false;     // now
    bool changed = false;  // at least once since the last call, whatever it is now
  };
  // An error means that the chip is gone or broken.
  virtual absl::StatusOr<State> Read() = 0;
};

}  // namespace sluice

#endif  // SLUICE_OS_SENSORS_SENSORS_INTERFACE_H_
