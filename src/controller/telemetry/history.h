// What a link or a node did over the last day, at falling resolution, in bounded memory:
// 2.6 kB for each column there is. So a link has 13 kB, a node 10 kB, and each 2.6 kB more
// for every reason for which it saw something refused.
#ifndef SLUICE_CONTROLLER_TELEMETRY_HISTORY_H_
#define SLUICE_CONTROLLER_TELEMETRY_HISTORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "model/lease.h"

namespace sluice {

inline constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

// Means over a step of time, but for kUsedBytes.
struct HistoryColumn {
  enum : size_t {
    kSentBps,
    kReceivedBps,
    kLeasedBps,
    kRefusedPps,  // packets that gates refused, for whatever reason
    kUsedBytes,   // of the quota's volume, the last value
    kByReason,    // as kRefusedPps, one for each drop reason
    kCount = kByReason + static_cast<size_t>(SLUICE_DROP_REASON_COUNT)
  };
  static constexpr size_t Of(sluice_drop_reason reason) { return size_t{kByReason} + reason; }
};

// A value for each column; kUnknown where nothing is known. If the sum of what was refused
// is known, so is every reason.
class HistoryPoint {
 public:
  HistoryPoint() { values_.fill(kUnknown); }
  float& operator[](size_t column) { return values_[column]; }
  float operator[](size_t column) const { return values_[column]; }

 private:
  std::array<float, HistoryColumn::kCount> values_;
};

struct HistorySeries {
  int64_t step_s = 0;
  int64_t first_s = 0;  // since 1970, when the first point begins
  size_t size = 0;      // points, without gaps, the oldest first
  // Each with `size` values, or empty: nothing of it was ever known, or nothing ever refused
  // for this reason.
  std::array<std::vector<float>, HistoryColumn::kCount> columns;
};

class History {
 public:
  // A point of this second, since 1970. Seconds that go back are left out; what is skipped
  // is unknown. After a step back of more than two minutes it begins anew.
  void Add(int64_t second, const HistoryPoint& point);
  // Of falling resolution. Each ends with the last whole step.
  std::vector<HistorySeries> Series() const;

 private:
  static constexpr size_t kRings = 3;
  static constexpr size_t kRows = 120 + 240 + 288;
  static constexpr int64_t kNone = -1;
  // The steps of one resolution: step s is in row `begin` + s % `size`.
  struct Ring {
    int64_t step_s;
    int64_t size;
    size_t begin;
    int64_t first = kNone;    // the oldest step that is kept
    int64_t current = kNone;  // the step that is being summed up

    size_t Row(int64_t step) const { return begin + static_cast<size_t>(step % size); }
  };
  struct Sum {
    float sum = 0;
    uint32_t count = 0;
  };

  void BeginColumns(const HistoryPoint& point);
  float LateValue(uint8_t column, size_t row) const;
  Sum LateSum(uint8_t column, size_t ring) const;
  void MoveOn(size_t ring, int64_t second);
  void Close(size_t ring);
  void AddTo(size_t ring, const HistoryPoint& point);
  // Where in a row it is; none while there is no such column.
  std::optional<size_t> Find(size_t column) const;

  int64_t last_ = 0;
  std::array<Ring, kRings> rings_{{{1, 120, 0}, {15, 240, 120}, {300, 288, 360}}};
  // Row by row, since a point touches one of each ring only.
  std::vector<uint8_t> columns_;  // in the order in which they began
  std::vector<float> values_;     // of kRows rows, one for each column
  std::vector<Sum> sums_;         // of kRings rings, the same
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_TELEMETRY_HISTORY_H_
