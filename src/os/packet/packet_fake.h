// Wires that a test lays between ports, bridges and eavesdroppers included.
#ifndef SLUICE_OS_PACKET_PACKET_FAKE_H_
#define SLUICE_OS_PACKET_PACKET_FAKE_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "os/packet/packet_interface.h"

namespace sluice {

// What a device with this name has to do with; kept by the test.
struct FakeDevice {
  MacAddress address{};
  bool present = true;
  bool carrier = true;
  std::map<uint16_t, std::deque<ReceivedFrame>> waiting;  // by EtherType
  // Where frames go that are sent from it.
  std::function<void(uint16_t ethertype, const ReceivedFrame& frame)> wire;
};

class PacketPortFake final : public PacketPort {
 public:
  PacketPortFake(std::shared_ptr<FakeDevice> device, uint16_t ethertype, const Clock& clock)
      : device_(std::move(device)), ethertype_(ethertype), clock_(clock) {}
  int fd() const override { return -1; }
  absl::StatusOr<std::optional<ReceivedFrame>> Receive() override {
    if (!device_->present) return absl::NotFoundError("the device is gone");
    std::deque<ReceivedFrame>& frames = device_->waiting[ethertype_];
    if (frames.empty()) return std::nullopt;
    ReceivedFrame frame = std::move(frames.front());
    frames.pop_front();
    return frame;
  }
  absl::StatusOr<BootTime> Send(const MacAddress& destination, std::string_view payload) override {
    if (!device_->present) return absl::NotFoundError("the device is gone");
    if (!device_->carrier) return absl::UnavailableError("down");
    const BootTime at = clock_.Now();
    if (device_->wire)
      device_->wire(ethertype_, {device_->address, destination, std::string(payload), at, true});
    return at;
  }
  absl::StatusOr<bool> Carrier() override {
    if (!device_->present) return absl::NotFoundError("the device is gone");
    return device_->carrier;
  }

 private:
  const std::shared_ptr<FakeDevice> device_;
  const uint16_t ethertype_;
  const Clock& clock_;
};

class PacketPortsFake final : public PacketPorts {
 public:
  explicit PacketPortsFake(const Clock& clock) : clock_(clock) {}
  absl::StatusOr<std::unique_ptr<PacketPort>> Open(const std::string& device, uint16_t ethertype,
                                                   const std::vector<MacAddress>&) override {
    if (!refuse.ok()) return refuse;
    const auto it = devices.find(device);
    if (it == devices.end() || !it->second->present) return absl::NotFoundError("no such device");
    return std::make_unique<PacketPortFake>(it->second, ethertype, clock_);
  }

  std::map<std::string, std::shared_ptr<FakeDevice>> devices;
  absl::Status refuse;  // why nothing can be opened

 private:
  const Clock& clock_;
};

}  // namespace sluice

#endif  // SLUICE_OS_PACKET_PACKET_FAKE_H_
