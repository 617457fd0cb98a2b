// Probers on wires that a test lays.
#ifndef SLUICE_AGENT_PROBE_PROBE_FABRIC_H_
#define SLUICE_AGENT_PROBE_PROBE_FABRIC_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/probe/prober.h"
#include "os/packet/packet_fake.h"
#include "wire/probe_frame.h"

namespace sluice {

// Machines with ports, and wires between them that take their time. Frames to the nearest
// group end at bridges.
class ProbeFabric {
 public:
  struct Box {
    std::string name;
    std::unique_ptr<PacketPortsFake> packets;
    std::unique_ptr<Prober> prober;
    std::map<std::string, PortWiring> said;
  };

  ProbeFabric() : controller_(Seed(200)) {}
  // Devices hold their wires, and wires the devices at their ends.
  ~ProbeFabric() {
    for (Box& box : boxes_) {
      for (auto& [port, device] : box.packets->devices) device->wire = nullptr;
    }
  }

  static Secret32 Seed(uint8_t number) {
    std::array<uint8_t, 32> bytes{};
    bytes.fill(number);
    return Secret32(bytes);
  }

  // `key` makes the identity; `vouched` is whether the controller gives it a credential.
  Box& Add(const std::string& name, std::vector<std::string> ports, uint8_t key,
           bool vouched = true, std::string fleet = "lab") {
    Box& box = boxes_.emplace_back();
    box.name = name;
    box.packets = std::make_unique<PacketPortsFake>(clock);
    for (const std::string& port : ports) {
      auto device = std::make_shared<FakeDevice>();
      device->address = {2, 0, 0, 0, 0, ++macs_};
      box.packets->devices[port] = device;
    }
    Prober::Config config{fleet,     name,
                          Seed(key), Ed25519PublicKey(Seed(200)),
                          ports,     [this](std::span<uint8_t> out) { Random(out); }};
    box.prober = std::make_unique<Prober>(config, clock, *box.packets);
    ProbeTerms terms;
    const Ed25519Signer liar(Seed(201));
    terms.credential =
        SignCredential(vouched ? controller_ : liar, {fleet, name, Ed25519PublicKey(Seed(key))});
    box.prober->SetTerms(terms);
    return box;
  }

  // Whom the controller wants `box` to prove a way to.
  void SetTargets(Box& box, uint8_t key, std::set<std::string> targets) {
    ProbeTerms terms;
    terms.credential = SignCredential(controller_, {"lab", box.name, Ed25519PublicKey(Seed(key))});
    terms.targets = std::move(targets);
    box.prober->SetTerms(std::move(terms));
  }

  std::shared_ptr<FakeDevice> Device(Box& box, const std::string& port) {
    return box.packets->devices.at(port);
  }

  // Several devices on one bridge, or two on a cable.
  void Join(std::vector<std::shared_ptr<FakeDevice>> devices, bool bridge,
            absl::Duration delay = absl::Microseconds(10)) {
    for (const auto& device : devices) {
      device->wire = [this, devices, bridge, delay, self = device.get()](
                         uint16_t type, const ReceivedFrame& frame) {
        if (bridge && frame.destination == kNearestGroup) return;
        for (const auto& other : devices) {
          if (other.get() == self) continue;
          const bool group = (frame.destination[0] & 1) != 0;
          if (group || frame.destination == other->address)
            flying_.push_back({clock.Now() + delay, other, type, frame});
        }
      };
    }
  }

  void Run(absl::Duration time, absl::Duration step = absl::Milliseconds(1)) {
    const BootTime end = clock.Now() + time;
    while (clock.Now() < end) {
      clock.Advance(step);
      for (int i = 0; i < 4; ++i) {
        Deliver();
        for (Box& box : boxes_) {
          if (paused.contains(box.name)) continue;
          if (auto report = box.prober->Run()) {
            for (PortWiring& port : report->ports) box.said[port.port] = std::move(port);
          }
        }
        clock.Advance(absl::Microseconds(15));
      }
    }
  }

  FakeClock clock;
  std::set<std::string> paused;
  std::vector<std::pair<uint16_t, ReceivedFrame>> captured;

 private:
  struct Flying {
    BootTime due;
    std::shared_ptr<FakeDevice> to;
    uint16_t type = 0;
    ReceivedFrame frame;
  };
  void Deliver() {
    std::deque<Flying> later;
    for (Flying& flying : flying_) {
      if (flying.due > clock.Now()) {
        later.push_back(std::move(flying));
        continue;
      }
      flying.frame.at = flying.due;
      captured.emplace_back(flying.type, flying.frame);
      if (flying.to->carrier) flying.to->waiting[flying.type].push_back(std::move(flying.frame));
    }
    flying_ = std::move(later);
  }
  void Random(std::span<uint8_t> out) {
    for (uint8_t& byte : out) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<uint8_t>(state_ >> 56);
    }
  }

  const Ed25519Signer controller_;
  std::deque<Box> boxes_;
  std::deque<Flying> flying_;
  uint8_t macs_ = 0;
  uint64_t state_ = 1;
};

inline auto Sees(const std::string& node, const std::string& port, bool nearest) {
  return ::testing::Field(
      &PortWiring::neighbours,
      ::testing::Contains(::testing::AllOf(::testing::Field(&Neighbour::port, PortName{node, port}),
                                           ::testing::Field(&Neighbour::nearest, nearest))));
}

inline auto Alarms(ProbeAlarm::Kind kind) {
  return ::testing::Field(&PortWiring::alarms,
                          ::testing::Contains(::testing::Field(&ProbeAlarm::kind, kind)));
}

class ProberTest : public ::testing::Test {
 protected:
  ProberTest() : a_(fabric_.Add("a1", {"fab0", "fab1"}, 1)), b_(fabric_.Add("b1", {"fab0"}, 2)) {}

  void Cable(absl::Duration delay = absl::Microseconds(10)) {
    fabric_.Join({fabric_.Device(a_, "fab0"), fabric_.Device(b_, "fab0")}, false, delay);
  }
  const PortWiring& A(const std::string& port = "fab0") { return a_.said[port]; }
  const PortWiring& B() { return b_.said["fab0"]; }

  ProbeFabric fabric_;
  ProbeFabric::Box& a_;
  ProbeFabric::Box& b_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_PROBE_FABRIC_H_
