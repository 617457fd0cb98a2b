#include "agent/probe/capacity_check.h"

#include <algorithm>
#include <string>
#include <utility>

#include "wire/probe_frame.h"

namespace sluice {
namespace {

// Short against what a queue may cost, and a hundredth of the time.
constexpr int kTries = 10;
constexpr absl::Duration kTryEvery = absl::Milliseconds(100);
constexpr absl::Duration kTryLasts = absl::Milliseconds(1);
constexpr uint64_t kMostTryBytes = 2'000'000;
constexpr size_t kLoadPadding = 1400;

// `bytes` is little enough that nothing overflows: a try's, and no more than a frame beyond.
BitRate RateOf(uint64_t bytes, absl::Duration took) {
  constexpr uint64_t kBitNanoseconds = 8'000'000'000;
  static_assert(kMostTryBytes * 2 < UINT64_MAX / kBitNanoseconds);
  return {bytes * kBitNanoseconds / static_cast<uint64_t>(absl::ToInt64Nanoseconds(took))};
}

}  // namespace

void CapacityCheck::Begin(BitRate speed, BootTime now) {
  tries_left_ = kTries;
  speed_ = speed;
  next_try_ = now;
  best_.reset();
}

uint64_t CapacityCheck::Try(BootTime now) {
  next_try_ = now + kTryEvery;
  --tries_left_;
  return std::min(BytesIn(speed_, kTryLasts).value, kMostTryBytes);
}

std::optional<SentLoad> CapacityCheck::SendLoad(PacketPort& port, const MacAddress& to,
                                                const ProbeNonce& nonce, uint64_t bytes) {
  probe::v1::Frame frame;
  frame.mutable_load()->set_nonce(NonceText(nonce));
  frame.mutable_load()->set_padding(std::string(kLoadPadding, 'x'));
  const std::string payload = EncodeProbe(frame);
  SentLoad sent;
  for (uint64_t tried = 0; tried < bytes; tried += kLoadPadding) {
    const absl::StatusOr<BootTime> at = port.Send(to, payload);
    if (!at.ok()) continue;
    if (sent.bytes == 0) sent.began = *at;
    sent.bytes += payload.size() + kEthernetHeader;
  }
  if (sent.bytes == 0) return std::nullopt;
  return sent;
}

void CapacityCheck::Take(const PortName& to, uint64_t claimed, const SentLoad& sent, BootTime at) {
  const uint64_t bytes = std::min(claimed, sent.bytes);
  if (bytes == 0 || at <= sent.began || at < sent.asked) return;
  const BitRate rate = RateOf(bytes, at - sent.began);
  if (!best_ || rate.bps > best_->rate.bps) best_ = {to, rate, 0};
}

bool CapacityCheck::Finish(BootTime now) {
  // The last try has had its time.
  if (!best_ || tries_left_ > 0 || now - next_try_ < kTryEvery) return false;
  result_ = std::exchange(best_, std::nullopt);
  result_->number = ++measurements_;
  return true;
}

void CapacityCheck::Clear() {
  best_.reset();
  result_.reset();
}

}  // namespace sluice
