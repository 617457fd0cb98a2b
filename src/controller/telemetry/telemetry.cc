#include "controller/telemetry/telemetry.h"

#include <algorithm>

namespace sluice {
namespace {

constexpr double kBitsPerByte = 8;
// Reports are further apart: what differs by less is the same one, whose age was reckoned a
// little later.
constexpr absl::Duration kSameReport = absl::Milliseconds(50);
constexpr absl::Duration kSoonestOld = absl::Seconds(3);
constexpr absl::Duration kDay = absl::Hours(24);

std::optional<double> Bits(const std::optional<double>& bytes) {
  return bytes ? std::optional(*bytes * kBitsPerByte) : std::nullopt;
}

float OrUnknown(const std::optional<double>& value) {
  return value ? static_cast<float>(*value) : kUnknown;
}

}  // namespace

std::optional<double> RateMeter::Take(uint64_t count, BootTime now, absl::Duration age,
                                      absl::Duration old) {
  const BootTime at = now + -age;
  if (!count_ || count < *count_) {
    rate_.reset();
    count_ = count;
    at_ = at;
  } else if (at - at_ > kSameReport) {
    rate_ = static_cast<double>(count - *count_) / absl::ToDoubleSeconds(at - at_);
    count_ = count;
    at_ = at;
  }
  return age > old ? std::nullopt : rate_;
}

// Reports come with each heartbeat. What is much older says nothing of now.
Telemetry::Telemetry(absl::Duration heartbeat) : old_(std::max(kSoonestOld, 3 * heartbeat)) {}

void Telemetry::Take(const std::vector<LinkView>& views, BootTime now, absl::Time wall) {
  for (auto& [name, link] : links_) link.rates = {};
  for (const LinkView& view : views) {
    Link& link = links_[view.link];
    link.seen = now;
    link.rates = RatesFrom(view, now, link);
    link.history.Add(absl::ToUnixSeconds(wall),
                     {OrUnknown(link.rates.sent_bps), OrUnknown(link.rates.received_bps),
                      static_cast<float>(view.leased_rate.bps), OrUnknown(link.rates.refused_pps),
                      static_cast<float>(view.used.value)});
  }
  std::erase_if(links_, [&](const auto& entry) { return now - entry.second.seen > kDay; });
}

LinkRates Telemetry::RatesFrom(const LinkView& view, BootTime now, Link& link) const {
  LinkRates rates;
  std::optional<double> refused[2];
  if (view.sender) {
    rates.sent_bps = Bits(link.sent.Take(view.sender->bytes, now, view.sender->age, old_));
    refused[0] = link.sender_refused.Take(view.sender->refused, now, view.sender->age, old_);
  }
  if (view.receiver) {
    rates.received_bps =
        Bits(link.received.Take(view.receiver->bytes, now, view.receiver->age, old_));
    refused[1] = link.receiver_refused.Take(view.receiver->refused, now, view.receiver->age, old_);
  }
  if (refused[0] || refused[1]) rates.refused_pps = refused[0].value_or(0) + refused[1].value_or(0);
  return rates;
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
