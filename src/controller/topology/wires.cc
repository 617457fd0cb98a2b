// Verdicts: what the ends' sights and the passing proofs say of each cable.
#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "controller/topology/topology.h"

namespace sluice {
namespace {

// So many losses in so short a time are flapping, which ends when there were none for a while.
constexpr absl::Duration kFlapWindow = absl::Seconds(10);
constexpr absl::Duration kFlapRest = absl::Seconds(5);

using Kind = Sight::Kind;

std::string Rtt(absl::Duration rtt) {
  return StrCat(absl::FormatDuration(absl::Trunc(rtt, absl::Nanoseconds(100))));
}

}  // namespace

std::string Topology::CableName(int cable) const {
  const PlanCable& planned = graph_->plan().cables[cable];
  return StrCat(planned.a.ToString(), " -- ", planned.b.ToString());
}

void Topology::Judge(int cable, BootTime now) {
  Wire& wire = wires_[cable];
  const int a = graph_->port_a(cable);
  const int b = graph_->port_b(cable);
  wire.sights = {LookFrom(*graph_, a, ports_[a].sight), LookFrom(*graph_, b, ports_[b].sight)};
  Judgement judgement = graph_->Direct(cable)                          ? JudgeDirect(cable, wire)
                        : graph_->has_agent(a) || graph_->has_agent(b) ? JudgeToSwitch(cable, wire)
                                                                       : JudgeBetween(cable, wire);
  judgement.partner = IsBad(judgement.verdict) ? SwappedWith(cable) : -1;
  if (judgement.partner >= 0) {
    judgement.verdict = WireVerdict::kSwapped;
    judgement.evidence =
        StrCat(judgement.evidence, "; ", CableName(judgement.partner), " ends where this should");
  }
  const int before = wire.partner;
  Settle(cable, std::move(judgement), now);
  // The other one of a pair learns of it, once.
  for (int other : {before, wires_[cable].partner}) {
    if (other >= 0 && before != wires_[cable].partner) Judge(other, now);
  }
}

Topology::Judgement Topology::FromOther(int cable, int end, const Sight& sight) const {
  const PlanCable& planned = graph_->plan().cables[cable];
  const PortName& here = end == 0 ? planned.a : planned.b;
  const PortName& there = end == 0 ? planned.b : planned.a;
  Judgement judgement;
  judgement.verdict =
      sight.other.node == there.node ? WireVerdict::kWrongPort : WireVerdict::kUnexpected;
  judgement.evidence =
      StrCat("at ", here.ToString(), ", where ", there.ToString(), " should be: ", sight.words);
  return judgement;
}

Topology::Judgement Topology::JudgeDirect(int cable, const Wire& wire) const {
  const PlanCable& planned = graph_->plan().cables[cable];
  std::optional<absl::Duration> rtt;
  const Sight* seen = nullptr;
  for (int end : {0, 1}) {
    const Sight& sight = wire.sights[end];
    if (sight.kind == Kind::kOther) return FromOther(cable, end, sight);
    if (sight.rtt && (!rtt || *sight.rtt < *rtt)) rtt = sight.rtt;
    if (sight.kind == Kind::kExpected) seen = &sight;
  }
  for (int end : {0, 1}) {
    const std::string here = (end == 0 ? planned.a : planned.b).ToString();
    const Sight& sight = wire.sights[end];
    if (sight.kind == Kind::kThrough)
      return {WireVerdict::kUnexpected, StrCat("at ", here, ": ", sight.words)};
  }
  if (seen != nullptr && rtt && *rtt > planned.max_rtt)
    return {WireVerdict::kTooFar, StrCat("the shortest round trip takes ", Rtt(*rtt),
                                         ", and the plan allows ", Rtt(planned.max_rtt))};
  const bool both = wire.sights[0].kind == Kind::kNothing || wire.sights[1].kind == Kind::kNothing;
  if (seen != nullptr && !both) {
    if (!rtt && planned.max_rtt != absl::InfiniteDuration())
      return {WireVerdict::kUnproved, "proved, but no round trip was timed yet", false};
    return {WireVerdict::kAsPlanned,
            rtt ? StrCat("proved by signature; round trip ", Rtt(*rtt)) : "proved by signature"};
  }
  for (int end : {0, 1}) {
    const Sight& sight = wire.sights[end];
    const Sight& far = wire.sights[1 - end];
    const std::string here = (end == 0 ? planned.a : planned.b).ToString();
    const PortWiring& beyond = ports_[2 * cable + 1 - end].sight.wiring;
    const bool young =
        beyond.listening < kSettled && !beyond.plugged && !ports_[2 * cable + 1 - end].sight.absent;
    if (sight.kind == Kind::kNothing && far.kind != Kind::kBlind && !young)
      return {WireVerdict::kMissing, StrCat("at ", here, ": ", sight.words)};
  }
  return {WireVerdict::kUnproved,
          StrCat(planned.a.ToString(), ": ", wire.sights[0].words, "; ", planned.b.ToString(), ": ",
                 wire.sights[1].words),
          false};
}

Topology::Judgement Topology::JudgeToSwitch(int cable, const Wire& wire) const {
  const PlanCable& planned = graph_->plan().cables[cable];
  const int end = graph_->has_agent(graph_->port_a(cable)) ? 0 : 1;
  const int port = 2 * cable + end;
  const Sight& sight = wire.sights[end];
  const std::string here = (end == 0 ? planned.a : planned.b).ToString();
  const Passing& passing = ports_[port].passing;
  if (sight.kind == Kind::kOther) return FromOther(cable, end, sight);
  if (passing.all_over())
    return {WireVerdict::kTooFar,
            StrCat("every round trip through it is longer than the cables on its way allow")};
  switch (sight.kind) {
    case Kind::kExpected:
      if (passing.any() > 0)
        return {WireVerdict::kUnproved, StrCat(sight.words, "; others answer through it")};
      if (Listens(port) && OthersListen(port, true))
        return {WireVerdict::kMissing,
                StrCat("at ", here,
                       ": the switch is claimed by LLDP to be there, but no node at "
                       "it answers: something may stand between")};
      return {WireVerdict::kUnproved, StrCat(sight.words, "; nobody answers through it")};
    case Kind::kThrough:
      return {WireVerdict::kUnproved, sight.words};
    case Kind::kNothing:
      // Nobody could answer over a switch that is silent itself.
      if (ports_[port].sight.wiring.carrier && !OthersListen(port, false))
        return {WireVerdict::kUnproved,
                StrCat(here, ": ", sight.words, ", and no other agent that it reaches listens")};
      return {WireVerdict::kMissing, StrCat("at ", here, ": ", sight.words)};
    default:
      return {WireVerdict::kUnproved, StrCat(here, ": ", sight.words), false};
  }
}

// Whether it would have heard by now.
bool Topology::Listens(int port) const {
  const PortSight& sight = ports_[port].sight;
  return sight.online && sight.wiring.carrier &&
         sight.wiring.plugged.value_or(sight.wiring.listening) >= kSettled;
}

// Other nodes' ports that it reaches; or only those with no dividing cable between, which may
// itself be what is missing.
bool Topology::OthersListen(int port, bool at_its_switches) const {
  return std::ranges::any_of(graph_->segment_of(port), [&](int other) {
    return graph_->ports()[other].node != graph_->ports()[port].node && Listens(other) &&
           (!at_its_switches || graph_->SameGroup(port, other));
  });
}

// No node sees it: what passes tells, if all must pass.
Topology::Judgement Topology::JudgeBetween(int cable, const Wire& wire) const {
  if (!graph_->Divides(cable)) return {WireVerdict::kUnproved, "no node can tell"};
  if (wire.passing.all_over())
    return {WireVerdict::kTooFar,
            "every round trip over it is longer than the cables on its way allow"};
  if (wire.passing.any() > 0)
    return {WireVerdict::kUnproved, "nodes of both sides answer each other over it"};
  const std::array<Side, 2> sides = SidesOf(cable);
  if (sides[0] == Side::kListens && sides[1] == Side::kListens)
    return {WireVerdict::kMissing, "no node of one side answers any of the other"};
  if (std::ranges::count(sides, Side::kListens) == 1 && std::ranges::count(sides, Side::kLost) == 1)
    return {WireVerdict::kMissing,
            "nothing passes, and no node behind it is connected any more: it is cut, or they are "
            "all down"};
  return {WireVerdict::kUnproved, "there is nobody yet on both sides to answer over it", false};
}

std::array<Topology::Side, 2> Topology::SidesOf(int cable) const {
  std::array<Side, 2> sides{};
  for (int port : graph_->agents_around(cable)) {
    Side& side = sides[graph_->Below(cable, port) ? 1 : 0];
    if (side == Side::kListens) continue;
    const Node* node = nodes_by_index_[static_cast<size_t>(graph_->ports()[port].node)];
    if (Listens(port)) {
      side = Side::kListens;
      if (sides[0] == side && sides[1] == side) break;
    } else if (node != nullptr && node->was_online && !node->online) {
      side = Side::kLost;
    }
  }
  return sides;
}

// Who is at the other end of the cable that is plugged in there.
std::optional<int> Topology::SeenFrom(int port) const {
  const Sight& sight = wires_[graph_->ports()[port].cable].sights[port & 1];
  if (sight.kind != Kind::kOther || sight.other.port.empty()) return std::nullopt;
  return graph_->FindPort(sight.other);
}

// Two cables, a -- b and x -- y, are swapped where a is seen with x and y with b.
int Topology::SwappedWith(int cable) const {
  for (int here : {graph_->port_a(cable), graph_->port_b(cable)}) {
    const auto seen = SeenFrom(here);
    if (!seen || graph_->ports()[*seen].cable == cable) continue;
    const int far = graph_->ports()[*seen].peer;  // y
    const int own = graph_->ports()[here].peer;   // b
    if (SeenFrom(far) == own || SeenFrom(own) == far) return graph_->ports()[*seen].cable;
  }
  return -1;
}

void Topology::NoteFlapping(Wire& wire, bool was_good, BootTime now) {
  if (!was_good || !IsBad(wire.beneath)) return;
  std::rotate(wire.losses.begin(), wire.losses.end() - 1, wire.losses.end());
  wire.losses.front() = now;
  const bool often = wire.losses.back().ns > 0 && now - wire.losses.back() < kFlapWindow;
  if (often || wire.flaps_until) wire.flaps_until = now + kFlapRest;
}

void Topology::Settle(int cable, Judgement judgement, BootTime now) {
  Wire& wire = wires_[cable];
  const WireVerdict before = wire.verdict;
  const bool was_settled = wire.settled;
  const bool was_good = was_settled && !IsBad(wire.beneath);
  wire.beneath = judgement.verdict;
  wire.partner = judgement.partner;
  wire.settled = judgement.settled;
  wire.evidence = std::move(judgement.evidence);
  wire.rtt.reset();
  for (const Sight& sight : wire.sights) {
    if (sight.rtt && (!wire.rtt || *sight.rtt < *wire.rtt)) wire.rtt = sight.rtt;
  }
  NoteFlapping(wire, was_good, now);
  wire.verdict = wire.beneath;
  if (wire.flaps_until) {
    flapping_.insert(cable);
    wire.verdict = WireVerdict::kFlapping;
    wire.evidence = StrCat("it comes and goes; now: ", wire.evidence);
  }
  if (wire.verdict != before) wire.since = now;
  if (IsBad(wire.verdict)) {
    bad_.insert(cable);
  } else {
    bad_.erase(cable);
  }
  if (wire.verdict != before || wire.settled != was_settled) MarkChanged(cable);
}

void Topology::MarkChanged(int cable) {
  for (int port : {graph_->port_a(cable), graph_->port_b(cable)}) {
    if (graph_->has_agent(port)) MarkNode(graph_->ports()[port].node);
  }
  if (!graph_->Divides(cable)) return;
  for (int agent : graph_->agents_around(cable)) MarkNode(graph_->ports()[agent].node);
}

}  // namespace sluice
