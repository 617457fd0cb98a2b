#include "controller/topology/sight.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace sluice {
namespace {

using Kind = Sight::Kind;

Sight Other(PortName who, bool proved, std::string words) {
  return {Kind::kOther, proved, std::move(who), std::move(words), {}};
}

std::string Whose(const KnownNeighbour& known) {
  const std::string name = known.neighbour.port.ToString();
  if (!known.honest) return StrCat(name, " (under another identity than it enrolled with)");
  return known.port < 0 ? StrCat(name, ", which is not in the plan,") : name;
}

std::string Claimed(const LldpClaim& claim) {
  const std::string& system = claim.system.empty() ? claim.chassis : claim.system;
  return StrCat(system, ":", claim.port);
}

// Switches may write their name with a domain, and the port's name as id or description.
PortName ClaimedPort(const PlanGraph& graph, const LldpClaim& claim) {
  const std::string& system = claim.system.empty() ? claim.chassis : claim.system;
  const std::string host = system.substr(0, system.find('.'));
  for (const std::string& node : {system, host}) {
    for (const std::string& port : {claim.port, claim.description}) {
      PortName name{node, port};
      if (graph.FindPort(name)) return name;
    }
  }
  return {host, claim.port};
}

bool Names(const PlanGraph& graph, const LldpClaim& claim, const PortName& port) {
  return ClaimedPort(graph, claim) == port;
}

// No answer yet from an agent that has just begun says nothing; after a cable was plugged in
// under its eyes it does.
Sight Nobody(const PortSight& seen) {
  const bool fresh = seen.wiring.listening < kSettled && !seen.wiring.plugged;
  if (seen.absent)
    return {Kind::kNothing,
            false,
            {},
            "its agent has no such port; start it with this --fabric-port, or take the cable out "
            "of the plan",
            {}};
  if (!seen.wiring.carrier) return {Kind::kNothing, false, {}, "the port has no carrier", {}};
  if (fresh) return {Kind::kFresh, false, {}, "the agent has just begun to look", {}};
  return {Kind::kNothing, false, {}, "nobody answers", {}};
}

class Looker {
 public:
  Looker(const PlanGraph& graph, int port, const PortSight& seen)
      : graph_(graph), port_(port), seen_(seen), expected_(graph.ports()[port].peer) {}

  Sight AtAgent() const {
    const KnownNeighbour* planned = nullptr;
    for (const KnownNeighbour& known : seen_.neighbours) {
      if (!known.neighbour.nearest) continue;
      if (!IsExpected(known)) return Stranger(known);
      planned = &known;
    }
    for (const KnownNeighbour& known : seen_.neighbours) {
      if (!IsExpected(known)) return Behind(known);
    }
    if (planned != nullptr) return {Kind::kExpected, true, {}, "proved", planned->neighbour.rtt};
    for (const KnownNeighbour& known : seen_.neighbours) {
      return {Kind::kThrough,
              true,
              {},
              "it answers, but not to frames that no bridge forwards: something stands between",
              known.neighbour.rtt};
    }
    // What the planned neighbour says of itself proves nothing, and accuses nobody either.
    for (const LldpClaim& claim : seen_.wiring.claims) {
      if (!Names(graph_, claim, graph_.ports()[expected_].name)) return Claims(claim);
    }
    return Nobody(seen_);
  }

  Sight AtSwitch() const {
    bool inside = false;
    const KnownNeighbour* outside = nullptr;
    for (const KnownNeighbour& known : seen_.neighbours) {
      if (known.neighbour.nearest) return Stranger(known);
      // Those who are not in the plan are no fault of this cable.
      if (known.port < 0 || !known.honest) continue;
      if (graph_.Reach(port_, known.port))
        inside = true;
      else if (SameNode(known.port))
        continue;
      else
        outside = &known;
    }
    // Where both are seen, it is the other one that is in the wrong fabric.
    if (outside != nullptr && !inside) {
      Sight other = Behind(*outside);
      other.words = StrCat("it reaches ", Whose(*outside), ", which by the plan it cannot");
      return other;
    }
    return ByClaims(inside);
  }

 private:
  bool IsExpected(const KnownNeighbour& known) const {
    return known.port == expected_ && known.honest;
  }
  bool SameNode(int other) const {
    return graph_.ports()[other].node == graph_.ports()[port_].node;
  }

  static Sight Stranger(const KnownNeighbour& known) {
    return Other(known.neighbour.port, true, StrCat(Whose(known), " proves to be there"));
  }

  // Who answers from behind a switch tells less of the cable than what the switch says.
  Sight Behind(const KnownNeighbour& known) const {
    for (const LldpClaim& claim : seen_.wiring.claims) {
      const PortName port = ClaimedPort(graph_, claim);
      if (!known.neighbour.nearest && port != graph_.ports()[expected_].name &&
          graph_.FindPort(port))
        return Claims(claim);
    }
    return Stranger(known);
  }

  Sight Claims(const LldpClaim& claim) const {
    return Other(ClaimedPort(graph_, claim), false,
                 StrCat("by LLDP it claims to be ", Claimed(claim)));
  }

  Sight ByClaims(bool inside) const {
    const PortName& name = graph_.ports()[expected_].name;
    const std::vector<LldpClaim>& claims = seen_.wiring.claims;
    const auto wrong =
        std::ranges::find_if(claims, [&](const LldpClaim& c) { return !Names(graph_, c, name); });
    if (wrong != claims.end() && claims.size() > 1) {
      Sight two = Other({}, false, "several boxes claim by LLDP to be there: ");
      for (const LldpClaim& claim : claims)
        two.words += StrCat(&claim == &claims.front() ? "" : ", ", Claimed(claim));
      return two;
    }
    if (wrong != claims.end()) return Claims(*wrong);
    if (!claims.empty())
      return {Kind::kExpected, false, {}, "claimed by LLDP, which proves nothing", {}};
    if (!inside) return Nobody(seen_);
    return WithoutClaim();
  }

  // A switch speaks when a cable is plugged in, and an agent that began anew hears it within the
  // time that the plan says.
  Sight WithoutClaim() const {
    const absl::Duration every = graph_.plan().nodes[graph_.ports()[expected_].node].lldp_every;
    if (every == absl::InfiniteDuration())
      return {Kind::kThrough, false, {}, "no LLDP; others answer through it", {}};
    const auto& [carrier_time, patience] =
        seen_.wiring.plugged ? std::pair{*seen_.wiring.plugged, std::min(every, kSpeaksWithin)}
                             : std::pair{seen_.wiring.listening, every};
    if (carrier_time < patience + kLate)
      return {Kind::kFresh, false, {}, "others answer through it; no LLDP yet", {}};
    return Other({}, false,
                 "others answer through it, but nothing says by LLDP that it is the switch: "
                 "something stands between, or the switch has stopped to speak");
  }

  static constexpr absl::Duration kSpeaksWithin = absl::Milliseconds(500);
  static constexpr absl::Duration kLate = absl::Milliseconds(500);

  const PlanGraph& graph_;
  const int port_;
  const PortSight& seen_;
  const int expected_;
};

}  // namespace

Sight LookFrom(const PlanGraph& graph, int port, const PortSight& seen) {
  if (!graph.has_agent(port)) return {};
  if (!seen.online) return {Kind::kBlind, false, {}, "its agent is not connected", {}};
  const Looker looker(graph, port, seen);
  return graph.has_agent(graph.ports()[port].peer) ? looker.AtAgent() : looker.AtSwitch();
}

}  // namespace sluice
