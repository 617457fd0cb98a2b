// The declared topology: what is cabled to what, as an operator wrote it down.
#ifndef SLUICE_MODEL_PLAN_H_
#define SLUICE_MODEL_PLAN_H_

#include <compare>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/units.h"

namespace sluice {

// A fabric port of a node, or a port of a switch.
struct PortName {
  std::string node;
  std::string port;
  friend auto operator<=>(const PortName&, const PortName&) = default;
  std::string ToString() const { return node + ":" + port; }
  template <typename H>
  friend H AbslHashValue(H hash, const PortName& name) {
    return H::combine(std::move(hash), name.node, name.port);
  }
};

// Where something stands in the file, both from 1.
struct PlanPlace {
  int line = 0;
  int column = 0;
  friend bool operator==(const PlanPlace&, const PlanPlace&) = default;
};

struct PlanNode {
  enum class Role { kNode, kGateway, kSwitch, kController };
  std::string name = {};
  Role role = Role::kNode;
  std::string enclosure = {};  // of nodes and gateways only
  // How often a switch says by LLDP what it is, so that its silence is a fault; infinite: perhaps
  // never.
  absl::Duration lldp_every = absl::InfiniteDuration();
  PlanPlace place = {};

  // Whether an agent runs on it, which can prove things.
  bool has_agent() const { return role == Role::kNode || role == Role::kGateway; }
};

struct PlanCable {
  PortName a = {};
  PortName b = {};
  BitRate speed = {};  // 0: not declared
  // The longest round trip that a cable of this length can explain; infinite: not declared.
  absl::Duration max_rtt = absl::InfiniteDuration();
  PlanPlace place = {};
};

// As it was written, in that order. Names in cables are those of nodes, and a port is in one
// cable only: the parser sees to it.
struct Plan {
  std::vector<PlanNode> nodes = {};
  std::vector<PlanCable> cables = {};
};

}  // namespace sluice

#endif  // SLUICE_MODEL_PLAN_H_
