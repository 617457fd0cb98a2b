// What a link did over the last day, at falling resolution, in bounded memory: about 13 kB
// once a day is full.
#ifndef SLUICE_CONTROLLER_TELEMETRY_HISTORY_H_
#define SLUICE_CONTROLLER_TELEMETRY_HISTORY_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace sluice {

inline constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();

// Means over a step of time; kUnknown where nothing was known.
struct HistoryPoint {
  float sent_bps = kUnknown;
  float received_bps = kUnknown;
  float leased_bps = kUnknown;
  float refused_pps = kUnknown;  // packets that a gate refused, of both ends
  float used_bytes = kUnknown;   // of the quota's volume, the last value
};

struct HistorySeries {
  int64_t step_s = 0;
  int64_t first_s = 0;               // since 1970, when the first point begins
  std::vector<HistoryPoint> points;  // without gaps, the oldest first
};

class History {
 public:
  // A point of this second, since 1970. Seconds that go back are left out; what is skipped
  // is unknown. After a step back of more than two minutes it begins anew.
  void Add(int64_t second, const HistoryPoint& point);
  // Of falling resolution. Each ends with the last whole step.
  std::vector<HistorySeries> Series() const;

 private:
  // The points of one resolution, in a circle.
  class Ring {
   public:
    Ring(int64_t step, size_t size) : step_(step), size_(size) {}
    void Add(int64_t second, const HistoryPoint& point);
    HistorySeries Series() const;

   private:
    void Close();
    void Push(const HistoryPoint& point);

    int64_t step_;
    size_t size_;
    std::vector<HistoryPoint> points_;  // grows to size_, then the next one replaces the oldest
    size_t next_ = 0;
    int64_t current_ = 0;  // the step that is being summed up; 0: none yet
    HistoryPoint sum_;
    std::array<uint32_t, 4> counts_{};  // how many are in each sum
  };

  int64_t last_ = 0;
  std::array<Ring, 3> rings_{Ring(1, 120), Ring(15, 240), Ring(300, 288)};
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_TELEMETRY_HISTORY_H_
