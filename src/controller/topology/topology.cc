#include "controller/topology/topology.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice {
namespace {

// A node whose agent starts anew has two instances for as long as its old proofs last.
constexpr absl::Duration kDoubled = absl::Milliseconds(1400);
constexpr size_t kMostNodePorts = 1024;
// Where there are more, some are asked so seldom that what is known of them is old.
constexpr size_t kCrowd = 32;
constexpr absl::Duration kAskAllEach = absl::Milliseconds(20);
constexpr absl::Duration kLook = absl::Milliseconds(200);

}  // namespace

void Topology::SetPlan(std::optional<Plan> plan, BootTime now) {
  graph_ = plan ? std::make_unique<const PlanGraph>(*std::move(plan)) : nullptr;
  ports_.clear();
  wires_.clear();
  bad_.clear();
  nodes_by_index_.clear();
  changed_nodes_.clear();
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
  changed_nodes_.assign(graph_->plan().nodes.size(), true);
  for (const PlanNode& node : graph_->plan().nodes) {
    const auto it = nodes_.find(node.name);
    nodes_by_index_.push_back(it == nodes_.end() ? nullptr : &it->second);
  }
  for (auto& [name, node] : nodes_) {
    node.strays.clear();
    Refresh(name, now);
  }
  for (size_t cable = 0; cable < wires_.size(); ++cable) Judge(static_cast<int>(cable), now);
}

Topology Topology::Under(Plan plan, BootTime now) const {
  Topology other;
  other.nodes_ = nodes_;
  other.SetPlan(std::move(plan), now);
  return other;
}

std::set<std::string> Topology::TakeChanged() {
  std::set<std::string> changed = std::exchange(changed_, {});
  for (size_t node = 0; node < changed_nodes_.size(); ++node) {
    if (changed_nodes_[node]) changed.insert(graph_->plan().nodes[node].name);
    changed_nodes_[node] = false;
  }
  return changed;
}

void Topology::MarkNode(const std::string& name) {
  const auto index = graph_ ? graph_->FindNode(name) : std::nullopt;
  if (index) return MarkNode(*index);
  changed_.insert(name);
}

Topology::Node& Topology::NodeNamed(const std::string& name) {
  const auto [it, fresh] = nodes_.try_emplace(name);
  if (fresh && graph_) {
    if (const auto index = graph_->FindNode(name))
      nodes_by_index_[static_cast<size_t>(*index)] = &it->second;
  }
  return it->second;
}

void Topology::SetNode(const std::string& name, NodeFacts facts, BootTime now) {
  Node& node = NodeNamed(name);
  if (node.facts == facts) return;
  node.facts = std::move(facts);
  MarkNode(name);
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
  if (const auto index = graph_ ? graph_->FindNode(name) : std::nullopt)
    nodes_by_index_[static_cast<size_t>(*index)] = nullptr;
  nodes_.erase(it);
  MarkNode(name);
}

void Topology::Observe(const std::string& name, NodeWiring wiring, BootTime now) {
  Node& node = NodeNamed(name);
  if (!std::exchange(node.online, true)) {
    MarkNode(name);
    Refresh(name, now);
  }
  node.was_online = true;
  if (node.instance != wiring.instance) BeginAnew(name, node, wiring.instance, now);
  if (wiring.whole) {
    node.told_whole = true;
    std::map<std::string, PortWiring> gone = std::exchange(node.ports, {});
    for (const PortWiring& port : wiring.ports) gone.erase(port.port);
    for (const auto& [port, old] : gone) {
      node.alarmed.erase(port);
      if (node.strays.erase(port) > 0) MarkNode(name);
    }
  }
  for (PortWiring& port : wiring.ports) {
    // No machine has so many; one that says so would fill our memory.
    if (node.ports.size() >= kMostNodePorts && !node.ports.contains(port.port)) continue;
    if (port.alarms.empty()) {
      node.alarmed.erase(port.port);
    } else {
      node.alarmed.insert(port.port);
    }
    TakePort(name, port, now);
    std::string key = port.port;
    node.ports.insert_or_assign(std::move(key), std::move(port));
  }
  if (wiring.whole) TakeAbsent(name, now);
  node.doubles = DoublesSeenBy(node);
}

// What others see under its name as another box may be what it is now. Two boxes that take turns
// are not anew each time.
void Topology::BeginAnew(const std::string& name, Node& node, const ProbeInstance& instance,
                         BootTime now) {
  constexpr size_t kMostPast = 8;
  if (std::ranges::find(node.past, instance) == node.past.end()) node.anew = now;
  node.past.push_back(std::exchange(node.instance, instance));
  if (node.past.size() > kMostPast) node.past.erase(node.past.begin());
  for (auto& [other, observer] : nodes_) {
    if (observer.doubles.contains(name)) observer.doubles = DoublesSeenBy(observer);
  }
}

// How long others may go on to find out that it began anew: in a crowd as long as it takes all of
// them to ask all of it (agent/probe/question_plan.cc).
absl::Duration Topology::SettlesWithin(const std::string& name) const {
  size_t crowd = 0;
  if (const auto index = graph_ ? graph_->FindNode(name) : std::nullopt) {
    for (const int port : graph_->ports_of(*index))
      crowd = std::max(crowd, graph_->segment_of(port).size());
  }
  if (crowd <= kCrowd) return absl::ZeroDuration();
  return kDoubled + static_cast<double>(crowd) * kAskAllEach;
}

void Topology::Disconnected(const std::string& name, BootTime now) {
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return;
  it->second.online = false;
  it->second.told_whole = false;
  it->second.ports.clear();
  it->second.doubles.clear();
  it->second.strays.clear();
  it->second.alarmed.clear();
  it->second.doubled_since.reset();
  MarkNode(name);
  if (!graph_) return;
  if (const auto index = graph_->FindNode(name)) {
    for (int port : graph_->ports_of(*index)) TakeSight(port, {}, now);
  }
}

void Topology::SetMuted(const std::string& name, bool muted, BootTime now) {
  const auto it = nodes_.find(name);
  if (it == nodes_.end() || it->second.online != muted || it->second.ports.empty()) return;
  it->second.online = !muted;
  MarkNode(name);
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
  TakeAbsent(name, now);
}

// Ports of the plan that the node does not have.
void Topology::TakeAbsent(const std::string& name, BootTime now) {
  const Node& node = nodes_.at(name);
  const auto index = graph_ ? graph_->FindNode(name) : std::nullopt;
  if (!index || !node.told_whole || !node.online) return;
  for (const int port : graph_->ports_of(*index)) {
    if (node.ports.contains(graph_->ports()[port].name.port)) continue;
    PortSight sight;
    sight.online = true;
    sight.absent = true;
    TakeSight(port, std::move(sight), now);
  }
}

KnownNeighbour Topology::Know(const Neighbour& neighbour) const {
  KnownNeighbour known;
  known.neighbour = neighbour;
  if (const auto port = graph_->FindPort(neighbour.port)) known.port = *port;
  const Node* node = nullptr;
  if (known.port >= 0) {
    node = nodes_by_index_[static_cast<size_t>(graph_->ports()[known.port].node)];
  } else if (const auto it = nodes_.find(neighbour.port.node); it != nodes_.end()) {
    node = &it->second;
  }
  known.honest = node != nullptr && node->facts && node->facts->identity == neighbour.identity;
  return known;
}

void Topology::TakePort(const std::string& name, PortWiring wiring, BootTime now) {
  if (!graph_) return;
  const auto port = graph_->FindPort({name, wiring.port});
  Node& node = nodes_.at(name);
  if (!node.online) return;
  if (!port) {
    // Somebody at it bars the node's links.
    const bool stray = !wiring.neighbours.empty() || !wiring.claims.empty();
    if (stray ? node.strays.insert(wiring.port).second : node.strays.erase(wiring.port) > 0)
      MarkNode(name);
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
    const absl::Duration most = graph_->MaxRttBetween(port, known.port);
    if (!known.neighbour.rtt) {
      const bool any = most == absl::InfiniteDuration();
      proofs.emplace(known.port, any ? Timing::kWithin : Timing::kUntimed);
      continue;
    }
    proofs[known.port] = *known.neighbour.rtt <= most ? Timing::kWithin : Timing::kOver;
  }
  return proofs;
}

// `touched` gets the cables that must be judged anew: those for which it makes a difference.
void Topology::CountProof(int from, int to, Timing timing, int by, std::set<int>& touched) {
  const auto count = [&](Passing& passing, int cable) {
    const bool any = passing.any() > 0;
    const bool over = passing.all_over();
    passing[timing] += by;
    if (any != (passing.any() > 0) || over != passing.all_over()) touched.insert(cable);
  };
  for (int port : {from, to}) count(ports_[port].passing, graph_->ports()[port].cable);
  // Every link between the two is one of either's.
  MarkNode(graph_->ports()[from].node);
  graph_->ForDividersBetween(from, to, [&](int cable) { count(wires_[cable].passing, cable); });
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
  // What a link's path owes to this port besides the cable's verdict: see RailOf and Astray.
  const auto facts = [&] {
    return std::tuple(state.sight.online, state.sight.wiring.listening < kSettled, NoCarrier(port),
                      JustPlugged(port));
  };
  const auto before = facts();
  state.proofs = std::move(proofs);
  state.sight = std::move(sight);
  if (facts() != before) MarkNode(graph_->ports()[port].node);
  for (int cable : touched) Judge(cable, now);
}

// Who is seen under the identity that it enrolled with, as another run of its agent than the one
// that is connected; or, on a crowded port, as two runs.
std::set<std::string> Topology::DoublesSeenBy(const Node& node) const {
  std::set<std::string> doubled;
  for (const auto& [port, wiring] : node.ports) {
    std::map<std::string, std::set<ProbeInstance>> strangers;
    for (const Neighbour& neighbour : wiring.neighbours) {
      const auto index = graph_ ? graph_->FindNode(neighbour.port.node) : std::nullopt;
      const Node* other = index ? nodes_by_index_[static_cast<size_t>(*index)] : nullptr;
      if (other == nullptr || !other->online || !other->facts ||
          other->facts->identity != neighbour.identity || other->instance == neighbour.instance)
        continue;
      strangers[neighbour.port.node].insert(neighbour.instance);
    }
    const bool crowded = wiring.neighbours.size() > kCrowd;
    for (const auto& stranger : strangers) {
      const auto connected = [&](const Neighbour& n) {
        return n.port.node == stranger.first && !stranger.second.contains(n.instance);
      };
      if (!crowded || stranger.second.size() > 1 ||
          std::ranges::any_of(wiring.neighbours, connected))
        doubled.insert(stranger.first);
    }
  }
  return doubled;
}

// A copy that begins anew all the time does not hide itself by that.
bool Topology::IsSettled(const std::string& name, const Node& node, BootTime now) const {
  const absl::Duration within = SettlesWithin(name);
  return now - node.anew >= within || now - *node.doubled_since >= 3 * within;
}

void Topology::LookForDoubles(BootTime now) {
  std::set<std::string> doubled;
  for (const auto& [name, node] : nodes_) {
    // Who has no place in the plan has no say in it.
    if (!node.doubles.empty() && graph_ && !WhyUndeclared(name))
      doubled.insert(node.doubles.begin(), node.doubles.end());
  }
  for (auto& [name, node] : nodes_) {
    if (!doubled.contains(name)) {
      node.doubled_since.reset();
    } else if (!node.doubled_since) {
      node.doubled_since = now;
    }
    const bool cloned = node.doubled_since && now - *node.doubled_since >= kDoubled &&
                        (node.cloned || IsSettled(name, node, now));
    if (std::exchange(node.cloned, cloned) != cloned) MarkNode(name);
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

}  // namespace sluice
