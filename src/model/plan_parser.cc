#include "model/plan_parser.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/strings.h"
#include "model/dot.h"
#include "model/names.h"
#include "model/plan_words.h"

namespace sluice {
namespace {

constexpr absl::Duration kMostMaxRtt = absl::Seconds(1);
// Of IEEE 802.1AB: what a switch does unless it is told, and what it can be told.
constexpr absl::Duration kUsualLldpInterval = absl::Seconds(30);
constexpr absl::Duration kLeastLldpInterval = absl::Seconds(1);
constexpr absl::Duration kMostLldpInterval = absl::Hours(1);

using PlanRole = PlanNode::Role;
constexpr std::array<std::pair<std::string_view, PlanRole>, 4> kPlanRoles = {
    {{"node", PlanRole::kNode},
     {"gateway", PlanRole::kGateway},
     {"switch", PlanRole::kSwitch},
     {"controller", PlanRole::kController}}};

std::string_view PlanRoleName(PlanRole role) {
  for (const auto& [name, value] : kPlanRoles)
    if (value == role) return name;
  return "";
}

// What an attribute says, and where.
template <typename T>
struct Said {
  std::optional<T> value = {};
  PlanPlace place = {};
  bool by_default = false;
};

template <typename T>
void FillFromDefault(Said<T>& said, const Said<T>& fallback) {
  if (said.value || !fallback.value) return;
  said = fallback;
  said.by_default = true;
}

template <typename T>
void ReplaceBy(Said<T>& said, const Said<T>& newer) {
  if (newer.value) said = newer;
}

struct NodeTraits {
  Said<PlanRole> role = {};
  Said<std::string> enclosure = {};
  Said<absl::Duration> lldp_every = {};
  bool spoiled = false;  // by an error, so that what is missing may not be missing
};

struct CableTraits {
  Said<BitRate> speed = {};
  Said<absl::Duration> max_rtt = {};
};

// The defaults within one graph or subgraph.
struct PlanScope {
  NodeTraits node = {};
  CableTraits cable = {};
};

struct KnownNode {
  std::string name = {};
  PlanPlace first = {};  // where it is first named
  bool declared = false;
  PlanPlace declared_at = {};
  NodeTraits traits = {};
};

struct CableEnd {
  size_t node = 0;  // an index of nodes_
  std::string port = {};
  PlanPlace place = {};  // of the port
};

struct FoundCable {
  CableEnd a = {};
  CableEnd b = {};
  PlanCable cable = {};
};

class PlanReader : public DotHandler {
 public:
  void OnScopeBegin() override { scopes_.push_back(scopes_.back()); }
  void OnScopeEnd() override { scopes_.pop_back(); }
  void OnDefaults(DotKind kind, const DotAttributes& attributes) override;
  void OnNode(const DotEnd& node, const DotAttributes& attributes) override;
  void OnEdge(const std::vector<DotEnd>& ends, const DotAttributes& attributes) override;
  void OnSyntaxError(PlanPlace place, std::string text) override {
    bad_syntax_ = true;
    Mistake(place, std::move(text));
  }
  bool WantsMore() const override { return !stopped_ && errors_.size() < kMostPlanErrors; }

  ParsedPlan Finish();

 private:
  void Mistake(PlanPlace place, std::string text) { errors_.push_back({place, std::move(text)}); }
  // Takes a value that an attribute or another statement adds; what contradicts is an error.
  template <typename T>
  void Add(Said<T>& said, const Said<T>& more, std::string_view what, std::string_view node = {});

  NodeTraits ReadNodeTraits(const DotAttributes& attributes);
  void ReadRole(const DotAttribute& attribute, NodeTraits& traits);
  void ReadEnclosure(const DotAttribute& attribute, NodeTraits& traits);
  void ReadLldp(const DotAttribute& attribute, NodeTraits& traits);
  CableTraits ReadCableTraits(const DotAttributes& attributes);
  void ReadSpeed(const DotAttribute& attribute, CableTraits& traits);
  void ReadMaxRtt(const DotAttribute& attribute, CableTraits& traits);
  // False for attributes without a meaning here, after an error if they are unknown.
  bool HasMeaning(DotKind kind, const DotAttribute& attribute, bool& spoiled);

  size_t NodeIndex(const DotId& name);
  std::optional<CableEnd> ReadCableEnd(const DotEnd& end);
  void AddCable(const CableEnd& a, const CableEnd& b, PlanCable cable);

  // What shows only at the end, since attributes may come in any order.
  void FinishNode(KnownNode& node);
  void FinishTraits(KnownNode& node, PlanRole role);
  void CheckEnd(const CableEnd& end);
  Plan MakePlan();

  std::vector<PlanError> errors_;
  bool bad_syntax_ = false;
  bool stopped_ = false;
  std::vector<PlanScope> scopes_ = {{}};
  std::vector<KnownNode> nodes_;
  std::map<std::string, size_t, std::less<>> index_;
  std::vector<size_t> declared_;  // in the order of the file
  std::vector<FoundCable> cables_;
  std::map<std::pair<size_t, std::string>, PlanPlace> ports_;  // with a cable
};

template <typename T>
void PlanReader::Add(Said<T>& said, const Said<T>& more, std::string_view what,
                     std::string_view node) {
  if (!more.value) return;
  if (!said.value) {
    said = more;
  } else if (*said.value != *more.value) {
    Mistake(more.place,
            StrCat(what, node.empty() ? "" : " of " + ForMessage(node), " contradicts line ",
                   said.place.line, ", column ", said.place.column, "; say it once"));
  }
}

bool PlanReader::HasMeaning(DotKind kind, const DotAttribute& attribute, bool& spoiled) {
  if (attribute.name.broken) return false;
  auto known = AttributesOf(kind);
  std::string_view name = attribute.name.text;
  if (std::find(known.begin(), known.end(), name) != known.end()) {
    spoiled |= attribute.value.broken;
    return !attribute.value.broken;
  }
  if (IsForDrawing(name)) return false;
  spoiled = true;
  Mistake(attribute.name.place, UnknownAttributeText(kind, name));
  return false;
}

NodeTraits PlanReader::ReadNodeTraits(const DotAttributes& attributes) {
  NodeTraits traits;
  for (const DotAttribute& attribute : attributes) {
    if (!HasMeaning(DotKind::kNode, attribute, traits.spoiled)) continue;
    const size_t errors = errors_.size();
    if (attribute.name.text == "role") ReadRole(attribute, traits);
    if (attribute.name.text == "enclosure") ReadEnclosure(attribute, traits);
    if (attribute.name.text == "lldp") ReadLldp(attribute, traits);
    traits.spoiled |= errors_.size() > errors;
  }
  return traits;
}

void PlanReader::ReadRole(const DotAttribute& attribute, NodeTraits& traits) {
  for (const auto& [name, role] : kPlanRoles)
    if (name == attribute.value.text)
      return Add(traits.role, {role, attribute.name.place}, "this role");
  std::array<std::string_view, kPlanRoles.size()> names;
  std::transform(kPlanRoles.begin(), kPlanRoles.end(), names.begin(),
                 [](const auto& role) { return role.first; });
  Mistake(attribute.value.place, StrCat(ForMessage(attribute.value.text), " is no role; ",
                                        KnownText(attribute.value.text, names)));
}

void PlanReader::ReadEnclosure(const DotAttribute& attribute, NodeTraits& traits) {
  absl::Status good = CheckName("the enclosure's name", attribute.value.text);
  if (!good.ok()) return Mistake(attribute.value.place, std::string(good.message()));
  Add(traits.enclosure, {std::string(attribute.value.text), attribute.name.place},
      "this enclosure");
}

void PlanReader::ReadLldp(const DotAttribute& attribute, NodeTraits& traits) {
  std::string_view text = attribute.value.text;
  absl::Duration every = absl::InfiniteDuration();
  if (text == "yes" || text == "true") {
    every = kUsualLldpInterval;
  } else if (text != "no" && text != "false") {
    absl::StatusOr<absl::Duration> parsed = ParseDuration(text);
    if (!parsed.ok() || *parsed < kLeastLldpInterval || *parsed > kMostLldpInterval)
      return Mistake(attribute.value.place,
                     StrCat("lldp is \"yes\", \"no\" or how often the switch says it, from \"1s\" "
                            "to \"1h\", not ",
                            ForMessage(text)));
    every = *parsed;
  }
  Add(traits.lldp_every, {every, attribute.name.place}, "this lldp");
}

CableTraits PlanReader::ReadCableTraits(const DotAttributes& attributes) {
  CableTraits traits;
  bool spoiled = false;
  for (const DotAttribute& attribute : attributes) {
    if (!HasMeaning(DotKind::kEdge, attribute, spoiled)) continue;
    if (attribute.name.text == "speed") ReadSpeed(attribute, traits);
    if (attribute.name.text == "max_rtt") ReadMaxRtt(attribute, traits);
  }
  return traits;
}

void PlanReader::ReadSpeed(const DotAttribute& attribute, CableTraits& traits) {
  absl::StatusOr<BitRate> speed = ParseBitRate(attribute.value.text);
  if (!speed.ok())
    return Mistake(attribute.value.place, StrCat("speed: ", ToStd(speed.status().message())));
  if (speed->bps == 0)
    return Mistake(attribute.value.place, "speed is zero; write for example \"100Gbit\"");
  Add(traits.speed, {*speed, attribute.name.place}, "this speed");
}

void PlanReader::ReadMaxRtt(const DotAttribute& attribute, CableTraits& traits) {
  absl::StatusOr<absl::Duration> rtt = ParseDuration(attribute.value.text);
  if (!rtt.ok())
    return Mistake(attribute.value.place, StrCat("max_rtt: ", ToStd(rtt.status().message())));
  if (*rtt > kMostMaxRtt)
    return Mistake(attribute.value.place, StrCat("max_rtt ", ForMessage(attribute.value.text),
                                                 " is longer than 1s; write for example \"5us\""));
  Add(traits.max_rtt, {*rtt, attribute.name.place}, "this max_rtt");
}

void PlanReader::OnDefaults(DotKind kind, const DotAttributes& attributes) {
  PlanScope& scope = scopes_.back();
  bool spoiled = false;
  if (kind == DotKind::kGraph)
    for (const DotAttribute& attribute : attributes) HasMeaning(kind, attribute, spoiled);
  if (kind == DotKind::kNode) {
    NodeTraits traits = ReadNodeTraits(attributes);
    ReplaceBy(scope.node.role, traits.role);
    ReplaceBy(scope.node.enclosure, traits.enclosure);
    ReplaceBy(scope.node.lldp_every, traits.lldp_every);
    scope.node.spoiled |= traits.spoiled;
  }
  if (kind == DotKind::kEdge) {
    CableTraits traits = ReadCableTraits(attributes);
    ReplaceBy(scope.cable.speed, traits.speed);
    ReplaceBy(scope.cable.max_rtt, traits.max_rtt);
  }
}

size_t PlanReader::NodeIndex(const DotId& name) {
  auto found = index_.find(name.text);
  if (found != index_.end()) return found->second;
  index_.emplace(name.text, nodes_.size());
  KnownNode& node = nodes_.emplace_back();
  node.name = name.text;
  node.first = name.place;
  // The wider rule: at the end, when it is known what the node is, comes the narrower.
  const std::string wrong = CheckSwitchName(name.text);
  node.traits.spoiled = name.broken || !wrong.empty();
  if (name.broken || wrong.empty()) return nodes_.size() - 1;
  // What follows is inside out if this is the text between two strings.
  stopped_ = name.text.find_first_of("[]{}=;\n\"") != std::string_view::npos;
  Mistake(name.place, StrCat(wrong, stopped_ ? ". Is a quote missing, here or before?" : ""));
  return nodes_.size() - 1;
}

void PlanReader::OnNode(const DotEnd& end, const DotAttributes& attributes) {
  if (end.port && !end.port->broken)
    Mistake(end.port->place,
            "a port has no attributes and no statement of its own; write cables "
            "as " +
                std::string(kCableExample));
  NodeTraits traits = ReadNodeTraits(attributes);
  const size_t index = NodeIndex(end.node);
  KnownNode& node = nodes_[index];
  if (!node.declared) {
    node.declared = true;
    node.declared_at = end.node.place;
    declared_.push_back(index);
    const NodeTraits& defaults = scopes_.back().node;
    FillFromDefault(traits.role, defaults.role);
    FillFromDefault(traits.enclosure, defaults.enclosure);
    FillFromDefault(traits.lldp_every, defaults.lldp_every);
    traits.spoiled |= defaults.spoiled;
  }
  Add(node.traits.role, traits.role, "the role", node.name);
  Add(node.traits.enclosure, traits.enclosure, "the enclosure", node.name);
  Add(node.traits.lldp_every, traits.lldp_every, "lldp", node.name);
  node.traits.spoiled |= traits.spoiled;
}

std::optional<CableEnd> PlanReader::ReadCableEnd(const DotEnd& end) {
  const bool colon = end.node.text.find(':') != std::string_view::npos;
  if (!end.port && !end.node.broken) {
    Mistake(end.node.place,
            StrCat("write the port behind ", ForMessage(end.node.text), ", as in ", kCableExample,
                   colon ? ": node and port each in quotes of their own" : ""));
    // It is a node all the same, unless its name is the mistake.
    if (!colon) NodeIndex(end.node);
    return std::nullopt;
  }
  const size_t node = NodeIndex(end.node);
  if (!end.port || end.port->broken || end.node.broken) return std::nullopt;
  // As with names.
  if (std::string text = CheckPortName(end.port->text, true); !text.empty()) {
    Mistake(end.port->place, std::move(text));
    return std::nullopt;
  }
  return CableEnd{node, std::string(end.port->text), end.port->place};
}

void PlanReader::OnEdge(const std::vector<DotEnd>& ends, const DotAttributes& attributes) {
  CableTraits traits = ReadCableTraits(attributes);
  FillFromDefault(traits.speed, scopes_.back().cable.speed);
  FillFromDefault(traits.max_rtt, scopes_.back().cable.max_rtt);
  PlanCable cable;
  cable.speed = traits.speed.value.value_or(cable.speed);
  cable.max_rtt = traits.max_rtt.value.value_or(cable.max_rtt);
  std::optional<CableEnd> last = ReadCableEnd(ends[0]);
  for (size_t i = 1; i < ends.size() && WantsMore(); ++i) {
    std::optional<CableEnd> next = ReadCableEnd(ends[i]);
    cable.place = ends[i - 1].node.place;
    if (last && next) AddCable(*last, *next, cable);
    last = std::move(next);
  }
}

void PlanReader::AddCable(const CableEnd& a, const CableEnd& b, PlanCable cable) {
  if (a.node == b.node)
    return Mistake(b.place, StrCat("a cable from ", ForMessage(nodes_[a.node].name),
                                   " to itself; a cable runs between two nodes"));
  for (const CableEnd* end : {&a, &b}) {
    auto [port, added] = ports_.try_emplace({end->node, end->port}, end->place);
    if (added) continue;
    return Mistake(
        end->place,
        StrCat("port ", ForMessage(end->port), " of ", ForMessage(nodes_[end->node].name),
               " has a cable already, on line ", port->second.line, "; a port takes one cable"));
  }
  cables_.push_back({a, b, std::move(cable)});
}

void PlanReader::FinishNode(KnownNode& node) {
  const NodeTraits& traits = node.traits;
  if (node.declared && (traits.role.value || traits.enclosure.value))
    return FinishTraits(node, traits.role.value.value_or(PlanRole::kNode));
  if (traits.spoiled || bad_syntax_) return;
  const std::string name = ForMessage(node.name);
  Mistake(node.declared ? node.declared_at : node.first,
          StrCat(node.declared ? "say what " : "nothing says what ", name, " is: write ", name,
                 " [enclosure=\"east\"] for a node, or [role=switch], [role=controller] or "
                 "[role=gateway, enclosure=\"outside\"]"));
}

// A default that does not suit the role is meant for the others in its scope.
void PlanReader::FinishTraits(KnownNode& node, PlanRole role) {
  NodeTraits& traits = node.traits;
  const bool agent = role == PlanRole::kNode || role == PlanRole::kGateway;
  auto what = [&] { return StrCat(PlanRoleName(role), " ", ForMessage(node.name)); };
  if (role != PlanRole::kSwitch && !traits.spoiled) {
    if (const absl::Status good = CheckName("the node's name", node.name); !good.ok())
      Mistake(node.first, std::string(ToStd(good.message())));
  }
  if (agent && !traits.enclosure.value && !traits.spoiled && !bad_syntax_)
    Mistake(node.declared_at,
            StrCat(what(), " is in no enclosure; write for example enclosure=\"east\""));
  if (!agent && traits.enclosure.value && !traits.enclosure.by_default)
    Mistake(traits.enclosure.place, StrCat(what(), " has no enclosure; remove it"));
  if (role != PlanRole::kSwitch && traits.lldp_every.value && !traits.lldp_every.by_default)
    Mistake(traits.lldp_every.place,
            StrCat("lldp is for switches, and this is ", what(), "; remove it"));
  traits.role.value = role;
  if (!agent) traits.enclosure.value.reset();
  if (role != PlanRole::kSwitch) traits.lldp_every.value.reset();
}

void PlanReader::CheckEnd(const CableEnd& end) {
  const NodeTraits& traits = nodes_[end.node].traits;
  if (!traits.role.value || traits.spoiled) return;
  std::string text = CheckPortName(end.port, *traits.role.value == PlanRole::kSwitch);
  if (!text.empty()) Mistake(end.place, std::move(text));
}

Plan PlanReader::MakePlan() {
  Plan plan;
  plan.nodes.reserve(declared_.size());
  plan.cables.reserve(cables_.size());
  for (size_t i : declared_) {
    const NodeTraits& traits = nodes_[i].traits;
    plan.nodes.push_back({.name = nodes_[i].name,
                          .role = *traits.role.value,
                          .enclosure = traits.enclosure.value.value_or(""),
                          .lldp_every = traits.lldp_every.value.value_or(absl::InfiniteDuration()),
                          .place = nodes_[i].declared_at});
  }
  for (FoundCable& found : cables_) {
    found.cable.a = {nodes_[found.a.node].name, std::move(found.a.port)};
    found.cable.b = {nodes_[found.b.node].name, std::move(found.b.port)};
    plan.cables.push_back(std::move(found.cable));
  }
  return plan;
}

ParsedPlan PlanReader::Finish() {
  ParsedPlan parsed;
  if (WantsMore()) {
    for (KnownNode& node : nodes_) FinishNode(node);
    for (const FoundCable& found : cables_) {
      CheckEnd(found.a);
      CheckEnd(found.b);
    }
  }
  if (errors_.empty()) {
    parsed.plan = MakePlan();
    auto has_agent = [](const PlanNode& node) { return node.has_agent(); };
    if (std::count_if(parsed.plan.nodes.begin(), parsed.plan.nodes.end(), has_agent) < 2)
      Mistake({1, 1}, "a plan needs two nodes or more; write \"a1\" [enclosure=\"east\"];");
  }
  auto before = [](const PlanError& a, const PlanError& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  };
  std::stable_sort(errors_.begin(), errors_.end(), before);
  if (errors_.size() > kMostPlanErrors) errors_.resize(kMostPlanErrors);
  parsed.errors = std::move(errors_);
  return parsed;
}

}  // namespace

ParsedPlan ParsePlan(std::string_view text) {
  if (text.size() > kMostPlanBytes)
    return {
        {},
        {{{1, 1},
          StrCat("the plan has ", text.size(), " bytes; at most ", kMostPlanBytes, " are read")}}};
  PlanReader reader;
  ReadDot(text, reader);
  return reader.Finish();
}

std::string FormatPlanErrors(std::string_view file, const std::vector<PlanError>& errors) {
  std::string out;
  for (const PlanError& error : errors)
    absl::StrAppend(&out, ToAbsl(file), ":", error.place.line, ":", error.place.column, ": ",
                    error.text, "\n");
  return out;
}

}  // namespace sluice
