// What wires and nodes mean for links: whether a link's path is as planned.
#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "controller/topology/topology.h"

namespace sluice {

std::optional<std::string> Topology::WhyUndeclared(const std::string& name) const {
  const auto index = graph_->FindNode(name);
  if (!index || !graph_->plan().nodes[*index].has_agent())
    return StrCat("node ", name, " is not in the plan");
  const PlanNode& planned = graph_->plan().nodes[*index];
  const auto it = nodes_.find(name);
  if (it == nodes_.end() || !it->second.facts) return StrCat("node ", name, " has not enrolled");
  const NodeFacts& facts = *it->second.facts;
  if (facts.enclosure != planned.enclosure)
    return StrCat("by the plan node ", name, " is in enclosure ", planned.enclosure,
                  ", and it is enrolled in ", facts.enclosure);
  if (facts.gateway != (planned.role == PlanNode::Role::kGateway))
    return StrCat("by the plan node ", name, facts.gateway ? " is no gateway" : " is a gateway",
                  ", and it is enrolled otherwise");
  return std::nullopt;
}

// A node by itself: what is wrong with it, whatever its cables are.
std::optional<std::string> Topology::WhyNode(const std::string& name) const {
  if (auto why = WhyUndeclared(name)) return why;
  const Node& node = nodes_.at(name);
  if (node.cloned)
    return StrCat("two boxes prove that they are node ", name,
                  ": its identity was copied; remove the node and let it join anew");
  if (!node.strays.empty()) return StrayWords(name, node);
  return std::nullopt;
}

std::string Topology::StrayWords(const std::string& name, const Node& node) const {
  const std::string& port = *node.strays.begin();
  const auto it = node.ports.find(port);
  std::string who = "somebody";
  if (it != node.ports.end() && !it->second.neighbours.empty())
    who = it->second.neighbours.front().port.ToString();
  else if (it != node.ports.end() && !it->second.claims.empty())
    who = ForMessage(it->second.claims.front().system);
  return StrCat("port ", name, ":", port, " is not in the plan, and ", who, " is there");
}

PathView Topology::RailOf(int port, int other) const {
  bool unknown = false;
  for (int number : graph_->WayBetween(port, other).cables) {
    const Wire& wire = wires_[number];
    if (IsBad(wire.verdict))
      return {PathView::State::kBad, StrCat("the cable ", CableName(number), " is ",
                                            VerdictWords(wire.verdict), ": ", wire.evidence)};
    unknown |= wire.verdict == WireVerdict::kUnproved && !wire.settled;
  }
  // One that is untimed where a ceiling asks for a time is not known yet.
  const auto proves = [&](int from, int to) {
    const auto proof = ports_[from].proofs.find(to);
    if (proof == ports_[from].proofs.end()) return false;
    unknown |= proof->second == Timing::kUntimed;
    return proof->second == Timing::kWithin;
  };
  const std::string between = StrCat(graph_->ports()[port].name.ToString(), " and ",
                                     graph_->ports()[other].name.ToString());
  const bool blocked = unknown;
  if ((proves(port, other) || proves(other, port)) && !blocked) return {};
  const auto young = [&](int end) {
    const PortSight& sight = ports_[end].sight;
    return !sight.online || (!sight.absent && sight.wiring.listening < kSettled);
  };
  if (unknown || young(port) || young(other))
    return {PathView::State::kUnknown, StrCat("nothing is proved yet between ", between)};
  return {PathView::State::kBad, StrCat("nothing proves that ", between, " reach each other")};
}

bool Topology::NoCarrier(int port) const {
  const PortSight& sight = ports_[port].sight;
  return sight.online && !sight.absent && !sight.wiring.carrier;
}

bool Topology::JustPlugged(int port) const {
  const PortSight& sight = ports_[port].sight;
  return sight.online && sight.wiring.carrier && sight.wiring.plugged.has_value() &&
         *sight.wiring.plugged < kSettled;
}

// A cable on the way that leads elsewhere than it should, or over something: traffic could take
// it, whether or not a proof does. None where all that is wrong is that nobody answers. Of a way
// on which nothing passes only the ends' own cables count.
std::optional<PathView> Topology::Astray(int port, int other) const {
  const bool dead = NoCarrier(port) || NoCarrier(other);
  const int own[] = {graph_->ports()[port].cable, graph_->ports()[other].cable};
  for (const int cable : graph_->WayBetween(port, other).cables) {
    if (dead && std::ranges::count(own, cable) == 0) continue;
    const WireVerdict verdict = wires_[cable].verdict;
    if (IsBad(verdict) && verdict != WireVerdict::kMissing) return RailOf(port, other);
  }
  return std::nullopt;
}

// The kernel sends over whichever way it likes, so every way must be right, but for those on which
// an end has no carrier: nothing passes there. That no probe passes is no proof that nothing does.
// One that was plugged in a moment ago takes nothing back from a link that has others.
PathView Topology::PathOf(const LinkName& link) const {
  if (!graph_) return {};
  for (const std::string& end : {link.src, link.dst}) {
    if (const auto why = WhyNode(end)) return {PathView::State::kBad, *why};
  }
  PathView dead{PathView::State::kBad,
                StrCat("the plan has no way from ", link.src, " to ", link.dst)};
  std::optional<PathView> worst;
  std::optional<PathView> fresh;
  for (int port : graph_->ports_of(*graph_->FindNode(link.src))) {
    for (int other : graph_->ports_of(*graph_->FindNode(link.dst))) {
      if (!graph_->Reach(port, other)) continue;
      if (auto astray = Astray(port, other)) return *std::move(astray);
      PathView rail = RailOf(port, other);
      if (NoCarrier(port) || NoCarrier(other)) {
        dead = std::move(rail);
      } else if (rail.state == PathView::State::kBad && (JustPlugged(port) || JustPlugged(other))) {
        fresh = std::move(rail);
      } else if (!worst || rail.state > worst->state) {
        worst = std::move(rail);
      }
    }
  }
  if (!fresh) return worst ? *std::move(worst) : dead;
  if (!worst) return *std::move(fresh);
  if (worst->state == PathView::State::kBad) return *std::move(worst);
  return {PathView::State::kUnknown, std::move(fresh->why)};
}

}  // namespace sluice
