// Plans and wires, for people.
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/strings.h"
#include "format.h"
#include "tables.h"

namespace sluice::ctl {
namespace {

std::string ShowDate(std::optional<uint64_t> at_ms) {
  if (!at_ms) return std::string(kNothing);
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixMillis(static_cast<int64_t>(*at_ms)),
                          absl::LocalTimeZone());
}

std::string OrDash(const std::string& text) { return text.empty() ? std::string(kNothing) : text; }

std::string ShowRtt(std::optional<double> seconds) {
  if (!seconds) return std::string(kNothing);
  return absl::FormatDuration(absl::Trunc(absl::Seconds(*seconds), absl::Nanoseconds(100)));
}

std::string FindingLines(const Json& findings) {
  std::string out;
  for (const Json& finding : findings)
    out += StrCat("  ", IsTrue(finding, "closes") ? "" : "(alert only) ", Text(finding, "text"),
                  "; for ", ShowSeconds(Number(finding, "since_s")), "\n");
  return out;
}

std::string Texts(const Json& items, std::string_view before) {
  std::string out;
  for (const Json& item : items)
    if (item.is_string())
      out += StrCat(before, Printable(item.get_ref<const std::string&>()), "\n");
  return out;
}

}  // namespace

std::string PlanTable(const Json& answer) {
  Table table{{"VERSION", "", "SET", "NODES", "CABLES", "SHA-256"},
              {true, false, false, true, true, false},
              {}};
  for (const Json& plan : Items(answer, "plans"))
    table.rows.push_back({ShowCount(Count(plan, "version")), IsTrue(plan, "active") ? "active" : "",
                          ShowDate(Count(plan, "at_ms")), ShowCount(Count(plan, "nodes")),
                          ShowCount(Count(plan, "cables")), Text(plan, "sha256").substr(0, 16)});
  if (table.rows.empty()) return "There was never a plan: no wire is checked.\n";
  return Render(table);
}

std::string PlanPreviewText(const Json& answer) {
  std::string out = "Nothing was changed. With this plan it would be so:\n";
  const std::string closes = Texts(Items(answer, "closes"), "  closes ");
  const std::string opens = Texts(Items(answer, "opens"), "  lets lease again ");
  out += closes + opens;
  if (closes.empty() && opens.empty()) out += "  no link would open or close\n";
  const std::string findings = FindingLines(Items(answer, "findings"));
  return findings.empty() ? out : StrCat(out, "Findings:\n", findings);
}

std::string TopologyText(const Json& answer, bool wires) {
  if (!Count(answer, "plan_version"))
    return "There is no plan: no wire is checked. Set one with `sluicectl plan set FILE`.\n";
  std::string out;
  if (wires) {
    Table table{{"CABLE", "VERDICT", "FOR", "RTT", "CEILING", "FROM THE LEFT", "FROM THE RIGHT"},
                {false, false, true, true, true, false, false},
                {}};
    for (const Json& wire : Items(answer, "wires"))
      table.rows.push_back({StrCat(Text(wire, "a"), " -- ", Text(wire, "b")),
                            Words(Text(wire, "verdict")), ShowSeconds(Number(wire, "since_s")),
                            ShowRtt(Number(wire, "rtt_s")), ShowRtt(Number(wire, "max_rtt_s")),
                            OrDash(Text(wire, "a_sees")), OrDash(Text(wire, "b_sees"))});
    out = Render(table) + "\n";
  }
  const std::string findings = FindingLines(Items(answer, "findings"));
  out +=
      StrCat("Plan version ", ShowCount(Count(answer, "plan_version")), ". ",
             findings.empty() ? "Nothing speaks against it.\n" : StrCat("Findings:\n", findings));
  for (const Json& policy : Items(answer, "policies"))
    out += StrCat("Policy of ", Text(policy, "scope"), ": ", Text(policy, "policy"), "\n");
  return out;
}

}  // namespace sluice::ctl
