// Quantities as people write them and as the code keeps them.
#ifndef SLUICE_BASE_UNITS_H_
#define SLUICE_BASE_UNITS_H_

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sluice {

// A volume in bytes of IP packets on the wire.
struct Bytes {
  uint64_t value = 0;
  friend auto operator<=>(Bytes, Bytes) = default;
};

// A rate in bit/s of IP packets on the wire.
struct BitRate {
  uint64_t bps = 0;
  friend auto operator<=>(BitRate, BitRate) = default;
};

inline constexpr BitRate kMinRate{8'000};              // 8 kbit/s
inline constexpr BitRate kMaxRate{400'000'000'000};    // 400 Gbit/s
inline constexpr Bytes kMaxVolume{uint64_t{1} << 62};  // 4 EiB; bit 63 of a gate counter is a flag

// Sums and differences that stop at the end of the range instead of wrapping.
Bytes SaturatingAdd(Bytes a, Bytes b);
Bytes SaturatingSub(Bytes a, Bytes b);

// What `rate` carries in `d`, rounded down; saturates. d < 0 counts as 0.
Bytes BytesIn(BitRate rate, absl::Duration d);
// How long `rate` takes for `bytes`, rounded up; infinite for rate 0.
absl::Duration TimeFor(Bytes bytes, BitRate rate);

// "100Mbit", "1.5Gbit", "8kbit", "250000bit", also with "/s" or "bps" behind;
// SI factors. Errors say what was wrong and show a good example.
absl::StatusOr<BitRate> ParseBitRate(std::string_view text);
// "1GB", "512KiB", "1500B", "1500": SI for KB/MB/GB/TB/PB/EB, binary for KiB…EiB.
absl::StatusOr<Bytes> ParseBytes(std::string_view text);
// "30s", "500ms", "24h", "7d", "1h30m". Greater than zero, at most 100 years.
absl::StatusOr<absl::Duration> ParseDuration(std::string_view text);

// The shortest text that parses back to the same value ("100Mbit", "1GB", "30s").
std::string FormatExact(BitRate rate);
std::string FormatExact(Bytes bytes);
std::string FormatExact(absl::Duration d);
// At most four digits, for people ("1.234GB").
std::string FormatShort(BitRate rate);
std::string FormatShort(Bytes bytes);

}  // namespace sluice

#endif  // SLUICE_BASE_UNITS_H_
