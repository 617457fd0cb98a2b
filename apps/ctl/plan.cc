// The plan and the wiring.
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "absl/time/clock.h"
#include "arguments.h"
#include "base/status.h"
#include "base/strings.h"
#include "commands.h"
#include "format.h"
#include "model/plan_parser.h"
#include "model/topology_view.h"
#include "tables.h"

namespace sluice::ctl {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  if (in) text << in.rdbuf();
  if (!in || in.bad())
    return absl::InvalidArgumentError(StrCat("cannot read ", path, ": is it there?"));
  return text.str();
}

absl::StatusOr<Plan> Parsed(const std::string& name, const std::string& text) {
  ParsedPlan parsed = ParsePlan(text);
  if (parsed.errors.empty()) return std::move(parsed.plan);
  std::string words = FormatPlanErrors(name, parsed.errors);
  while (words.ends_with('\n')) words.pop_back();
  return absl::InvalidArgumentError(StrCat("the plan has ", parsed.errors.size(),
                                           parsed.errors.size() == 1 ? " mistake" : " mistakes",
                                           ":\n", words));
}

struct FilePlan {
  std::string text;
  Plan plan;
};

absl::StatusOr<FilePlan> ReadPlan(const std::string& path) {
  FilePlan file;
  SLUICE_ASSIGN_OR_RETURN(file.text, ReadFile(path));
  SLUICE_ASSIGN_OR_RETURN(file.plan, Parsed(path, file.text));
  return file;
}

std::string Summary(const Plan& plan) {
  size_t agents = 0;
  size_t ceilings = 0;
  for (const PlanNode& node : plan.nodes) agents += node.has_agent() ? 1 : 0;
  for (const PlanCable& cable : plan.cables)
    ceilings += cable.max_rtt == absl::InfiniteDuration() ? 0 : 1;
  return StrCat(agents, " nodes with agents, ", plan.nodes.size() - agents, " others, ",
                plan.cables.size(), " cables, ", ceilings, " with a delay ceiling");
}

std::string NodeWords(const PlanNode& node) {
  constexpr std::string_view kRoles[] = {"node", "gateway", "switch", "controller"};
  std::string words = StrCat(node.name, " (", kRoles[static_cast<int>(node.role)]);
  if (!node.enclosure.empty()) words += StrCat(" in ", node.enclosure);
  if (node.lldp_every != absl::InfiniteDuration())
    words += StrCat(", LLDP every ", absl::FormatDuration(node.lldp_every));
  return words + ")";
}

std::string CableWords(const PlanCable& cable) {
  const bool turned = cable.b < cable.a;
  std::string words = StrCat((turned ? cable.b : cable.a).ToString(), " -- ",
                             (turned ? cable.a : cable.b).ToString());
  if (cable.speed.bps > 0) words += StrCat(" speed ", FormatExact(cable.speed));
  if (cable.max_rtt != absl::InfiniteDuration())
    words += StrCat(" max_rtt ", absl::FormatDuration(cable.max_rtt));
  return words;
}

std::set<std::string> LinesOf(const Plan& plan) {
  std::set<std::string> lines;
  for (const PlanNode& node : plan.nodes) lines.insert(StrCat("node  ", NodeWords(node)));
  for (const PlanCable& cable : plan.cables) lines.insert(StrCat("cable ", CableWords(cable)));
  return lines;
}

// What one has and the other has not, whatever the order and spelling of the files.
std::string Difference(const Plan& before, const Plan& after) {
  const std::set<std::string> old_lines = LinesOf(before);
  const std::set<std::string> new_lines = LinesOf(after);
  std::string out;
  for (const std::string& line : old_lines)
    if (!new_lines.contains(line)) out += StrCat("- ", line, "\n");
  for (const std::string& line : new_lines)
    if (!old_lines.contains(line)) out += StrCat("+ ", line, "\n");
  return out;
}

bool IsVersion(const std::string& text) {
  return text == "active" ||
         (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos);
}

// Of a file, or of a version that the controller has.
absl::StatusOr<Plan> PlanOf(Context& context, const std::string& name) {
  if (!IsVersion(name)) {
    SLUICE_ASSIGN_OR_RETURN(FilePlan file, ReadPlan(name));
    return std::move(file.plan);
  }
  SLUICE_ASSIGN_OR_RETURN(const Json answer, context.client.Get("/api/v1/plans/" + name));
  const Json& text = Member(answer, "plan");
  if (!text.is_string()) return absl::InternalError("the controller's answer holds no plan");
  if (text.get_ref<const std::string&>().empty()) return Plan{};
  return Parsed(StrCat("version ", name), text.get<std::string>());
}

absl::Status Print(Context& context, const absl::StatusOr<Json>& answer,
                   const std::function<std::string(const Json&)>& table) {
  SLUICE_RETURN_IF_ERROR(answer.status());
  if (context.json) {
    PrintJson(context.out, *answer);
  } else {
    context.out << table(*answer);
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status PlanCheck(const std::string& path, bool json, std::ostream& out) {
  SLUICE_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const ParsedPlan parsed = ParsePlan(text);
  if (json) {
    Json errors = Json::array();
    for (const PlanError& error : parsed.errors)
      errors.push_back({{"line", error.place.line},
                        {"column", error.place.column},
                        {"text", Printable(error.text)}});
    PrintJson(out, {{"file", path},
                    {"nodes", parsed.plan.nodes.size()},
                    {"cables", parsed.plan.cables.size()},
                    {"errors", std::move(errors)}});
  }
  SLUICE_RETURN_IF_ERROR(Parsed(path, text).status());
  if (!json) out << path << " is a good plan: " << Summary(parsed.plan) << "\n";
  return absl::OkStatus();
}

absl::StatusOr<Action> PlanSet(const std::string& path, bool dry_run) {
  SLUICE_ASSIGN_OR_RETURN(const FilePlan file, ReadPlan(path));
  return Action([text = file.text, dry_run](Context& context) {
    const auto answer =
        context.client.Put(dry_run ? "/api/v1/plan?dry_run=1" : "/api/v1/plan", {{"plan", text}});
    if (dry_run) return Print(context, answer, PlanPreviewText);
    return Print(context, answer, [](const Json& plan) {
      return StrCat("Version ", ShowCount(Count(plan, "version")),
                    " is the plan now. `sluicectl topology show` says how the wires compare.\n");
    });
  });
}

Action PlanRemove() {
  return [](Context& context) {
    return Print(context, context.client.Delete("/api/v1/plan"), [](const Json&) {
      return std::string("There is no plan now: no wire is checked.\n");
    });
  };
}

Action PlanShow(const std::string& version) {
  return [version](Context& context) {
    return Print(context, context.client.Get("/api/v1/plans/" + version), [](const Json& answer) {
      const Json& text = Member(answer, "plan");
      std::string out = text.is_string() ? text.get<std::string>() : "";
      if (out.empty()) return std::string("There is no plan: no wire is checked.\n");
      // As it was written, but for what would speak to the terminal.
      for (char& c : out)
        if (c != '\n' && c != '\t' && (static_cast<unsigned char>(c) < ' ' || c == 127)) c = '?';
      return out.ends_with('\n') ? out : out + "\n";
    });
  };
}

Action PlanHistory() {
  return [](Context& context) {
    return Print(context, context.client.Get("/api/v1/plans"), PlanTable);
  };
}

Action PlanDiff(const std::string& before, const std::string& after) {
  return [before, after](Context& context) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(const Plan one, PlanOf(context, before));
    SLUICE_ASSIGN_OR_RETURN(const Plan two, PlanOf(context, after));
    const std::string difference = Difference(one, two);
    context.out << (difference.empty() ? "The plans mean the same.\n" : difference);
    return absl::OkStatus();
  };
}

Action TopologyShow(bool findings) {
  return [findings](Context& context) {
    return Print(context,
                 context.client.Get(findings ? "/api/v1/topology?findings=1" : "/api/v1/topology"),
                 [findings](const Json& answer) { return TopologyText(answer, !findings); });
  };
}

namespace {

constexpr absl::Duration kMeasureLasts = absl::Seconds(6);
// As little short of the declared speed as headers and gaps between frames explain.
constexpr double kCarries = 0.9;

// The last measurement from that port, or nothing.
absl::StatusOr<Json> CapacityAt(Context& context, const std::string& port) {
  SLUICE_ASSIGN_OR_RETURN(const Json answer, context.client.Get("/api/v1/topology"));
  for (const Json& wire : Items(answer, "wires")) {
    if (Text(wire, "a") == port) return Member(wire, "a_capacity");
    if (Text(wire, "b") == port) return Member(wire, "b_capacity");
  }
  return Json(nullptr);
}

std::string CapacityText(const std::string& port, const Json& capacity, uint64_t speed) {
  const uint64_t rate = Count(capacity, "at_least_bps").value_or(0);
  const bool carries = static_cast<double>(rate) >= kCarries * static_cast<double>(speed);
  return StrCat("From ", port, " to ", Text(capacity, "to"), " at least ",
                FormatShort(BitRate{rate}), " came through. ",
                carries ? "The cable carries its speed of " : "That does not prove its speed of ",
                FormatExact(BitRate{speed}), ".\n");
}

}  // namespace

absl::StatusOr<Action> TopologyCapacity(const std::string& port) {
  if (port.find(':') == std::string::npos || port.find('/') != std::string::npos)
    return absl::InvalidArgumentError(
        StrCat(ForMessage(port), " is no port of a node; write NODE:PORT, as a1:fab0"));
  return Action([port](Context& context) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(const Json before, CapacityAt(context, port));
    SLUICE_ASSIGN_OR_RETURN(
        const Json asked,
        context.client.Post("/api/v1/topology/ports/" + port + "/measure", Json::object()));
    const absl::Time end = absl::Now() + kMeasureLasts;
    while (absl::Now() < end) {
      absl::SleepFor(absl::Milliseconds(200));
      SLUICE_ASSIGN_OR_RETURN(const Json now, CapacityAt(context, port));
      if (!now.is_object() || Count(now, "number") == Count(before, "number")) continue;
      const uint64_t speed = Count(asked, "speed_bps").value_or(0);
      return Print(context, Json{{"capacity", now}, {"speed_bps", speed}},
                   [&](const Json&) { return CapacityText(port, now, speed); });
    }
    return absl::UnavailableError(StrCat("nothing was proved to come through at ", port,
                                         "; `sluicectl topology show` says who is there"));
  });
}

absl::StatusOr<Action> TopologyPolicy(const std::string& scope_text, const std::string& policy) {
  SLUICE_ASSIGN_OR_RETURN(const Scope scope, ParseScope(scope_text));
  const std::string path = "/api/v1/wiring/" + ScopeInPath(scope);
  return Action([scope, path, policy](Context& context) {
    const auto answer = policy == "default" ? context.client.Delete(path)
                                            : context.client.Put(path, {{"policy", policy}});
    return Print(context, answer, [&](const Json&) {
      return StrCat("Bad wiring of ", scope.ToString(),
                    policy == "enforce" ? " closes its links.\n"
                    : policy == "alert" ? " is told, and closes nothing.\n"
                                        : ": as the scope around it has it.\n");
    });
  });
}

}  // namespace sluice::ctl
