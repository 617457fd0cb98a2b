#include "top_frame.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/strings.h"
#include "format.h"
#include "tables.h"

namespace sluice::ctl {
namespace {

// The controller is asked each second; older than this, the picture is stale.
constexpr absl::Duration kStaleAfter = absl::Seconds(3);
constexpr size_t kBarWidth = 10;
constexpr double kShortestSpan = 0.05;  // seconds; below it a rate is only noise

struct Reported {
  double at = 0;  // seconds, on the sampler's clock
  uint64_t bytes = 0;
};

const Json& FindLink(const Json& links, const std::string& name) {
  static const Json kNull;
  for (const Json& link : links)
    if (Text(link, "link") == name) return link;
  return kNull;
}

std::optional<Reported> SenderCount(const LinkSample& sample, const std::string& name) {
  const Json& sender = Member(FindLink(sample.links, name), "sender");
  const auto bytes = Count(sender, "bytes");
  if (!bytes) return std::nullopt;
  const double at = static_cast<double>(sample.at.ns) * 1e-9;
  return Reported{at - Number(sender, "age_s").value_or(0), *bytes};
}

// "█████     " for one half.
std::string Bar(std::optional<uint64_t> part, std::optional<uint64_t> whole) {
  if (!part || !whole || *whole == 0) return "";
  const double share = std::min(1.0, static_cast<double>(*part) / static_cast<double>(*whole));
  const auto full = static_cast<size_t>(std::lround(share * kBarWidth));
  std::string out;
  for (size_t i = 0; i < kBarWidth; ++i) out += i < full ? "█" : "·";
  return out;
}

Table LinkRows(const TopInput& input) {
  Table table{
      {"LINK", "STATE", "LEASED", "NOW", "", "USED", "VOLUME", "LEFT", "EXPIRES", "DROPPED"},
      {false, false, true, true, false, true, true, true, true, false},
      {}};
  for (const Json& link : input.last->links) {
    const std::string name = Text(link, "link");
    const auto leased = Count(link, "rate_bps");
    const auto now = input.before ? RateBetween(*input.before, *input.last, name) : std::nullopt;
    table.rows.push_back(
        {name, Words(Text(link, "state")), ShowRate(leased), ShowRate(now), Bar(now, leased),
         ShowBytes(Count(link, "volume_used_bytes")), ShowBytes(Count(link, "volume_bytes")),
         ShowBytes(Count(link, "volume_left_bytes")), ShowSeconds(Number(link, "expires_in_s")),
         ShowDrops(Member(link, "drops"))});
  }
  std::sort(table.rows.begin(), table.rows.end());
  return table;
}

std::string StateLine(const TopInput& input) {
  if (!input.last) return input.error.empty() ? "Asking for the first time ..." : input.error;
  const absl::Duration age = input.now - input.last->at;
  if (input.error.empty() && age < kStaleAfter) {
    const auto& links = input.last->links;
    const auto open = std::count_if(links.begin(), links.end(),
                                    [](const Json& link) { return Text(link, "state") == "open"; });
    return StrCat(links.size(), links.size() == 1 ? " link, " : " links, ", open, " open");
  }
  return StrCat("STALE, ", ShowSeconds(absl::ToDoubleSeconds(age)),
                " old: ", input.error.empty() ? "no answer" : input.error);
}

std::string_view ColorOf(const std::string& state) {
  if (state == "open") return "\x1b[32m";
  if (state == "waiting" || state == "no quota") return "\x1b[33m";
  return "\x1b[31m";
}

// Colours the state, which stands behind the first column and two spaces.
std::string Colored(std::string line, size_t link_width, const std::string& state) {
  const size_t start = link_width + 2;
  if (start + state.size() > line.size()) return line;
  return StrCat(line.substr(0, start), ColorOf(state), state, "\x1b[0m",
                line.substr(start + state.size()));
}

size_t FirstColumnWidth(const Table& table) {
  size_t width = Width(table.header[0]);
  for (const auto& row : table.rows) width = std::max(width, Width(row[0]));
  return width;
}

}  // namespace

std::optional<uint64_t> RateBetween(const LinkSample& before, const LinkSample& last,
                                    const std::string& link) {
  const auto from = SenderCount(before, link);
  const auto to = SenderCount(last, link);
  // A count that fell began anew with the node's boot.
  if (!from || !to || to->bytes < from->bytes) return std::nullopt;
  const double span = to->at - from->at;
  if (span < kShortestSpan) return std::nullopt;
  return static_cast<uint64_t>(static_cast<double>(to->bytes - from->bytes) * 8 / span);
}

std::vector<std::string> TopFrame(const TopInput& input) {
  auto clipped = [&input](const std::string& line) {
    return std::string(Clip(line, input.columns));
  };
  std::vector<std::string> out = {
      clipped(StrCat("sluice top  ", input.api, "  ", StateLine(input))), ""};
  if (input.last && !input.last->links.empty()) {
    const Table table = LinkRows(input);
    const std::vector<std::string> lines = Layout(table);
    const size_t room = input.lines > 3 ? input.lines - 3 : 1;
    const size_t shown = std::min(lines.size(), room);
    out.push_back(clipped(lines[0]));
    for (size_t i = 1; i < shown; ++i) {
      const std::string line = clipped(lines[i]);
      out.push_back(input.color ? Colored(line, FirstColumnWidth(table), table.rows[i - 1][1])
                                : line);
    }
    if (shown < lines.size())
      out.push_back(clipped(StrCat("... and ", lines.size() - shown, " more links")));
  } else if (input.last) {
    out.push_back(clipped("No link has a quota, so nothing flows."));
  }
  if (out.size() > input.lines) out.resize(input.lines);
  return out;
}

}  // namespace sluice::ctl
