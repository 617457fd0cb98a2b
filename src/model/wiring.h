// What a node has found out about its own fabric ports: its part of the observed topology.
#ifndef SLUICE_MODEL_WIRING_H_
#define SLUICE_MODEL_WIRING_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "base/secret.h"
#include "base/units.h"
#include "model/plan.h"

namespace sluice {

// Names one run of an agent: two of them under one name are two boxes.
using ProbeInstance = std::array<uint8_t, 8>;

// A port that has just proved, by its node's signature over our nonce, that it hears us.
struct Neighbour {
  PortName port = {};
  // It answered frames that no bridge forwards (IEEE 802.1Q, 8.6.3): nothing that keeps to
  // the standard stands between. A port may be a neighbour both ways.
  bool nearest = false;
  PublicKey identity{};
  ProbeInstance instance{};
  // The least of the last second's round trips, without the time that it kept the frame.
  std::optional<absl::Duration> rtt = {};
  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

// What a box says of itself by LLDP (IEEE 802.1AB). Anybody can say anything.
struct LldpClaim {
  std::string system = {};       // system name
  std::string chassis = {};      // chassis id, as text
  std::string port = {};         // port id, as text
  std::string description = {};  // port description
  friend auto operator<=>(const LldpClaim&, const LldpClaim&) = default;
};

// Frames on a port that should not be there.
struct ProbeAlarm {
  enum class Kind {
    kForged,     // signed by nobody of this fleet, or not as the protocol has it
    kReplayed,   // an answer to a question that was answered before or never asked
    kMisplaced,  // a true answer, but to another port's question: somebody carries frames
    kCloned,     // two boxes prove that they are the same node
  };
  Kind kind = Kind::kForged;
  PortName about = {};  // whose frames they are said to be; empty if nobody knows
  std::string words = {};
  uint64_t frames = 0;  // since the agent began
  friend bool operator==(const ProbeAlarm&, const ProbeAlarm&) = default;
};

// What a cable was proved to carry at least.
struct PortCapacity {
  PortName to = {};
  BitRate rate = {};
  uint64_t number = 0;  // counts the port's measurements
  friend bool operator==(const PortCapacity&, const PortCapacity&) = default;
};

struct PortWiring {
  std::string port = {};
  bool carrier = false;
  // How long the agent has listened here; and since the carrier last came up in that time, if
  // it did. What was not heard in a moment is not missing.
  absl::Duration listening = absl::ZeroDuration();
  std::optional<absl::Duration> plugged = {};
  std::vector<Neighbour> neighbours = {};  // of the last second or so
  std::vector<LldpClaim> claims = {};      // that their senders keep up
  std::vector<ProbeAlarm> alarms = {};     // of the last ten seconds
  std::optional<PortCapacity> capacity = {};
};

// What a node says at once. A port that it names replaces what was said of it before.
struct NodeWiring {
  ProbeInstance instance{};
  bool whole = false;  // there are no other ports than these
  std::vector<PortWiring> ports = {};
};

}  // namespace sluice

#endif  // SLUICE_MODEL_WIRING_H_
