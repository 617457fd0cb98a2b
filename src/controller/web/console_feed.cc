#include "controller/web/console_feed.h"

#include <cmath>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "controller/web/json_codec.h"
#include "controller/web/json_history.h"
#include "controller/web/json_values.h"

namespace sluice {
namespace {

using api_json::Json;

enum LinkFlag { kDiffers = 1, kHasKey = 2, kIsRecalled = 4 };

// All that the fleet event tells.
std::vector<std::string> MembersOf(const FleetReading& reading) {
  std::vector<std::string> members;
  members.reserve(reading.nodes.size() + reading.links.size());
  for (const NodeView& node : reading.nodes)
    members.push_back(StrCat(node.name, node.gateway ? "*" : "/", node.enclosure));
  for (const LinkView& link : reading.links) members.push_back(link.link.ToString());
  return members;
}

// Thousands of rows a second: written by hand, since a tree of values for each costs ten
// times as much.
void AppendTenths(std::string& out, double value) {
  const auto tenths = static_cast<int64_t>(std::llround(value * 10));
  absl::StrAppend(&out, tenths / 10);
  if (tenths % 10 != 0) absl::StrAppend(&out, ".", std::abs(tenths % 10));
}

void AppendOrNull(std::string& out, const std::optional<double>& value) {
  if (value) return AppendTenths(out, *value);
  out += "null";
}

void AppendNode(std::string& out, const NodeView& node) {
  absl::StrAppend(&out, "[", static_cast<int>(node.state), ",");
  AppendOrNull(out, node.heartbeat_age ? std::optional(absl::ToDoubleSeconds(*node.heartbeat_age))
                                       : std::nullopt);
  absl::StrAppend(&out, ",", node.dark ? 1 : 0, ",", node.faults.size(), ",",
                  node.desired_generation, ",", node.applied_generation, "]");
}

void AppendLink(std::string& out, const LinkView& link, const LinkRates& rates) {
  absl::StrAppend(&out, "[", static_cast<int>(link.state), ",", link.leased_rate.bps, ",");
  AppendOrNull(out, rates.sent_bps);
  out += ',';
  AppendOrNull(out, rates.received_bps);
  absl::StrAppend(&out, ",", link.used.value, ",", link.left.value, ",");
  AppendOrNull(
      out, link.expires_in ? std::optional(absl::ToDoubleSeconds(*link.expires_in)) : std::nullopt);
  out += ',';
  AppendOrNull(out, rates.refused_pps);
  const int flags = (link.mismatch ? kDiffers : 0) | (link.key ? kHasKey : 0) |
                    (link.recalling ? kIsRecalled : 0);
  absl::StrAppend(&out, ",", flags, "]");
}

template <typename T, typename Append>
void AppendList(std::string& out, const std::vector<T>& items, Append append) {
  out += '[';
  for (const T& item : items) {
    if (&item != &items.front()) out += ',';
    append(item);
  }
  out += ']';
}

}  // namespace

std::string EncodeFleet(const ConsoleConfig& config, uint64_t version,
                        const FleetReading& reading) {
  Json out;
  out["version"] = version;
  out["fleet"] = config.fleet;
  out["controller"] = config.version;
  out["heartbeat_s"] = api_json::Seconds(config.heartbeat);
  out["nodes"] = Json::array();
  for (const NodeView& node : reading.nodes)
    out["nodes"].push_back({{"name", node.name},
                            {"enclosure", node.enclosure},
                            {"role", node.gateway ? "gateway" : "node"}});
  out["links"] = Json::array();
  for (const LinkView& link : reading.links) out["links"].push_back(link.link.ToString());
  return api_json::Dump(out);
}

std::string EncodeFigures(uint64_t version, const FleetReading& reading, const Telemetry& telemetry,
                          absl::Time at) {
  std::string out =
      StrCat("{\"version\":", version, ",\"at_ms\":", absl::ToUnixMillis(at),
             ",\"store_ok\":", reading.store_ok ? "true" : "false",
             ",\"last_event\":", reading.last_event, ",\"wiring\":[", reading.wiring[0], ",",
             reading.wiring[1], ",", reading.wiring[2], "],\"nodes\":");
  AppendList(out, reading.nodes, [&](const NodeView& node) { AppendNode(out, node); });
  out += ",\"links\":";
  AppendList(out, reading.links,
             [&](const LinkView& link) { AppendLink(out, link, telemetry.RatesOf(link.link)); });
  out += '}';
  return out;
}

ConsoleFeed::ConsoleFeed(ConsoleConfig config, CoreRunner& core, const Clock& clock)
    : config_(std::move(config)),
      core_(core),
      clock_(clock),
      telemetry_(config_.heartbeat),
      stream_([this] { return Make(); }, config_.interval, config_.max_watchers, clock_,
              EventStream::When::kAlways) {}

EventStream::Frame ConsoleFeed::Make() {
  FleetReading reading;
  const absl::Status read = core_.Run([&](ControllerCore& core, Effects&) {
    const ControllerStatus status = core.Status();
    reading = {core.Nodes(),      core.Links(/*all_pairs=*/false),
               clock_.Now(),      core.last_event(),
               status.store.ok(), {status.plan_version, status.wiring_changes, status.findings}};
  });
  if (!read.ok()) return {ServerSentEvent("figures", read), "", 0};
  EventStream::Frame frame;
  if (std::vector<std::string> members = MembersOf(reading); version_ == 0 || members != members_) {
    members_ = std::move(members);
    ++version_;
    preamble_ = ServerSentEvent("fleet", EncodeFleet(config_, version_, reading));
  }
  frame.version = version_;
  frame.preamble = preamble_;
  std::lock_guard lock(mutex_);
  telemetry_.Take(reading.nodes, reading.links, reading.at, clock_.WallNow());
  frame.event =
      ServerSentEvent("figures", EncodeFigures(version_, reading, telemetry_, clock_.WallNow()));
  return frame;
}

absl::StatusOr<std::string> ConsoleFeed::HistoryOf(const LinkName& link) const {
  return History(
      link, StrCat("link ", link.ToString(), " has had no quota since the controller started"));
}

absl::StatusOr<std::string> ConsoleFeed::HistoryOf(const std::string& node) const {
  return History(node, StrCat("there has been no node ", node, " since the controller started"));
}

template <typename Name>
absl::StatusOr<std::string> ConsoleFeed::History(const Name& name,
                                                 const std::string& missing) const {
  std::optional<std::vector<HistorySeries>> all;
  {
    std::lock_guard lock(mutex_);
    all = telemetry_.HistoryOf(name);
  }
  if (!all) return absl::NotFoundError(missing);
  return EncodeHistory(name, *all, clock_.WallNow());
}

}  // namespace sluice
