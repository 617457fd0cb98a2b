// Events, and what a change would do.
#include <optional>
#include <string>

#include "absl/time/time.h"
#include "base/strings.h"
#include "format.h"
#include "tables.h"

namespace sluice::ctl {
namespace {

std::string ShowTime(std::optional<uint64_t> at_ms) {
  if (!at_ms) return std::string(kNothing);
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", absl::FromUnixMillis(static_cast<int64_t>(*at_ms)),
                          absl::LocalTimeZone());
}

std::string ShowOf(std::optional<uint64_t> part, std::optional<uint64_t> whole,
                   std::string (*show)(std::optional<uint64_t>)) {
  return StrCat(show(part), " of ", show(whole));
}

}  // namespace

std::string EventTable(const Json& answer) {
  Table table{{"WHEN", "SEVERITY", "SUBJECT", "KIND", "TEXT"}, {}, {}};
  table.right.resize(table.header.size());
  for (const Json& event : Items(answer, "events"))
    table.rows.push_back({ShowTime(Count(event, "at_ms")), Text(event, "severity"),
                          Text(event, "subject"), Words(Text(event, "kind")), Text(event, "text")});
  if (table.rows.empty()) return "Nothing happened that fits.\n";
  return Render(table);
}

std::string ChangeText(const Json& answer) {
  Table links{{"LINK", "NOW", "LEASED", "THEN", "WHY"}, {false, false, true, false, false}, {}};
  for (const Json& link : Items(answer, "links"))
    links.rows.push_back(
        {Text(link, "link"), Words(Text(link, "state")), ShowRate(Count(link, "leased_rate_bps")),
         Text(link, "change") == "none" ? "as it is" : Text(link, "change"), Text(link, "text")});
  Table sums{{"SCOPE", "LEASED NOW", "LINKS' RATES", "USED", "OUTSTANDING"},
             {false, true, true, true, true},
             {}};
  for (const Json& sum : Items(answer, "sums"))
    sums.rows.push_back({Text(sum, "scope"),
                         ShowOf(Count(sum, "leased_rate_bps"), Count(sum, "rate_bps"), ShowRate),
                         ShowRate(Count(sum, "links_rate_bps")),
                         ShowOf(Count(sum, "used_bytes"), Count(sum, "volume_bytes"), ShowBytes),
                         ShowBytes(Count(sum, "outstanding_bytes"))});
  std::string text = "Nothing was changed. It would be so:\n";
  text += links.rows.empty() ? "No link is touched.\n" : Render(links);
  if (!sums.rows.empty()) text += "\n" + Render(sums);
  for (const Json& note : Items(answer, "notes"))
    if (note.is_string())
      text += StrCat("Note: ", Printable(note.get_ref<const std::string&>()), "\n");
  return text;
}

}  // namespace sluice::ctl
