// Sensors that a test speaks for.
#ifndef SLUICE_OS_SENSORS_SENSORS_FAKE_H_
#define SLUICE_OS_SENSORS_SENSORS_FAKE_H_

#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "os/sensors/sensors_interface.h"

namespace sluice {

// What the test holds while the code under test owns the sensor.
struct SensorsFakeState {
  std::deque<Datagram> datagrams;
  GpioLine::State line;
  absl::Status fails;  // not OK: what every call returns
  int drains = 0;
};

class DatagramSocketFake final : public DatagramSocket {
 public:
  explicit DatagramSocketFake(std::shared_ptr<SensorsFakeState> state) : state_(std::move(state)) {}
  int fd() const override { return -1; }
  absl::StatusOr<std::optional<Datagram>> Receive() override {
    if (!state_->fails.ok()) return state_->fails;
    if (state_->datagrams.empty()) return std::nullopt;
    Datagram first = std::move(state_->datagrams.front());
    state_->datagrams.pop_front();
    return first;
  }

 private:
  const std::shared_ptr<SensorsFakeState> state_;
};

class FileWatchFake final : public FileWatch {
 public:
  explicit FileWatchFake(std::shared_ptr<SensorsFakeState> state) : state_(std::move(state)) {}
  int fd() const override { return -1; }
  void Drain() override { ++state_->drains; }

 private:
  const std::shared_ptr<SensorsFakeState> state_;
};

// A line of a chip that the test may take away.
class GpioLineFake final : public GpioLine {
 public:
  explicit GpioLineFake(std::shared_ptr<SensorsFakeState> state) : state_(std::move(state)) {}
  int fd() const override { return 5; }
  absl::StatusOr<State> Read() override {
    if (!state_->fails.ok()) return state_->fails;
    return std::exchange(state_->line, {state_->line.high, false});
  }

 private:
  const std::shared_ptr<SensorsFakeState> state_;
};

}  // namespace sluice

#endif  // SLUICE_OS_SENSORS_SENSORS_FAKE_H_
