// A plan as a graph: numbered ports and cables, which ports reach each other, and which cables
// between switches everything between two sides must pass. Pure.
#ifndef SLUICE_CONTROLLER_TOPOLOGY_PLAN_GRAPH_H_
#define SLUICE_CONTROLLER_TOPOLOGY_PLAN_GRAPH_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "model/plan.h"

namespace sluice {

// Immutable.
class PlanGraph {
 public:
  explicit PlanGraph(Plan plan);

  struct Port {
    PortName name;
    int node = 0;   // index into plan().nodes
    int cable = 0;  // index into plan().cables
    int peer = 0;   // the port at the cable's other end
  };
  struct NodeEntry {
    std::vector<int> ports;
  };

  const Plan& plan() const { return plan_; }
  const std::vector<Port>& ports() const { return ports_; }
  const std::vector<int>& ports_of(int node) const { return nodes_[node].ports; }
  int port_a(int cable) const { return 2 * cable; }
  int port_b(int cable) const { return 2 * cable + 1; }
  std::optional<int> FindNode(std::string_view name) const;
  std::optional<int> FindPort(const PortName& name) const;

  // A port of a node with an agent, that is.
  bool has_agent(int port) const { return plan_.nodes[ports_[port].node].has_agent(); }
  // Whether frames of one come to the other by the plan; false for a port and itself.
  bool Reach(int port, int other) const;
  bool Direct(int cable) const;  // from agent to agent
  // All ports of agents that it reaches, itself included.
  const std::vector<int>& segment_of(int port) const { return segments_[segment_of_[port]]; }
  // Whether two such ports, each at a switch, have no dividing cable between them.
  bool SameGroup(int port, int other) const {
    return group_of_[ports_[ports_[port].peer].node] == group_of_[ports_[ports_[other].peer].node];
  }
  // The cables that every way between two such ports leads over, the ports' own included,
  // and the longest round trip over them; infinite where the plan leaves one open or there
  // are several ways.
  struct Way {
    std::vector<int> cables;
    absl::Duration max_rtt = absl::ZeroDuration();
  };
  Way WayBetween(int port, int other) const;
  // The same without the list: the longest round trip, …
  absl::Duration MaxRttBetween(int port, int other) const;
  // … and only the dividing cables on the way.
  template <typename Each>
  void ForDividersBetween(int port, int other, Each each) const {
    if (ports_[port].peer == other) return;
    int left = group_of_[ports_[ports_[port].peer].node];
    int right = group_of_[ports_[ports_[other].peer].node];
    while (left != right) {
      int& deeper = groups_[left].depth >= groups_[right].depth ? left : right;
      each(groups_[deeper].parent_cable);
      deeper = groups_[deeper].parent;
    }
  }
  // A cable between switches that divides the plan, so that what passes tells of it.
  bool Divides(int cable) const { return divides_[cable]; }
  // … of its two sides, whether such a port is on the one that it calls below.
  bool Below(int cable, int port) const;
  // The ports with agents that frames of a dividing cable's ends come to.
  const std::vector<int>& agents_around(int cable) const;

 private:
  struct Group {  // switches between which no single cable decides
    int parent = -1;
    int parent_cable = -1;
    int depth = 0;
    int segment = -1;
    bool several = false;  // more than one switch, or parallel cables
  };
  void NumberPorts();
  void FindDividers();
  void GroupSwitches();
  void NumberSegments();

  Plan plan_;
  std::vector<NodeEntry> nodes_;
  std::vector<Port> ports_;
  absl::flat_hash_map<std::string, int> node_index_;
  absl::flat_hash_map<PortName, int> port_index_;
  std::vector<bool> divides_;  // by cable
  std::vector<int> group_of_;  // by node; -1 for what is no switch
  std::vector<Group> groups_;
  std::vector<int> segment_of_;             // by port; -1 for those of switches
  std::vector<std::vector<int>> segments_;  // their agents' ports
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_TOPOLOGY_PLAN_GRAPH_H_
