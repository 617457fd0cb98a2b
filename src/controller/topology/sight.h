// What one end of a planned cable makes of its other end. Pure.
#ifndef SLUICE_CONTROLLER_TOPOLOGY_SIGHT_H_
#define SLUICE_CONTROLLER_TOPOLOGY_SIGHT_H_

#include <optional>
#include <string>
#include <vector>

#include "controller/topology/plan_graph.h"
#include "model/wiring.h"

namespace sluice {

// What was not heard in so long a time is not there.
inline constexpr absl::Duration kSettled = absl::Milliseconds(1500);

// A neighbour, and who it is by the plan and the enrolment.
struct KnownNeighbour {
  Neighbour neighbour;
  int port = -1;       // of the plan; -1: not in it
  bool honest = true;  // its identity is the one that this node enrolled with
};

// What a port with an agent says, ready to be judged.
struct PortSight {
  bool online = false;  // its node is connected and has spoken of the port, …
  bool absent = false;  // … or of its ports, and this is none of them
  PortWiring wiring;    // as last said; neighbours moved into …
  std::vector<KnownNeighbour> neighbours;
};

struct Sight {
  enum class Kind {
    kBlind,     // no agent there, or it is not connected
    kFresh,     // it has just begun to look and has not seen all yet
    kNothing,   // nobody
    kExpected,  // whom the plan names, and nobody else
    kThrough,   // not the neighbour itself, but those who are behind it
    kOther,     // somebody else
  };
  Kind kind = Kind::kBlind;
  bool proved = false;     // by signature; else claimed
  PortName other = {};     // kOther: who, as far as it is known
  std::string words = {};  // what was seen, for the evidence
  std::optional<absl::Duration> rtt = {};
};

// `port` is the sight's own. Without a report: kBlind.
Sight LookFrom(const PlanGraph& graph, int port, const PortSight& seen);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_TOPOLOGY_SIGHT_H_
