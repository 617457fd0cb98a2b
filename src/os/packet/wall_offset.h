// How the wall clock, by which the kernel dates frames, stands to the boot clock.
#ifndef SLUICE_OS_PACKET_WALL_OFFSET_H_
#define SLUICE_OS_PACKET_WALL_OFFSET_H_

#include <cstdint>
#include <cstdlib>

namespace sluice {

// All in nanoseconds. Pure.
class WallOffset {
 public:
  // The error of a reading: so close to each other both clocks must be read.
  static constexpr int64_t kUnsure = 3'000;
  // Frames that the kernel dated before the clock was set may still wait for so long.
  static constexpr int64_t kDistrust = 1'000'000'000;

  // Both clocks, as just read. Whether a frame that was dated before may be told in boot time:
  // not by the first reading, and not for kDistrust after one that shows that the wall clock was
  // set.
  bool Take(int64_t boot, int64_t wall) {
    const int64_t offset = wall - boot;
    const bool first = !known_;
    // It is slewed by at most a two-thousandth (adjtimex(2)).
    const int64_t drift = kUnsure * 2 + (boot - read_at_) / kDriftShare;
    if (known_ && std::abs(offset - offset_) > drift) distrust_until_ = boot + kDistrust;
    offset_ = offset;
    read_at_ = boot;
    known_ = true;
    return !first && boot >= distrust_until_;
  }

 private:
  static constexpr int64_t kDriftShare = 2'000;

  int64_t offset_ = 0;
  int64_t read_at_ = 0;
  bool known_ = false;
  int64_t distrust_until_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_OS_PACKET_WALL_OFFSET_H_
