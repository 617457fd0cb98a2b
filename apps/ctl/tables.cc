#include "tables.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "format.h"
#include "model/lease.h"
#include "model/quota.h"

namespace sluice::ctl {
namespace {

std::string OrNothing(std::string text) {
  return text.empty() ? std::string(kNothing) : std::move(text);
}

std::string Join(const Json& texts) {
  std::string out;
  for (const Json& text : texts) {
    if (!text.is_string()) continue;
    if (!out.empty()) out += ",";
    out += Printable(text.get_ref<const std::string&>());
  }
  return OrNothing(out);
}

// Reasons and packet counts, the most frequent first.
std::vector<std::pair<uint64_t, std::string>> SortedDrops(const Json& drops) {
  std::vector<std::pair<uint64_t, std::string>> out;
  if (!drops.is_object()) return out;
  for (const auto& [name, packets] : drops.items()) {
    const uint64_t count = Count(drops, name.c_str()).value_or(0);
    if (count > 0) out.emplace_back(count, Printable(name));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  return out;
}

std::string ReasonWords(const std::string& name) {
  for (int i = 0; i < SLUICE_DROP_REASON_COUNT; ++i) {
    auto reason = static_cast<sluice_drop_reason>(i);
    if (DropReasonName(reason) == name) return std::string(DropReasonWords(reason));
  }
  return Words(name);
}

std::string EndBytes(const Json& link, const char* end) {
  return ShowBytes(Count(Member(link, end), "bytes"));
}

std::string EndLine(const Json& link, const char* end) {
  const Json& view = Member(link, end);
  if (!view.is_object()) return "nothing reported";
  return StrCat(ShowBytes(Count(view, "bytes")), " in ", ShowCount(Count(view, "packets")),
                " packets, reported ", ShowSeconds(Number(view, "age_s")), " ago");
}

std::string Per(const Json& quota) {
  const std::string per = Text(quota, "per");
  return per.empty() ? "lifetime" : per;
}

// "link: why" for all links that say why, and alerts.
std::string WhyLines(const Json& links) {
  std::string out;
  for (const Json& link : links) {
    if (std::string why = Text(link, "why"); !why.empty())
      out += StrCat("  ", Text(link, "link"), ": ", why, "\n");
    if (std::string text = Text(Member(link, "mismatch"), "text"); !text.empty())
      out += StrCat("  ", Text(link, "link"), ": COUNTS DIFFER: ", text, "\n");
  }
  return out.empty() ? out : "\n" + out;
}

bool EndsWith(const std::string& text, std::string_view end) { return text.ends_with(end); }

// A number with the unit that its name ends with; the name loses the ending.
std::string ShowUnit(std::string& name, const Json& object, const char* key) {
  auto cut = [&name](std::string_view end) { name.resize(name.size() - end.size()); };
  if (EndsWith(name, "_bps")) return cut("_bps"), ShowRate(Count(object, key));
  if (EndsWith(name, "_bytes")) return cut("_bytes"), ShowBytes(Count(object, key));
  if (EndsWith(name, "_s")) return cut("_s"), ShowSeconds(Number(object, key));
  const Json& value = Member(object, key);
  return value.is_string() ? OrNothing(Text(object, key)) : value.dump();
}

void FlattenStatus(const std::string& prefix, const Json& object, Table& table) {
  for (const auto& [key, value] : object.items()) {
    std::string name = prefix + Printable(key);
    if (value.is_object()) {
      FlattenStatus(name + " ", value, table);
    } else if (value.is_array()) {
      table.rows.push_back({Words(name), Join(value)});
    } else {
      std::string shown =
          value.is_null() ? std::string(kNothing) : ShowUnit(name, object, key.c_str());
      table.rows.push_back({Words(name), Printable(shown)});
    }
  }
}

}  // namespace

std::string ShowDrops(const Json& drops) {
  const auto sorted = SortedDrops(drops);
  if (sorted.empty()) return std::string(kNothing);
  uint64_t rest = 0;
  for (size_t i = 1; i < sorted.size(); ++i) rest += sorted[i].first;
  std::string out = StrCat(sorted[0].first, " ", Words(sorted[0].second));
  return rest == 0 ? out : StrCat(out, " and ", rest, " more");
}

std::string NodeTable(const Json& answer) {
  Table table{{"NODE", "ENCLOSURE", "ROLE", "STATE", "HEARTBEAT", "PREFIXES", "VERSION"}, {}, {}};
  std::string faults;
  for (const Json& node : Items(answer, "nodes")) {
    const auto heartbeat = Number(node, "last_heartbeat_s");
    table.rows.push_back({Text(node, "name"), OrNothing(Text(node, "enclosure")),
                          OrNothing(Text(node, "role")), Words(Text(node, "state")),
                          heartbeat ? ShowSeconds(heartbeat) + " ago" : "never",
                          Join(Items(node, "prefixes")), OrNothing(Text(node, "version"))});
    if (const Json& tamper = Member(node, "tamper"); tamper.is_object())
      faults += StrCat("  ", Text(node, "name"), ": TAMPERED WITH at ", Text(tamper, "at"), ": ",
                       Text(tamper, "source"), ": ", Text(tamper, "words"), "\n");
    if (Member(node, "dark") == true)
      faults += StrCat("  ", Text(node, "name"), ": has gone dark; its links are closed\n");
    for (const Json& fault : Items(node, "faults"))
      if (fault.is_string())
        faults += StrCat("  ", Text(node, "name"), ": ", Printable(fault.get<std::string>()), "\n");
  }
  if (table.rows.empty()) return "No nodes. Add one: sluicectl node add a1 --enclosure east\n";
  return Render(table) + (faults.empty() ? "" : "\n" + faults);
}

std::string RevocationTable(const Json& answer) {
  Table table{{"ID", "SCOPE", "WHEN", "ENDS", "SILENT", "REASON"},
              {true, false, false, true, false, false},
              {}};
  for (const Json& revocation : Items(answer, "revocations")) {
    const auto silent = Number(revocation, "silent_after_s");
    table.rows.push_back({StrCat(Count(revocation, "id").value_or(0)), Text(revocation, "scope"),
                          ShowSeconds(Number(revocation, "age_s")) + " ago",
                          StrCat(Items(revocation, "ends").size()),
                          silent ? "after " + ShowMilliseconds(*silent) : "not yet",
                          Text(revocation, "reason")});
  }
  std::string text =
      table.rows.empty() ? "Nothing was revoked since the controller started.\n" : Render(table);
  for (const Json& stop : Items(answer, "stops"))
    text += StrCat("  ", Text(stop, "scope"), " is shut: ", Text(stop, "reason"), "\n");
  return text;
}

std::string SilenceText(const Json& revocation) {
  const Json& ends = Items(revocation, "ends");
  if (ends.empty()) return "No end had a lease.";
  const auto all = Number(revocation, "silent_after_s");
  std::string text = all ? StrCat("Silent after ", ShowMilliseconds(*all), ":")
                         : "Not all ends have said that they are silent:";
  for (const Json& end : ends) {
    const auto after = Number(end, "silent_after_s");
    text += StrCat("\n  ", Text(end, "link"), ", ", Text(end, "node"), ": ");
    if (after)
      text += ShowMilliseconds(*after) + (IsTrue(end, "by_expiry") ? ", its lease has ended" : "");
    else
      text +=
          StrCat("not yet, within ", ShowSeconds(Number(end, "silent_within_s")), " at the latest");
  }
  return text;
}

std::string QuotaTable(const Json& answer) {
  Table table{{"SCOPE", "RATE", "LEASED", "BURST", "VOLUME", "PER", "USED", "LEFT", "LEASE"},
              {false, true, true, true, true, true, true, true, true},
              {}};
  std::string recalls;
  for (const Json& quota : Items(answer, "quotas")) {
    const bool link = Text(quota, "kind") == "link";
    const std::optional<uint64_t> rate = Count(quota, "rate_bps");
    const std::optional<uint64_t> volume = Count(quota, "volume_bytes");
    const bool any_volume = !link && volume == kAnyVolume.value;
    table.rows.push_back(
        {Text(quota, "scope"), !link && rate == kAnyRate.bps ? "any" : ShowRate(rate),
         ShowRate(Count(quota, "leased_rate_bps")), ShowBytes(Count(quota, "burst_bytes")),
         any_volume ? "any" : ShowBytes(volume), Per(quota),
         ShowBytes(Count(quota, "volume_used_bytes")),
         any_volume ? "any" : ShowBytes(Count(quota, "volume_left_bytes")),
         ShowExactSeconds(Number(quota, "lease_s"))});
    if (const uint64_t recalling = Count(quota, "recalling").value_or(0); recalling > 0)
      recalls += StrCat("  ", Text(quota, "scope"), ": ", recalling,
                        " leases are being recalled, done within ",
                        ShowSeconds(Number(quota, "recalled_within_s")), "\n");
  }
  if (table.rows.empty())
    return "No quotas. Set one: sluicectl quota set 'a1>b1' --rate 100Mbit --volume 1GB\n";
  return Render(table) + (recalls.empty() ? "" : "\n" + recalls);
}

std::string LeaseTable(const Json& answer) {
  Table table{
      {"LINK", "ROLE", "NODE", "NUMBER", "RATE", "UP TO", "ISSUED", "LIFETIME", "EXPIRES", "STATE"},
      {false, false, false, true, true, true, true, true, true, false},
      {}};
  for (const Json& lease : Items(answer, "leases")) {
    const std::string state = Text(lease, "state");
    table.rows.push_back({Text(lease, "link"), Text(lease, "role"), Text(lease, "node"),
                          ShowCount(Count(lease, "sequence")), ShowRate(Count(lease, "rate_bps")),
                          ShowBytes(Count(lease, "volume_limit_bytes")),
                          ShowSeconds(Number(lease, "issued_s_ago")) + " ago",
                          ShowSeconds(Number(lease, "lifetime_s")),
                          state == "live" ? ShowSeconds(Number(lease, "expires_in_s")) : "over",
                          Words(state)});
  }
  if (table.rows.empty()) return "No leases have been given yet.\n";
  return Render(table);
}

std::string LinkTable(const Json& answer) {
  Table table{
      {"LINK", "STATE", "RATE", "USED", "VOLUME", "LEFT", "EXPIRES", "SENT", "RECEIVED", "DROPPED"},
      {false, false, true, true, true, true, true, true, true, false},
      {}};
  const Json& links = Items(answer, "links");
  for (const Json& link : links)
    table.rows.push_back(
        {Text(link, "link"), Words(Text(link, "state")), ShowRate(Count(link, "rate_bps")),
         ShowBytes(Count(link, "volume_used_bytes")), ShowBytes(Count(link, "volume_bytes")),
         ShowBytes(Count(link, "volume_left_bytes")), ShowSeconds(Number(link, "expires_in_s")),
         EndBytes(link, "sender"), EndBytes(link, "receiver"), ShowDrops(Member(link, "drops"))});
  if (table.rows.empty())
    return "No link has a quota, so nothing flows. See all links: sluicectl link list --all\n";
  return Render(table) + WhyLines(links);
}

std::string LinkDetails(const Json& answer) {
  const Json& link = Member(answer, "link");
  const std::string why = Text(link, "why");
  Table table{{"Link", Text(link, "link")}, {}, {}};
  auto add = [&table](std::string name, std::string value) {
    table.rows.push_back({std::move(name), std::move(value)});
  };
  add("State", Words(Text(link, "state")) + (why.empty() ? "" : ": " + why));
  add("Rate", StrCat(ShowRate(Count(link, "rate_bps")), ", bursts of ",
                     ShowBytes(Count(link, "burst_bytes"))));
  add("Volume", StrCat(ShowBytes(Count(link, "volume_bytes")), ", of which used ",
                       ShowBytes(Count(link, "volume_used_bytes")), ", left ",
                       ShowBytes(Count(link, "volume_left_bytes")), " (leased and not yet used ",
                       ShowBytes(Count(link, "volume_outstanding_bytes")), ")"));
  add("Lease", StrCat("number ", ShowCount(Count(link, "lease_sequence")), ", expires in ",
                      ShowSeconds(Number(link, "expires_in_s"))));
  add("Sent", EndLine(link, "sender"));
  add("Received", EndLine(link, "receiver"));
  if (std::string text = Text(Member(link, "mismatch"), "text"); !text.empty())
    add("Counts differ", text);
  const auto drops = SortedDrops(Member(link, "drops"));
  for (const auto& [packets, name] : drops)
    add("Dropped", StrCat(packets, packets == 1 ? " packet: " : " packets: ", ReasonWords(name)));
  if (drops.empty()) add("Dropped", "nothing");
  return Render(table);
}

std::string StatusText(const Json& answer) {
  Table table;
  if (answer.is_object()) FlattenStatus("", answer, table);
  if (table.rows.empty()) return "The controller says nothing of its status.\n";
  // Render() wants a header; the first row does for one.
  table.header = table.rows.front();
  table.rows.erase(table.rows.begin());
  return Render(table);
}

}  // namespace sluice::ctl
