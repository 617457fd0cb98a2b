// Compares the plan with what the nodes report, wire by wire, as reports come. Pure: values and
// a time in, verdicts out.
#ifndef SLUICE_CONTROLLER_TOPOLOGY_TOPOLOGY_H_
#define SLUICE_CONTROLLER_TOPOLOGY_TOPOLOGY_H_

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "controller/topology/plan_graph.h"
#include "controller/topology/sight.h"
#include "model/names.h"
#include "model/topology_view.h"
#include "model/wiring.h"

namespace sluice {

// Not thread-safe. The cost of a report grows with what it says anew, not with the plan.
class Topology {
 public:
  // A node as it enrolled.
  struct NodeFacts {
    std::string enclosure;
    bool gateway = false;
    std::optional<PublicKey> identity;
    friend bool operator==(const NodeFacts&, const NodeFacts&) = default;
  };

  // Judges everything anew; what nodes have reported stays. None: nothing is checked.
  void SetPlan(std::optional<Plan> plan, BootTime now);
  bool has_plan() const { return graph_ != nullptr; }

  void SetNode(const std::string& name, NodeFacts facts, BootTime now);
  void RemoveNode(const std::string& name, BootTime now);
  // The node's session: its reports count until it ends.
  void Observe(const std::string& node, NodeWiring wiring, BootTime now);
  void Disconnected(const std::string& node, BootTime now);
  // Whether nothing comes from the node though it has a session: what it said counts no more
  // until something comes.
  void SetMuted(const std::string& node, bool muted, BootTime now);
  // Ends what lasts for a time. Call often.
  void Tick(BootTime now);

  // The same observations under another plan.
  Topology Under(Plan plan, BootTime now) const;

  PathView PathOf(const LinkName& link) const;
  // The nodes whose links' paths may have changed since the last call.
  std::set<std::string> TakeChanged();

  std::vector<WireView> Wires(BootTime now) const;
  std::vector<Finding> Findings(BootTime now) const;
  std::array<uint64_t, kWireVerdicts> Verdicts() const;  // how many wires have each
  const Plan* plan() const { return graph_ ? &graph_->plan() : nullptr; }

 private:
  enum class Timing { kUntimed, kWithin, kOver };
  // Proofs that pass a wire between others, by how long their round trips were.
  struct Passing {
    int untimed = 0;
    int within = 0;  // what the plan allows
    int over = 0;
    int any() const { return untimed + within + over; }
    bool all_over() const { return over > 0 && within == 0; }
    int& operator[](Timing timing) {
      return timing == Timing::kUntimed ? untimed : timing == Timing::kWithin ? within : over;
    }
  };
  struct PortState {
    PortSight sight;
    std::map<int, Timing> proofs;  // ports that it proved to reach
    std::set<int> proved_by;
    Passing passing;  // proofs from here and from others to here
  };
  struct Wire {
    WireVerdict verdict = WireVerdict::kUnproved;
    bool settled = false;  // an unproved one stays so until something changes
    std::string evidence;
    BootTime since;
    std::optional<absl::Duration> rtt;
    int partner = -1;  // the cable that this one is swapped with
    std::array<Sight, 2> sights;
    Passing passing;  // of a dividing cable
    // When it last became bad, the latest first; and until when it counts as flapping.
    std::array<BootTime, 4> losses{};
    std::optional<BootTime> flaps_until;
    WireVerdict beneath = WireVerdict::kUnproved;  // the verdict but for the flapping
  };
  struct Judgement {
    WireVerdict verdict = WireVerdict::kUnproved;
    std::string evidence;
    bool settled = true;
    int partner = -1;
  };
  struct Node {
    std::optional<NodeFacts> facts;  // none: not enrolled
    bool online = false;             // connected, and not muted
    bool was_online = false;         // at any time
    bool told_whole = false;         // so that ports it has not told of are not there
    ProbeInstance instance{};
    // Those that were connected before, the latest last, and since when it is another than these.
    std::vector<ProbeInstance> past;
    BootTime anew;
    std::map<std::string, PortWiring> ports;
    std::set<std::string> doubles;  // of whom it sees a second box
    std::set<std::string> strays;   // its ports that the plan does not name and somebody is at
    std::set<std::string> alarmed;  // its ports with alarms
    // Somebody else proves to be this node, and since when.
    std::optional<BootTime> doubled_since;
    bool cloned = false;
  };

  // What reports say.
  void TakePort(const std::string& node, PortWiring wiring, BootTime now);
  void TakeAbsent(const std::string& name, BootTime now);
  void TakeSight(int port, PortSight sight, BootTime now);
  KnownNeighbour Know(const Neighbour& neighbour) const;
  std::map<int, Timing> ProofsOf(int port, const PortSight& sight) const;
  void CountProof(int from, int to, Timing timing, int by, std::set<int>& touched);
  void MarkNode(int node) { changed_nodes_[static_cast<size_t>(node)] = true; }
  void MarkNode(const std::string& name);
  Node& NodeNamed(const std::string& name);
  void Refresh(const std::string& node, BootTime now);
  void LookForDoubles(BootTime now);
  void BeginAnew(const std::string& name, Node& node, const ProbeInstance& instance, BootTime now);
  absl::Duration SettlesWithin(const std::string& name) const;
  bool IsSettled(const std::string& name, const Node& node, BootTime now) const;
  std::set<std::string> DoublesSeenBy(const Node& node) const;

  // What they mean.
  void Judge(int cable, BootTime now);
  Judgement JudgeDirect(int cable, const Wire& wire) const;
  Judgement JudgeToSwitch(int cable, const Wire& wire) const;
  bool Listens(int port) const;
  bool OthersListen(int port, bool at_its_switches) const;
  Judgement JudgeBetween(int cable, const Wire& wire) const;
  Judgement FromOther(int cable, int end, const Sight& sight) const;
  int SwappedWith(int cable) const;
  enum class Side { kNobody, kListens, kLost };
  std::array<Side, 2> SidesOf(int cable) const;
  std::optional<int> SeenFrom(int port) const;
  void Settle(int cable, Judgement judgement, BootTime now);
  void NoteFlapping(Wire& wire, bool was_good, BootTime now);
  void MarkChanged(int cable);

  // What that means for links.
  std::optional<std::string> WhyUndeclared(const std::string& name) const;
  std::optional<std::string> WhyNode(const std::string& name) const;
  bool NoCarrier(int port) const;
  bool JustPlugged(int port) const;
  std::optional<PathView> Astray(int port, int other) const;
  PathView RailOf(int port, int other) const;
  std::string StrayWords(const std::string& name, const Node& node) const;
  void AddNodeFindings(const std::string& name, const Node& node,
                       std::vector<Finding>& findings) const;
  void AddAlarms(const std::string& name, const Node& node, std::vector<Finding>& findings) const;
  std::string CableName(int cable) const;

  std::unique_ptr<const PlanGraph> graph_;
  std::map<std::string, Node> nodes_;
  std::vector<PortState> ports_;  // as graph_ numbers them
  std::vector<Wire> wires_;
  std::vector<Node*> nodes_by_index_;  // as graph_ numbers them; null: not heard of
  std::set<int> bad_;                  // wires
  std::set<int> flapping_;
  std::vector<int> dividers_;
  std::set<std::string> changed_;    // nodes that are not in the plan
  std::vector<bool> changed_nodes_;  // as graph_ numbers them
  BootTime looked_at_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_TOPOLOGY_TOPOLOGY_H_
