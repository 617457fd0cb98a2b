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
bool Names(const LldpClaim& claim, const PortName& port) {
  const bool system = claim.system == port.node ||
                      claim.system.substr(0, claim.system.find('.')) == port.node ||
                      (claim.system.empty() && claim.chassis == port.node);
  return system && (claim.port == port.port || claim.description == port.port);
}

PortName ClaimedPort(const PlanGraph& graph, const LldpClaim& claim) {
  const std::string system =
      claim.system.empty() ? claim.chassis : claim.system.substr(0, claim.system.find('.'));
  for (const std::string& port : {claim.port, claim.description}) {
    PortName name{system, port};
    if (graph.FindPort(name)) return name;
  }
  return {system, claim.port};
}

// No answer yet from an agent that has just begun says nothing; after a cable was plugged in
// under its eyes it does.
Sight Nobody(const PortSight& seen) {
  const bool fresh = seen.wiring.listening < kSettled && !seen.wiring.plugged;
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
      if (!IsExpected(known)) return Stranger(known);
    }
    if (planned != nullptr) return {Kind::kExpected, true, {}, "proved", planned->neighbour.rtt};
    for (const KnownNeighbour& known : seen_.neighbours) {
      return {Kind::kThrough,
              true,
              {},
              "it answers, but not to frames that no bridge forwards: something stands between",
              known.neighbour.rtt};
    }
    if (!seen_.wiring.claims.empty()) return Claims(seen_.wiring.claims.front());
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
    if (outside != nullptr && !inside)
      return Other(outside->neighbour.port, true,
                   StrCat("it reaches ", Whose(*outside), ", which by the plan it cannot"));
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

  Sight Claims(const LldpClaim& claim) const {
    return Other(ClaimedPort(graph_, claim), false,
                 StrCat("by LLDP it claims to be ", Claimed(claim)));
  }

  Sight ByClaims(bool inside) const {
    const PortName& name = graph_.ports()[expected_].name;
    const std::vector<LldpClaim>& claims = seen_.wiring.claims;
    const auto wrong =
        std::ranges::find_if(claims, [&](const LldpClaim& c) { return !Names(c, name); });
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

  Sight WithoutClaim() const {
    const absl::Duration every = graph_.plan().nodes[graph_.ports()[expected_].node].lldp_every;
    const absl::Duration heard_for = seen_.wiring.plugged.value_or(seen_.wiring.listening);
    if (every == absl::InfiniteDuration() || (!seen_.wiring.plugged && heard_for < every + kLate))
      return {Kind::kThrough, false, {}, "no LLDP; others answer through it", {}};
    return Other({}, false,
                 "others answer through it, but nothing says by LLDP that it is the switch: "
                 "something stands between, or the switch has stopped to speak");
  }

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
