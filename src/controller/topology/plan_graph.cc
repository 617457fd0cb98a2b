#include "controller/topology/plan_graph.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace sluice {

PlanGraph::PlanGraph(Plan plan) : plan_(std::move(plan)) {
  NumberPorts();
  FindDividers();
  GroupSwitches();
  NumberSegments();
}

void PlanGraph::NumberPorts() {
  nodes_.resize(plan_.nodes.size());
  for (size_t i = 0; i < plan_.nodes.size(); ++i)
    node_index_.emplace(plan_.nodes[i].name, static_cast<int>(i));
  ports_.reserve(2 * plan_.cables.size());
  for (size_t i = 0; i < plan_.cables.size(); ++i) {
    const PlanCable& cable = plan_.cables[i];
    for (const PortName* end : {&cable.a, &cable.b}) {
      const int number = static_cast<int>(ports_.size());
      Port& port = ports_.emplace_back();
      port.name = *end;
      port.node = node_index_.at(end->node);
      port.cable = static_cast<int>(i);
      port.peer = number ^ 1;
      port_index_.emplace(*end, number);
      nodes_[port.node].ports.push_back(number);
    }
  }
}

std::optional<int> PlanGraph::FindNode(std::string_view name) const {
  const auto it = node_index_.find(ToAbsl(name));
  return it == node_index_.end() ? std::nullopt : std::optional<int>(it->second);
}

std::optional<int> PlanGraph::FindPort(const PortName& name) const {
  const auto it = port_index_.find(name);
  return it == port_index_.end() ? std::nullopt : std::optional<int>(it->second);
}

bool PlanGraph::Direct(int cable) const {
  return has_agent(port_a(cable)) && has_agent(port_b(cable));
}

namespace {

bool IsSwitch(const PlanNode& node) { return node.role == PlanNode::Role::kSwitch; }

// Tarjan's bridges (Information Processing Letters 2 (1974) 160), without recursion: a plan
// may be as deep as it is large.
class BridgeSearch {
 public:
  explicit BridgeSearch(const PlanGraph& graph)
      : graph_(graph), order_(graph.plan().nodes.size(), 0), low_(order_) {}

  std::vector<bool> Run() {
    found_.assign(graph_.plan().cables.size(), false);
    for (size_t node = 0; node < order_.size(); ++node) {
      if (order_[node] == 0 && IsSwitch(graph_.plan().nodes[node])) Explore(static_cast<int>(node));
    }
    return found_;
  }

 private:
  struct Frame {
    int node = 0;
    int by_cable = -1;
    size_t next = 0;  // of the node's ports
  };

  void Explore(int root) {
    Enter(root, -1);
    while (!stack_.empty()) {
      if (stack_.back().next < graph_.ports_of(stack_.back().node).size()) {
        Step();
      } else {
        Leave();
      }
    }
  }

  void Enter(int node, int by_cable) {
    order_[node] = low_[node] = ++count_;
    stack_.push_back({node, by_cable, 0});
  }

  void Step() {
    Frame& frame = stack_.back();
    const PlanGraph::Port& port = graph_.ports()[graph_.ports_of(frame.node)[frame.next++]];
    const int other = graph_.ports()[port.peer].node;
    if (port.cable == frame.by_cable || !IsSwitch(graph_.plan().nodes[other])) return;
    if (order_[other] == 0) return Enter(other, port.cable);
    low_[frame.node] = std::min(low_[frame.node], order_[other]);
  }

  void Leave() {
    const Frame done = stack_.back();
    stack_.pop_back();
    if (stack_.empty()) return;
    const int parent = stack_.back().node;
    low_[parent] = std::min(low_[parent], low_[done.node]);
    if (low_[done.node] > order_[parent]) found_[done.by_cable] = true;
  }

  const PlanGraph& graph_;
  std::vector<int> order_;
  std::vector<int> low_;
  std::vector<bool> found_;
  std::vector<Frame> stack_;
  int count_ = 0;
};

}  // namespace

void PlanGraph::FindDividers() { divides_ = BridgeSearch(*this).Run(); }

// Switches that are connected without the dividing cables are one group; the dividing cables
// make a forest of the groups, and a tree of it is a segment.
void PlanGraph::GroupSwitches() {
  group_of_.assign(nodes_.size(), -1);
  std::vector<std::pair<int, int>> later;  // groups' first switches, with the cable there
  int segments = 0;
  const auto flood = [&](int first, int parent, int by_cable) {
    const int group = static_cast<int>(groups_.size());
    Group& entry = groups_.emplace_back();
    entry.parent = parent;
    entry.parent_cable = by_cable;
    entry.depth = parent < 0 ? 0 : groups_[parent].depth + 1;
    entry.segment = parent < 0 ? segments++ : groups_[parent].segment;
    std::vector<int> queue{first};
    group_of_[first] = group;
    while (!queue.empty()) {
      const int node = queue.back();
      queue.pop_back();
      for (int number : nodes_[node].ports) {
        const Port& port = ports_[number];
        const int other = ports_[port.peer].node;
        if (!IsSwitch(plan_.nodes[other]) || group_of_[other] == group) continue;
        if (divides_[port.cable]) {
          if (port.cable != by_cable) later.emplace_back(port.peer, group);
          continue;
        }
        groups_[group].several = true;
        group_of_[other] = group;
        queue.push_back(other);
      }
    }
  };
  for (size_t node = 0; node < nodes_.size(); ++node) {
    if (!IsSwitch(plan_.nodes[node]) || group_of_[node] >= 0) continue;
    flood(static_cast<int>(node), -1, -1);
    while (!later.empty()) {
      const auto [port, parent] = later.back();
      later.pop_back();
      flood(ports_[port].node, parent, ports_[port].cable);
    }
  }
  segments_.resize(segments);
}

void PlanGraph::NumberSegments() {
  segment_of_.assign(ports_.size(), -1);
  for (size_t number = 0; number < ports_.size(); ++number) {
    const int port = static_cast<int>(number);
    if (IsSwitch(plan_.nodes[ports_[port].node])) continue;
    const int group = group_of_[ports_[ports_[port].peer].node];
    if (group >= 0) {
      segment_of_[port] = groups_[group].segment;
    } else if (segment_of_[ports_[port].peer] >= 0) {
      segment_of_[port] = segment_of_[ports_[port].peer];
    } else {
      segment_of_[port] = static_cast<int>(segments_.size());
      segments_.emplace_back();
    }
    if (has_agent(port)) segments_[segment_of_[port]].push_back(port);
  }
}

const std::vector<int>& PlanGraph::agents_around(int cable) const {
  return segments_[groups_[group_of_[ports_[port_a(cable)].node]].segment];
}

bool PlanGraph::Below(int cable, int port) const {
  for (int group = group_of_[ports_[ports_[port].peer].node]; group >= 0;
       group = groups_[group].parent) {
    if (groups_[group].parent_cable == cable) return true;
  }
  return false;
}

bool PlanGraph::Reach(int port, int other) const {
  return port != other && segment_of_[port] >= 0 && segment_of_[port] == segment_of_[other];
}

PlanGraph::Way PlanGraph::WayBetween(int port, int other) const {
  Way way;
  way.cables.push_back(ports_[port].cable);
  if (ports_[port].peer != other) way.cables.push_back(ports_[other].cable);
  ForDividersBetween(port, other, [&](int cable) { way.cables.push_back(cable); });
  way.max_rtt = MaxRttBetween(port, other);
  return way;
}

absl::Duration PlanGraph::MaxRttBetween(int port, int other) const {
  absl::Duration most = plan_.cables[ports_[port].cable].max_rtt;
  if (ports_[port].peer == other) return most;
  most += plan_.cables[ports_[other].cable].max_rtt;
  if (most == absl::InfiniteDuration()) return most;
  int left = group_of_[ports_[ports_[port].peer].node];
  int right = group_of_[ports_[ports_[other].peer].node];
  while (left != right) {
    int& deeper = groups_[left].depth >= groups_[right].depth ? left : right;
    if (groups_[deeper].several) return absl::InfiniteDuration();
    most += plan_.cables[groups_[deeper].parent_cable].max_rtt;
    deeper = groups_[deeper].parent;
  }
  return groups_[left].several ? absl::InfiniteDuration() : most;
}

}  // namespace sluice
