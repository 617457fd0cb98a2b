#include "controller/telemetry/telemetry.h"

#include <algorithm>
#include <cmath>

namespace sluice {
namespace {

using Column = HistoryColumn;

constexpr double kBitsPerByte = 8;
constexpr absl::Duration kSoonestOld = absl::Seconds(3);
constexpr absl::Duration kDay = absl::Hours(24);

void AddKnown(float& sum, double value) {
  sum = static_cast<float>(std::isnan(sum) ? value : sum + value);
}

// `by_reason` points to a rate for each drop reason.
void AddRefused(HistoryPoint& point, const double* by_reason) {
  double all = 0;
  for (size_t i = 0; i < SLUICE_DROP_REASON_COUNT; ++i) {
    all += by_reason[i];
    AddKnown(point[Column::kByReason + i], by_reason[i]);
  }
  AddKnown(point[Column::kRefusedPps], all);
}

// `rates` are of bytes, then of refused packets by reason.
template <typename Rates>
void AddEnd(const Rates& rates, size_t column, HistoryPoint& point) {
  AddKnown(point[column], rates.front() * kBitsPerByte);
  AddRefused(point, rates.data() + 1);
}

template <typename Map>
void Forget(Map& map, BootTime now) {
  std::erase_if(map, [&](const auto& entry) { return now - entry.second.seen > kDay; });
}

}  // namespace

// Reports come with each heartbeat. What is much older says nothing of now.
Telemetry::Telemetry(absl::Duration heartbeat) : old_(std::max(kSoonestOld, 3 * heartbeat)) {}

void Telemetry::Take(const std::vector<NodeView>& nodes, const std::vector<LinkView>& links,
                     BootTime now, absl::Time wall) {
  const int64_t second = absl::ToUnixSeconds(wall);
  for (auto& [name, link] : links_) link.rates = {};
  for (const NodeView& view : nodes) Begin(view, now);
  // The views are in the map's order, so that the next is nearly always the one.
  auto next = links_.begin();
  for (const LinkView& view : links) {
    if (next == links_.end() || next->first != view.link)
      next = links_.try_emplace(view.link).first;
    TakeLink(view, now, second, next->second);
    ++next;
  }
  for (auto& [name, node] : nodes_)
    if (node.seen == now) node.history.Add(second, node.point);
  Forget(links_, now);
  Forget(nodes_, now);
}

void Telemetry::Begin(const NodeView& view, BootTime now) {
  Node& node = nodes_[view.name];
  node.seen = now;
  node.point = {};
  // The controller knows all leases: without a link, none.
  node.point[Column::kLeasedBps] = 0;
  if (!view.unattributed_age) return;
  Refusals counts;
  for (size_t i = 0; i < counts.size(); ++i) counts[i] = view.unattributed[i].packets;
  if (const auto* rates = node.unattributed.Take(counts, now, *view.unattributed_age, old_))
    AddRefused(node.point, rates->data());
}

void Telemetry::TakeLink(const LinkView& view, BootTime now, int64_t second, Link& link) {
  Node* const src = NodeIn(view.link.src, now);
  Node* const dst = NodeIn(view.link.dst, now);
  HistoryPoint point;
  if (const auto* rates = TakeEnd(view.sender, now, link.sender)) {
    link.rates.sent_bps = rates->front() * kBitsPerByte;
    AddEnd(*rates, Column::kSentBps, point);
    if (src != nullptr) AddEnd(*rates, Column::kSentBps, src->point);
  }
  if (const auto* rates = TakeEnd(view.receiver, now, link.receiver)) {
    link.rates.received_bps = rates->front() * kBitsPerByte;
    AddEnd(*rates, Column::kReceivedBps, point);
    if (dst != nullptr) AddEnd(*rates, Column::kReceivedBps, dst->point);
  }
  if (const float refused = point[Column::kRefusedPps]; !std::isnan(refused))
    link.rates.refused_pps = refused;
  const double leased = static_cast<double>(view.leased_rate.bps);
  if (src != nullptr) AddKnown(src->point[Column::kLeasedBps], leased);
  point[Column::kLeasedBps] = static_cast<float>(leased);
  point[Column::kUsedBytes] = static_cast<float>(view.used.value);
  link.seen = now;
  link.history.Add(second, point);
}

const Telemetry::EndMeter::Rates* Telemetry::TakeEnd(const std::optional<EndView>& end,
                                                     BootTime now, EndMeter& meter) const {
  if (!end) return nullptr;
  EndMeter::Counts counts;
  counts.front() = end->bytes;
  std::ranges::copy(end->refused, counts.begin() + 1);
  return meter.Take(counts, now, end->age, old_);
}

Telemetry::Node* Telemetry::NodeIn(const std::string& name, BootTime now) {
  const auto it = nodes_.find(name);
  return it != nodes_.end() && it->second.seen == now ? &it->second : nullptr;
}

LinkRates Telemetry::RatesOf(const LinkName& link) const {
  const auto it = links_.find(link);
  return it == links_.end() ? LinkRates{} : it->second.rates;
}

std::optional<std::vector<HistorySeries>> Telemetry::HistoryOf(const LinkName& link) const {
  const auto it = links_.find(link);
  if (it == links_.end()) return std::nullopt;
  return it->second.history.Series();
}

std::optional<std::vector<HistorySeries>> Telemetry::HistoryOf(const std::string& node) const {
  const auto it = nodes_.find(node);
  if (it == nodes_.end()) return std::nullopt;
  return it->second.history.Series();
}

}  // namespace sluice
