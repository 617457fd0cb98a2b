#include "controller/topology/topology.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace sluice {
namespace {

// A node whose agent starts anew has two instances for as long as its old proofs last.
constexpr absl::Duration kDoubled = absl::Milliseconds(1400);
constexpr absl::Duration kLook = absl::Milliseconds(200);

}  // namespace

void Topology::SetPlan(std::optional<Plan> plan, BootTime now) {
  graph_ = plan ? std::make_unique<const PlanGraph>(*std::move(plan)) : nullptr;
  ports_.clear();
  wires_.clear();
  flapping_.clear();
  dividers_.clear();
  for (const auto& [name, node] : nodes_) changed_.insert(name);
  if (!graph_) return;
  ports_.resize(graph_->ports().size());
  wires_.resize(graph_->plan().cables.size());
  for (size_t cable = 0; cable < wires_.size(); ++cable) {
    wires_[cable].since = now;
    if (graph_->Divides(static_cast<int>(cable))) dividers_.push_back(static_cast<int>(cable));
  }
  for (const PlanNode& node : graph_->plan().nodes) changed_.insert(node.name);
  for (auto& [name, node] : nodes_) {
    for (const auto& [port, wiring] : node.ports) TakePort(name, wiring, now);
  }
  for (size_t cable = 0; cable < wires_.size(); ++cable) Judge(static_cast<int>(cable), now);
}

Topology Topology::Under(Plan plan, BootTime now) const {
  Topology other;
  other.nodes_ = nodes_;
  other.SetPlan(std::move(plan), now);
  return other;
}

void Topology::SetNode(const std::string& name, NodeFacts facts, BootTime now) {
  Node& node = nodes_[name];
  if (node.facts == facts) return;
  node.facts = std::move(facts);
  changed_.insert(name);
  // Others may have proofs of its identity.
  if (graph_ && graph_->FindNode(name)) {
    for (int port : graph_->ports_of(*graph_->FindNode(name))) {
      const std::set<int> by = ports_[port].proved_by;
      for (int from : by) TakeSight(from, ports_[from].sight, now);
    }
  }
  Refresh(name, now);
}

void Topology::RemoveNode(const std::string& name, BootTime now) {
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return;
  Disconnected(name, now);
  nodes_.erase(it);
  changed_.insert(name);
}

void Topology::Observe(const std::string& name, NodeWiring wiring, BootTime now) {
  Node& node = nodes_[name];
  if (!std::exchange(node.online, true)) changed_.insert(name);
  node.was_online = true;
  node.instance = wiring.instance;
  if (wiring.whole) {
    std::map<std::string, PortWiring> gone = std::exchange(node.ports, {});
    for (const PortWiring& port : wiring.ports) gone.erase(port.port);
    for (auto& [port, old] : gone) {
      PortWiring nothing;
      nothing.port = port;
      TakePort(name, std::move(nothing), now);
    }
  }
  for (PortWiring& port : wiring.ports) {
    TakePort(name, port, now);
    node.ports[port.port] = std::move(port);
  }
  node.doubles = DoublesSeenBy(node);
}

void Topology::Disconnected(const std::string& name, BootTime now) {
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return;
  it->second.online = false;
  it->second.ports.clear();
  it->second.doubles.clear();
  it->second.doubled_since.reset();
  changed_.insert(name);
  if (!graph_) return;
  if (const auto index = graph_->FindNode(name)) {
    for (int port : graph_->ports_of(*index)) TakeSight(port, {}, now);
  }
}

void Topology::SetMuted(const std::string& name, bool muted, BootTime now) {
  const auto it = nodes_.find(name);
  if (it == nodes_.end() || it->second.online != muted || it->second.ports.empty()) return;
  it->second.online = !muted;
  changed_.insert(name);
  if (!graph_) return;
  if (!muted) return Refresh(name, now);
  if (const auto index = graph_->FindNode(name)) {
    for (int port : graph_->ports_of(*index)) TakeSight(port, {}, now);
  }
}

void Topology::Refresh(const std::string& name, BootTime now) {
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return;
  for (const auto& [port, wiring] : it->second.ports) TakePort(name, wiring, now);
}

KnownNeighbour Topology::Know(const Neighbour& neighbour) const {
  KnownNeighbour known;
  known.neighbour = neighbour;
  if (const auto port = graph_->FindPort(neighbour.port)) known.port = *port;
  const auto node = nodes_.find(neighbour.port.node);
  known.honest = node != nodes_.end() && node->second.facts &&
                 node->second.facts->identity == neighbour.identity;
  return known;
}

void Topology::TakePort(const std::string& name, PortWiring wiring, BootTime now) {
  if (!graph_) return;
  const auto port = graph_->FindPort({name, wiring.port});
  if (!nodes_.at(name).online) return;
  if (!port) {
    changed_.insert(name);  // a stray port may bar its links
    return;
  }
  PortSight sight;
  sight.online = true;
  sight.neighbours.reserve(wiring.neighbours.size());
  for (const Neighbour& neighbour : wiring.neighbours) sight.neighbours.push_back({neighbour});
  sight.wiring = std::move(wiring);
  sight.wiring.neighbours.clear();
  TakeSight(*port, std::move(sight), now);
}

std::map<int, Topology::Timing> Topology::ProofsOf(int port, const PortSight& sight) const {
  std::map<int, Timing> proofs;
  for (const KnownNeighbour& known : sight.neighbours) {
    if (known.port < 0 || !known.honest || !graph_->Reach(port, known.port)) continue;
    if (!known.neighbour.rtt) {
      proofs.emplace(known.port, Timing::kUntimed);
      continue;
    }
    const absl::Duration most = graph_->WayBetween(port, known.port).max_rtt;
    proofs[known.port] = *known.neighbour.rtt <= most ? Timing::kWithin : Timing::kOver;
  }
  return proofs;
}

// `touched` gets the cables that must be judged anew.
void Topology::CountProof(int from, int to, Timing timing, int by, std::set<int>& touched) {
  for (int cable : graph_->WayBetween(from, to).cables) {
    touched.insert(cable);
    if (!graph_->Divides(cable)) continue;
    Passing& passing = wires_[cable].passing;
    (timing == Timing::kUntimed  ? passing.untimed
     : timing == Timing::kWithin ? passing.within
                                 : passing.over) += by;
  }
  changed_.insert(graph_->ports()[from].name.node);
  changed_.insert(graph_->ports()[to].name.node);
}

void Topology::TakeSight(int port, PortSight sight, BootTime now) {
  for (KnownNeighbour& known : sight.neighbours) known = Know(known.neighbour);
  PortState& state = ports_[port];
  std::map<int, Timing> proofs = ProofsOf(port, sight);
  std::set<int> touched{graph_->ports()[port].cable};
  for (const auto& [to, timing] : state.proofs) {
    const auto now_timed = proofs.find(to);
    if (now_timed != proofs.end() && now_timed->second == timing) continue;
    CountProof(port, to, timing, -1, touched);
    ports_[to].proved_by.erase(port);
  }
  for (const auto& [to, timing] : proofs) {
    const auto was = state.proofs.find(to);
    if (was != state.proofs.end() && was->second == timing) continue;
    CountProof(port, to, timing, +1, touched);
    ports_[to].proved_by.insert(port);
  }
  const bool was_online = state.sight.online;
  state.proofs = std::move(proofs);
  state.sight = std::move(sight);
  if (was_online != state.sight.online) changed_.insert(graph_->ports()[port].name.node);
  for (int cable : touched) Judge(cable, now);
}

std::set<std::string> Topology::DoublesSeenBy(const Node& node) const {
  std::set<std::string> doubled;
  for (const auto& [port, wiring] : node.ports) {
    for (const Neighbour& neighbour : wiring.neighbours) {
      const auto it = nodes_.find(neighbour.port.node);
      if (it != nodes_.end() && it->second.online && it->second.instance != neighbour.instance)
        doubled.insert(it->first);
    }
    for (const ProbeAlarm& alarm : wiring.alarms) {
      if (alarm.kind == ProbeAlarm::Kind::kCloned) doubled.insert(alarm.about.node);
    }
  }
  return doubled;
}

void Topology::LookForDoubles(BootTime now) {
  std::set<std::string> doubled;
  for (const auto& [name, node] : nodes_) doubled.insert(node.doubles.begin(), node.doubles.end());
  for (auto& [name, node] : nodes_) {
    if (!doubled.contains(name)) {
      node.doubled_since.reset();
    } else if (!node.doubled_since) {
      node.doubled_since = now;
    }
    const bool cloned = node.doubled_since && now - *node.doubled_since >= kDoubled;
    if (std::exchange(node.cloned, cloned) != cloned) changed_.insert(name);
  }
}

void Topology::Tick(BootTime now) {
  if (now - looked_at_ >= kLook) {
    looked_at_ = now;
    LookForDoubles(now);
    for (int cable : dividers_) {
      if (wires_[cable].passing.any() == 0) Judge(cable, now);
    }
  }
  const std::set<int> flapping = flapping_;
  for (int cable : flapping) {
    Wire& wire = wires_[cable];
    if (now < *wire.flaps_until) continue;
    wire.flaps_until.reset();
    flapping_.erase(cable);
    Judge(cable, now);
  }
}

// A node by itself: what is wrong with it, whatever its cables are.
std::optional<std::string> Topology::WhyNode(const std::string& name) const {
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
  if (it->second.cloned)
    return StrCat("two boxes prove that they are node ", name,
                  ": its identity was copied; remove the node and let it join anew");
  std::string words;
  if (Strays(name, &words)) return words;
  return std::nullopt;
}

// Whether somebody is at a port of the node that the plan does not name.
bool Topology::Strays(const std::string& name, std::string* words) const {
  for (const auto& [port, wiring] : nodes_.at(name).ports) {
    if (graph_->FindPort({name, port})) continue;
    if (wiring.neighbours.empty() && wiring.claims.empty()) continue;
    const std::string who = wiring.neighbours.empty() ? ForMessage(wiring.claims.front().system)
                                                      : wiring.neighbours.front().port.ToString();
    *words = StrCat("port ", name, ":", port, " is not in the plan, and ", who, " is there");
    return true;
  }
  return false;
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
  const auto proves = [&](int from, int to) {
    const auto proof = ports_[from].proofs.find(to);
    return proof != ports_[from].proofs.end() && proof->second != Timing::kOver;
  };
  const std::string between = StrCat(graph_->ports()[port].name.ToString(), " and ",
                                     graph_->ports()[other].name.ToString());
  if (!unknown && (proves(port, other) || proves(other, port))) return {};
  const auto young = [&](int end) {
    const PortSight& sight = ports_[end].sight;
    return !sight.online || sight.wiring.listening < kSettled;
  };
  if (unknown || young(port) || young(other))
    return {PathView::State::kUnknown, StrCat("nothing is proved yet between ", between)};
  return {PathView::State::kBad, StrCat("nothing proves that ", between, " reach each other")};
}

PathView Topology::PathOf(const LinkName& link) const {
  if (!graph_) return {};
  for (const std::string& end : {link.src, link.dst}) {
    if (const auto why = WhyNode(end)) return {PathView::State::kBad, *why};
  }
  PathView best{PathView::State::kBad,
                StrCat("the plan has no way from ", link.src, " to ", link.dst)};
  bool first = true;
  for (int port : graph_->ports_of(*graph_->FindNode(link.src))) {
    for (int other : graph_->ports_of(*graph_->FindNode(link.dst))) {
      if (!graph_->Reach(port, other)) continue;
      // One that leads elsewhere than it should is worse than one that leads nowhere: traffic
      // could take it.
      for (int end : {port, other}) {
        const Wire& wire = wires_[graph_->ports()[end].cable];
        if (IsBad(wire.verdict) && wire.verdict != WireVerdict::kMissing)
          return RailOf(port, other);
      }
      PathView rail = RailOf(port, other);
      if (first || rail.state < best.state) best = std::move(rail);
      first = false;
    }
  }
  return best;
}

}  // namespace sluice
