#include "controller/telemetry/history.h"

#include <algorithm>
#include <cmath>

namespace sluice {
namespace {

// As the clock's own corrections may be.
constexpr int64_t kMostBack = 120;

constexpr float HistoryPoint::*kMeans[] = {&HistoryPoint::sent_bps, &HistoryPoint::received_bps,
                                           &HistoryPoint::leased_bps, &HistoryPoint::refused_pps};

}  // namespace

void History::Add(int64_t second, const HistoryPoint& point) {
  // The wall clock was set back: what it said before is no time to go on from.
  if (second < last_ - kMostBack) *this = {};
  if (second <= last_) return;
  last_ = second;
  for (Ring& ring : rings_) ring.Add(second, point);
}

std::vector<HistorySeries> History::Series() const {
  std::vector<HistorySeries> all;
  for (const Ring& ring : rings_) all.push_back(ring.Series());
  return all;
}

void History::Ring::Add(int64_t second, const HistoryPoint& point) {
  const int64_t step = second / step_;
  if (current_ != 0 && step != current_) {
    Close();
    const int64_t skipped = std::min(step - current_ - 1, static_cast<int64_t>(size_));
    for (int64_t i = 0; i < skipped; ++i) Push({});
  }
  current_ = step;
  for (size_t i = 0; i < counts_.size(); ++i) {
    const float value = point.*kMeans[i];
    if (std::isnan(value)) continue;
    float& sum = sum_.*kMeans[i];
    sum = counts_[i]++ == 0 ? value : sum + value;
  }
  sum_.used_bytes = point.used_bytes;
}

void History::Ring::Close() {
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] > 0) sum_.*kMeans[i] /= static_cast<float>(counts_[i]);
  }
  Push(sum_);
  sum_ = {};
  counts_ = {};
}

void History::Ring::Push(const HistoryPoint& point) {
  if (points_.size() < size_) {
    points_.push_back(point);
    return;
  }
  points_[next_] = point;
  next_ = (next_ + 1) % size_;
}

HistorySeries History::Ring::Series() const {
  HistorySeries series;
  series.step_s = step_;
  series.first_s = (current_ - static_cast<int64_t>(points_.size())) * step_;
  series.points.assign(points_.begin() + static_cast<ptrdiff_t>(next_), points_.end());
  series.points.insert(series.points.end(), points_.begin(),
                       points_.begin() + static_cast<ptrdiff_t>(next_));
  return series;
}

}  // namespace sluice
