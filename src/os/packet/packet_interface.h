// Ethernet frames of one type on one device, beside the kernel's own traffic (packet(7)).
#ifndef SLUICE_OS_PACKET_PACKET_INTERFACE_H_
#define SLUICE_OS_PACKET_PACKET_INTERFACE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"

namespace sluice {

using MacAddress = std::array<uint8_t, 6>;

struct ReceivedFrame {
  MacAddress source{};
  MacAddress destination{};
  std::string payload;  // behind the Ethernet header, padding included
  BootTime at;          // when the kernel took it in
  bool exact = true;    // false: somebody set the wall clock lately, and `at` is worth nothing
};

// Not thread-safe.
class PacketPort {
 public:
  virtual ~PacketPort() = default;
  virtual int fd() const = 0;  // readable when a frame waits
  // The next frame, or nothing if none waits. An error means that the device is gone or was
  // replaced: open it anew.
  virtual absl::StatusOr<std::optional<ReceivedFrame>> Receive() = 0;
  // The instant right before it was handed to the kernel. Unavailable while the device is down.
  virtual absl::StatusOr<BootTime> Send(const MacAddress& destination,
                                        std::string_view payload) = 0;
  // Whether the device is up and its cable says that somebody is there. NotFound as Receive.
  virtual absl::StatusOr<bool> Carrier() = 0;
};

class PacketPorts {
 public:
  virtual ~PacketPorts() = default;
  // Frames of `ethertype` to the device's own address, broadcast and `groups`.
  virtual absl::StatusOr<std::unique_ptr<PacketPort>> Open(
      const std::string& device, uint16_t ethertype, const std::vector<MacAddress>& groups) = 0;
};

}  // namespace sluice

#endif  // SLUICE_OS_PACKET_PACKET_INTERFACE_H_
