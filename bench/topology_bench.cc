// How long the verdicts on a large fabric take: from a full set of observations, for one change,
// and, to compare, for judging everything anew after one change. Prints JSON.
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "base/strings.h"
#include "controller/topology/topology.h"

namespace sluice {
namespace {

constexpr int kLeaves = 32;  // of each plane

// Planes of leaves and spines; each node has a port in each plane. Half of the cables lead to
// nodes.
struct FatTree {
  int nodes = 0;
  int planes = 0;
  int spines = 0;
  Plan plan;
};

std::string NodeName(int node) { return StrCat("n", node); }
std::string LeafName(int plane, int leaf) { return StrCat("p", plane, "-leaf", leaf); }
PortName LeafPort(int plane, int node) {
  return {LeafName(plane, node % kLeaves), StrCat("down", node / kLeaves)};
}

FatTree MakeFatTree(int nodes, int cables) {
  FatTree tree{nodes, cables / (2 * nodes), nodes / kLeaves, {}};
  for (int node = 0; node < nodes; ++node)
    tree.plan.nodes.push_back({NodeName(node), PlanNode::Role::kNode, StrCat("rack", node / 16)});
  for (int plane = 0; plane < tree.planes; ++plane) {
    for (int leaf = 0; leaf < kLeaves; ++leaf)
      tree.plan.nodes.push_back({LeafName(plane, leaf), PlanNode::Role::kSwitch});
    for (int spine = 0; spine < tree.spines; ++spine)
      tree.plan.nodes.push_back({StrCat("p", plane, "-spine", spine), PlanNode::Role::kSwitch});
    for (int node = 0; node < nodes; ++node)
      tree.plan.cables.push_back({{NodeName(node), StrCat("fab", plane)}, LeafPort(plane, node)});
    for (int leaf = 0; leaf < kLeaves; ++leaf) {
      for (int spine = 0; spine < tree.spines; ++spine)
        tree.plan.cables.push_back({{LeafName(plane, leaf), StrCat("up", spine)},
                                    {StrCat("p", plane, "-spine", spine), StrCat("l", leaf)}});
    }
  }
  return tree;
}

PublicKey KeyOf(int node) {
  PublicKey key{1};
  key[1] = static_cast<uint8_t>(node);
  key[2] = static_cast<uint8_t>(node >> 8);
  return key;
}

ProbeInstance RunOf(int node) {
  return {1, static_cast<uint8_t>(node), static_cast<uint8_t>(node >> 8)};
}

// What a node says of a port: its switch's claim, and eight nodes that it has links with.
PortWiring Said(const FatTree& tree, int node, int plane, int plugged_as) {
  PortWiring wiring;
  wiring.port = StrCat("fab", plane);
  wiring.carrier = true;
  wiring.listening = absl::Minutes(1);
  const PortName leaf = LeafPort(plane, plugged_as);
  wiring.claims = {{leaf.node, "", leaf.port, ""}};
  for (int i = 1; i <= 8; ++i) {
    const int peer = (node + i * 37) % tree.nodes;
    wiring.neighbours.push_back(
        {{NodeName(peer), wiring.port}, false, KeyOf(peer), RunOf(peer), absl::Microseconds(12)});
  }
  return wiring;
}

NodeWiring SaidBy(const FatTree& tree, int node) {
  NodeWiring wiring{RunOf(node), true, {}};
  for (int plane = 0; plane < tree.planes; ++plane)
    wiring.ports.push_back(Said(tree, node, plane, node));
  return wiring;
}

double MillisecondsOf(const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began)
      .count();
}

void Require(bool right, const char* what) {
  if (right) return;
  std::fprintf(stderr, "sluice-topology-bench: %s\n", what);
  std::exit(1);
}

struct Figures {
  double plan_ms = 0;
  double full_ms = 0;
  std::vector<double> change_ms;
  double anew_ms = 0;
};

Figures Measure(int nodes, int cables, int changes) {
  Figures figures;
  const FatTree tree = MakeFatTree(nodes, cables);
  BootTime now{1'000'000'000};
  Topology topology;
  for (int node = 0; node < nodes; ++node)
    topology.SetNode(NodeName(node), {StrCat("rack", node / 16), false, KeyOf(node)}, now);
  std::vector<NodeWiring> said;
  for (int node = 0; node < nodes; ++node) said.push_back(SaidBy(tree, node));
  figures.plan_ms = MillisecondsOf([&] { topology.SetPlan(tree.plan, now); });
  figures.full_ms = MillisecondsOf([&] {
    for (int node = 0; node < nodes; ++node)
      topology.Observe(NodeName(node), std::move(said[static_cast<size_t>(node)]), now);
    Require(topology.Findings(now).empty(), "a whole fabric has findings");
    Require(topology.Wires(now).size() == tree.plan.cables.size(), "a cable has no verdict");
  });
  topology.TakeChanged();
  // Two plugs change places, then back: each report is one change.
  for (int change = 0; change < changes; ++change) {
    now = now + absl::Minutes(1);
    const int node = change / 2 % nodes;
    const bool swapped = change % 2 == 0;
    NodeWiring report{RunOf(node), false, {Said(tree, node, 0, swapped ? node + 1 : node)}};
    figures.change_ms.push_back(MillisecondsOf([&] {
      topology.Observe(NodeName(node), std::move(report), now);
      const auto touched = topology.TakeChanged();
      for (const std::string& name : touched)
        topology.PathOf({name, NodeName((node + 37) % tree.nodes)});
      Require(topology.Findings(now).empty() != swapped, "a change was not seen");
    }));
  }
  figures.anew_ms = MillisecondsOf([&] {
    const Topology anew = topology.Under(tree.plan, now);
    Require(anew.Findings(now).empty(), "judging anew differs");
  });
  return figures;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  const int nodes = argc > 1 ? std::atoi(argv[1]) : 1000;
  const int cables = argc > 2 ? std::atoi(argv[2]) : 64'000;
  const int changes = argc > 3 ? std::atoi(argv[3]) : 200;
  if (nodes < 64 || cables < 2 * nodes || changes < 2) {
    std::fprintf(stderr, "usage: sluice-topology-bench NODES CABLES CHANGES\n");
    return 2;
  }
  sluice::Figures figures = sluice::Measure(nodes, cables, changes);
  std::sort(figures.change_ms.begin(), figures.change_ms.end());
  const size_t last = figures.change_ms.size() - 1;
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  std::printf(
      "{\"plan_ms\":%.3f,\"full_ms\":%.3f,\"change_p50_ms\":%.4f,\"change_p99_ms\":%.4f,"
      "\"change_max_ms\":%.4f,\"anew_ms\":%.3f,\"peak_mib\":%.0f}\n",
      figures.plan_ms, figures.full_ms, figures.change_ms[last / 2],
      figures.change_ms[last * 99 / 100], figures.change_ms[last], figures.anew_ms,
      static_cast<double>(used.ru_maxrss) / 1024);
  return 0;
}
