// A fabric that tells the topology what its nodes would see, for its tests.
#ifndef SLUICE_CONTROLLER_TOPOLOGY_TOPOLOGY_TEST_FABRIC_H_
#define SLUICE_CONTROLLER_TOPOLOGY_TOPOLOGY_TEST_FABRIC_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "base/strings.h"
#include "controller/topology/topology.h"
#include "model/plan_parser.h"

namespace sluice {

inline constexpr char kFabricPlan[] = R"(graph fleet {
  a1 [enclosure=east]; a2 [enclosure=east]; b1 [enclosure=west]; b2 [enclosure=west];
  leaf1 [role=switch]; leaf2 [role=switch];
  a1:fab0 -- leaf1:p1; a2:fab0 -- leaf1:p2; b1:fab0 -- leaf2:p1; b2:fab0 -- leaf2:p2;
  leaf1:up -- leaf2:up;
  a1:fab1 -- b1:fab1 [max_rtt="100us"];
  a2:fab1 -- b2:fab1 [max_rtt="100us"];
})";

inline PublicKey IdentityOf(const std::string& node) {
  PublicKey key{};
  std::copy(node.begin(), node.end(), key.begin());
  return key;
}

inline ProbeInstance InstanceOf(const std::string& node, uint8_t life = 0) {
  ProbeInstance instance{};
  std::copy(node.begin(), node.end(), instance.begin());
  instance[7] = life;
  return instance;
}

inline PortName Named(const std::string& text) {
  const size_t colon = text.find(':');
  return {text.substr(0, colon), text.substr(colon + 1)};
}

inline Neighbour At(const std::string& port, bool nearest,
                    std::optional<absl::Duration> rtt = absl::Microseconds(20)) {
  Neighbour neighbour;
  neighbour.port = Named(port);
  neighbour.nearest = nearest;
  neighbour.identity = IdentityOf(neighbour.port.node);
  neighbour.instance = InstanceOf(neighbour.port.node);
  neighbour.rtt = rtt;
  return neighbour;
}

class TopologyFabric : public ::testing::Test {
 protected:
  TopologyFabric() { Plan(kFabricPlan); }

  void Plan(const std::string& text) {
    ParsedPlan parsed = ParsePlan(text);
    ASSERT_EQ(FormatPlanErrors("plan", parsed.errors), "");
    topology_.SetPlan(std::move(parsed.plan), now_);
  }
  void Enrol(const std::string& node, const std::string& enclosure) {
    topology_.SetNode(node, {enclosure, false, IdentityOf(node)}, now_);
  }
  void EnrolAll() {
    for (const char* node : {"a1", "a2"}) Enrol(node, "east");
    for (const char* node : {"b1", "b2"}) Enrol(node, "west");
  }
  PortWiring Wiring(const std::string& port, std::vector<Neighbour> neighbours,
                    std::vector<LldpClaim> claims = {}) {
    PortWiring wiring;
    wiring.port = Named(port).port;
    wiring.carrier = true;
    wiring.listening = absl::Seconds(10);
    wiring.neighbours = std::move(neighbours);
    wiring.claims = std::move(claims);
    return wiring;
  }
  void Say(const std::string& port, PortWiring wiring) {
    const std::string node = Named(port).node;
    topology_.Observe(node, {InstanceOf(node), false, {std::move(wiring)}}, now_);
  }
  // The port without carrier.
  void Cut(const std::string& port) {
    PortWiring dead = Wiring(port, {});
    dead.carrier = false;
    Say(port, dead);
  }
  void See(const std::string& port, std::vector<Neighbour> neighbours,
           std::vector<LldpClaim> claims = {}) {
    Say(port, Wiring(port, std::move(neighbours), std::move(claims)));
  }
  static LldpClaim Claim(const std::string& port) {
    return {Named(port).node, "", Named(port).port, ""};
  }
  // Everything as planned.
  void AllWell() {
    EnrolAll();
    const std::map<std::string, std::string> leafs = {{"a1:fab0", "leaf1:p1"},
                                                      {"a2:fab0", "leaf1:p2"},
                                                      {"b1:fab0", "leaf2:p1"},
                                                      {"b2:fab0", "leaf2:p2"}};
    for (const auto& [port, leaf] : leafs) {
      std::vector<Neighbour> others;
      for (const auto& [other, unused] : leafs)
        if (other != port) others.push_back(At(other, false));
      See(port, others, {Claim(leaf)});
    }
    for (const auto& [one, two] : {std::pair{"a1:fab1", "b1:fab1"}, {"a2:fab1", "b2:fab1"}}) {
      See(one, {At(two, true)});
      See(two, {At(one, true)});
    }
    topology_.TakeChanged();
  }
  void Pass(absl::Duration time) {
    now_ = now_ + time;
    topology_.Tick(now_);
  }
  WireView Wire(const std::string& port) {
    for (WireView& wire : topology_.Wires(now_)) {
      if (wire.cable.a.ToString() == port || wire.cable.b.ToString() == port) return wire;
    }
    ADD_FAILURE() << "no cable at " << port;
    return {};
  }
  WireVerdict Verdict(const std::string& port) { return Wire(port).verdict; }
  PathView Path(const std::string& src, const std::string& dst) {
    return topology_.PathOf({src, dst});
  }
  // The verdicts of all findings.
  std::vector<std::string> Found() {
    std::vector<std::string> verdicts;
    for (const Finding& finding : topology_.Findings(now_)) verdicts.push_back(finding.verdict);
    return verdicts;
  }
  PathView::State StateOf(const std::string& src, const std::string& dst) {
    return Path(src, dst).state;
  }

  BootTime now_{1'000'000'000'000};
  Topology topology_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_TOPOLOGY_TOPOLOGY_TEST_FABRIC_H_
