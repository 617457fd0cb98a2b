#include "controller/telemetry/telemetry.h"

namespace sluice {
namespace {

// Reports come with each heartbeat. What is older than this says nothing of now.
constexpr absl::Duration kOld = absl::Seconds(3);
constexpr int64_t kDay = int64_t{24} * 60 * 60;
constexpr double kBitsPerByte = 8;

std::optional<double> Bits(const std::optional<double>& bytes) {
  return bytes ? std::optional(*bytes * kBitsPerByte) : std::nullopt;
}

float OrUnknown(const std::optional<double>& value) {
  return value ? static_cast<float>(*value) : kUnknown;
}

std::optional<double> TakeEnd(RateMeter& meter, const std::optional<EndView>& end, BootTime now) {
  return end ? Bits(meter.Take(end->bytes, now, end->age)) : std::nullopt;
}

uint64_t Packets(const Drops& drops) {
  uint64_t packets = 0;
  for (const auto& drop : drops) packets += drop.packets;
  return packets;
}

}  // namespace

std::optional<double> RateMeter::Take(uint64_t count, BootTime now, absl::Duration age) {
  const BootTime at = now + -age;
  if (!count_ || count < *count_) {
    rate_.reset();
    count_ = count;
    at_ = at;
  } else if (at - at_ > absl::Milliseconds(1)) {  // else it is the same report
    rate_ = static_cast<double>(count - *count_) / absl::ToDoubleSeconds(at - at_);
    count_ = count;
    at_ = at;
  }
  return age > kOld ? std::nullopt : rate_;
}

void Telemetry::Take(const std::vector<LinkView>& views, BootTime now, absl::Time wall) {
  const int64_t second = absl::ToUnixSeconds(wall);
  for (auto& [name, link] : links_) link.rates = {};
  for (const LinkView& view : views) {
    Link& link = links_[view.link];
    link.rates.sent_bps = TakeEnd(link.sent, view.sender, now);
    link.rates.received_bps = TakeEnd(link.received, view.receiver, now);
    if (view.sender)
      link.rates.refused_pps = link.refused.Take(Packets(view.drops), now, view.sender->age);
    link.history.Add(second,
                     {OrUnknown(link.rates.sent_bps), OrUnknown(link.rates.received_bps),
                      static_cast<float>(view.leased_rate.bps), OrUnknown(link.rates.refused_pps),
                      static_cast<float>(view.used.value)});
  }
  std::erase_if(links_, [&](const auto& entry) {
    return second - entry.second.history.last_second() > kDay;
  });
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

}  // namespace sluice
