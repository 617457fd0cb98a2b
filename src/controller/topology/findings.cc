// What people are shown: the wires, and what they should look into.
#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"
#include "controller/topology/topology.h"

namespace sluice {
namespace {

using Kind = Sight::Kind;

constexpr size_t kMostPortsNamed = 16;

std::string Seen(const Sight& sight, const PortName& expected) {
  switch (sight.kind) {
    case Kind::kBlind:
    case Kind::kFresh:
      return "";
    case Kind::kNothing:
      return "nobody";
    case Kind::kExpected:
      return StrCat(expected.ToString(), sight.proved ? " (proved)" : " (claimed)");
    case Kind::kThrough:
      return "others, through it";
    case Kind::kOther:
      if (sight.other.node.empty()) return sight.words;
      return StrCat(sight.other.ToString(), sight.proved ? " (proved)" : " (claimed)");
  }
  return "";
}

std::string_view AlarmName(ProbeAlarm::Kind kind) {
  constexpr std::string_view kNames[] = {"forged", "replayed", "misplaced", "cloned"};
  return kNames[static_cast<int>(kind)];
}

}  // namespace

std::vector<WireView> Topology::Wires(BootTime now) const {
  std::vector<WireView> views;
  views.reserve(wires_.size());
  for (size_t cable = 0; cable < wires_.size(); ++cable) {
    const Wire& wire = wires_[cable];
    WireView& view = views.emplace_back();
    view.cable = graph_->plan().cables[cable];
    view.verdict = wire.verdict;
    view.evidence = wire.evidence;
    view.since = now - wire.since;
    view.rtt = wire.rtt;
    view.a_capacity = ports_[2 * cable].sight.wiring.capacity;
    view.b_capacity = ports_[2 * cable + 1].sight.wiring.capacity;
    view.a_sees = Seen(wire.sights[0], view.cable.b);
    view.b_sees = Seen(wire.sights[1], view.cable.a);
  }
  return views;
}

std::array<uint64_t, kWireVerdicts> Topology::Verdicts() const {
  std::array<uint64_t, kWireVerdicts> counts{};
  for (const Wire& wire : wires_) ++counts[static_cast<size_t>(wire.verdict)];
  return counts;
}

std::vector<Finding> Topology::Findings(BootTime now) const {
  std::vector<Finding> findings;
  if (!graph_) return findings;
  std::set<int> told_with_another;
  for (const int cable : bad_) {
    if (wires_[cable].verdict == WireVerdict::kSwapped)
      told_with_another.insert(wires_[cable].partner);
  }
  for (const int cable : bad_) {
    const Wire& wire = wires_[cable];
    const bool pair = wire.verdict == WireVerdict::kSwapped && wire.partner >= 0;
    // Its own ends may not have seen yet what the other one's have.
    if (!pair && told_with_another.contains(cable)) continue;
    if (pair && wire.partner < cable) {
      const Wire& other = wires_[wire.partner];
      // Told with the other one.
      if (other.verdict == WireVerdict::kSwapped && other.partner == cable) continue;
    }
    Finding& finding = findings.emplace_back();
    finding.verdict = VerdictName(wire.verdict);
    finding.closes = true;
    finding.since = now - wire.since;
    for (int one : {cable, pair ? wire.partner : -1}) {
      if (one < 0) continue;
      finding.cables.push_back(CableName(one));
      finding.ports.push_back(graph_->plan().cables[one].a.ToString());
      finding.ports.push_back(graph_->plan().cables[one].b.ToString());
    }
    finding.text = pair ? StrCat("the cables ", finding.cables[0], " and ", finding.cables[1],
                                 " are swapped; exchange their plugs")
                        : StrCat("the cable ", finding.cables[0], " is ",
                                 VerdictWords(wire.verdict), ": ", wire.evidence);
  }
  for (const auto& [name, node] : nodes_) AddNodeFindings(name, node, findings);
  return findings;
}

void Topology::AddNodeFindings(const std::string& name, const Node& node,
                               std::vector<Finding>& findings) const {
  const auto why = node.facts ? WhyNode(name) : std::nullopt;
  const auto index = graph_->FindNode(name);
  if (why && (node.online || index)) {
    Finding& finding = findings.emplace_back();
    finding.verdict = !index ? "undeclared" : node.cloned ? "cloned" : "unexpected";
    finding.text = *why;
    finding.closes = true;
    for (const auto& [port, wiring] : node.ports) {
      if (finding.ports.size() == kMostPortsNamed) break;
      finding.ports.push_back(StrCat(name, ":", port));
    }
  }
  AddAlarms(name, node, findings);
}

// They close nothing by themselves: whoever is in the fabric could raise them at will.
void Topology::AddAlarms(const std::string& name, const Node& node,
                         std::vector<Finding>& findings) const {
  for (const std::string& port : node.alarmed) {
    const auto wiring = node.ports.find(port);
    if (wiring == node.ports.end()) continue;
    for (const ProbeAlarm& alarm : wiring->second.alarms) {
      if (alarm.kind == ProbeAlarm::Kind::kCloned) continue;  // told of the node
      Finding& finding = findings.emplace_back();
      finding.verdict = AlarmName(alarm.kind);
      finding.ports = {StrCat(name, ":", port)};
      finding.text = StrCat("at ", name, ":", port, ": ", alarm.words, " (", alarm.frames,
                            alarm.frames == 1 ? " frame)" : " frames)");
      if (const auto number = graph_->FindPort({name, port}))
        finding.cables = {CableName(graph_->ports()[*number].cable)};
    }
  }
}

}  // namespace sluice
