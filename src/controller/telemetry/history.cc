#include "controller/telemetry/history.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace sluice {
namespace {

// As the clock's own corrections may be.
constexpr int64_t kMostBack = 120;

// Whether this value is a reason to keep the column from now on.
bool Begins(size_t column, float value) {
  return column < HistoryColumn::kByReason ? !std::isnan(value) : value > 0;
}

}  // namespace

void History::Add(int64_t second, const HistoryPoint& point) {
  // The wall clock was set back: what it said before is no time to go on from.
  if (second < last_ - kMostBack) *this = {};
  if (second <= last_) return;
  last_ = second;
  for (size_t ring = 0; ring < kRings; ++ring) MoveOn(ring, second);
  BeginColumns(point);
  for (size_t ring = 0; ring < kRings; ++ring) AddTo(ring, point);
}

// Once for each column in a link's or node's life: all rows are laid out anew.
void History::BeginColumns(const HistoryPoint& point) {
  std::vector<uint8_t> fresh;
  for (uint8_t i = 0; i < HistoryColumn::kCount; ++i)
    if (Begins(i, point[i]) && !Find(i)) fresh.push_back(i);
  if (fresh.empty()) return;
  const size_t before = columns_.size();
  const size_t after = before + fresh.size();
  std::vector<float> values(kRows * after);
  std::vector<Sum> sums(kRings * after);
  for (size_t row = 0; row < kRows; ++row) {
    float* out = std::copy_n(values_.data() + row * before, before, values.data() + row * after);
    for (const uint8_t column : fresh) *out++ = LateValue(column, row);
  }
  for (size_t ring = 0; ring < kRings; ++ring) {
    Sum* out = std::copy_n(sums_.data() + ring * before, before, sums.data() + ring * after);
    for (const uint8_t column : fresh) *out++ = LateSum(column, ring);
  }
  columns_.insert(columns_.end(), fresh.begin(), fresh.end());
  values_ = std::move(values);
  sums_ = std::move(sums);
}

// What a column that begins now would have had: a reason that is seen for the first time was
// none before, wherever the sum was known.
float History::LateValue(uint8_t column, size_t row) const {
  const std::optional<size_t> sum = Find(HistoryColumn::kRefusedPps);
  if (column < HistoryColumn::kByReason || !sum) return kUnknown;
  return std::isnan(values_[row * columns_.size() + *sum]) ? kUnknown : 0;
}

History::Sum History::LateSum(uint8_t column, size_t ring) const {
  const std::optional<size_t> sum = Find(HistoryColumn::kRefusedPps);
  if (column < HistoryColumn::kByReason || !sum) return {};
  return {0, sums_[ring * columns_.size() + *sum].count};
}

void History::MoveOn(size_t index, int64_t second) {
  Ring& ring = rings_[index];
  const int64_t step = second / ring.step_s;
  if (ring.current == kNone) ring.first = ring.current = step;
  if (step == ring.current) return;
  Close(index);
  const size_t width = columns_.size();
  const int64_t skipped = std::min(step, ring.current + ring.size + 1);
  for (int64_t s = ring.current + 1; s < skipped; ++s)
    std::fill_n(values_.begin() + static_cast<ptrdiff_t>(ring.Row(s) * width), width, kUnknown);
  ring.current = step;
  ring.first = std::max(ring.first, step - ring.size);
}

void History::Close(size_t index) {
  const size_t width = columns_.size();
  const size_t row = rings_[index].Row(rings_[index].current);
  for (size_t i = 0; i < width; ++i) {
    Sum& sum = sums_[index * width + i];
    values_[row * width + i] = sum.count > 0 ? sum.sum / static_cast<float>(sum.count) : kUnknown;
    sum = {};
  }
}

void History::AddTo(size_t index, const HistoryPoint& point) {
  const size_t width = columns_.size();
  for (size_t i = 0; i < width; ++i) {
    const float value = point[columns_[i]];
    if (std::isnan(value)) continue;
    Sum& sum = sums_[index * width + i];
    if (columns_[i] == HistoryColumn::kUsedBytes) sum = {};
    sum.sum += value;
    ++sum.count;
  }
}

std::optional<size_t> History::Find(size_t column) const {
  const auto it = std::ranges::find(columns_, column);
  if (it == columns_.end()) return std::nullopt;
  return static_cast<size_t>(it - columns_.begin());
}

std::vector<HistorySeries> History::Series() const {
  std::vector<HistorySeries> all;
  for (const Ring& ring : rings_) {
    HistorySeries& series = all.emplace_back();
    series.step_s = ring.step_s;
    series.first_s = ring.first * ring.step_s;
    series.size = static_cast<size_t>(ring.current - ring.first);
    for (size_t i = 0; i < columns_.size(); ++i) {
      std::vector<float>& column = series.columns[columns_[i]];
      column.reserve(series.size);
      for (int64_t step = ring.first; step < ring.current; ++step)
        column.push_back(values_[ring.Row(step) * columns_.size() + i]);
    }
  }
  return all;
}

}  // namespace sluice
