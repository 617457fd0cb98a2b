#include "base/units.h"

#include <array>
#include <cctype>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/numeric/int128.h"
#include "absl/strings/ascii.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr uint64_t kU64Max = std::numeric_limits<uint64_t>::max();
constexpr uint64_t kNsPerSecond = 1'000'000'000;
// More digits could overflow 128 bits when multiplied by the largest factor, 2^60.
constexpr size_t kMaxDigits = 20;
constexpr absl::Duration kMaxDuration = absl::Hours(24 * 36'525);

struct Unit {
  std::string_view name;
  uint64_t factor;
  bool decimal;  // whether the factor is a power of ten
};

constexpr std::array<Unit, 5> kRateUnits = {{{"bit", 1, true},
                                             {"kbit", 1'000, true},
                                             {"Mbit", 1'000'000, true},
                                             {"Gbit", 1'000'000'000, true},
                                             {"Tbit", 1'000'000'000'000, true}}};

constexpr std::array<Unit, 13> kByteUnits = {{{"B", 1, true},
                                              {"KB", 1'000, true},
                                              {"MB", 1'000'000, true},
                                              {"GB", 1'000'000'000, true},
                                              {"TB", 1'000'000'000'000, true},
                                              {"PB", 1'000'000'000'000'000, true},
                                              {"EB", 1'000'000'000'000'000'000, true},
                                              {"KiB", uint64_t{1} << 10, false},
                                              {"MiB", uint64_t{1} << 20, false},
                                              {"GiB", uint64_t{1} << 30, false},
                                              {"TiB", uint64_t{1} << 40, false},
                                              {"PiB", uint64_t{1} << 50, false},
                                              {"EiB", uint64_t{1} << 60, false}}};

// In nanoseconds, the largest first: the parts of a duration come in this order.
constexpr std::array<Unit, 7> kTimeUnits = {{{"d", 86'400 * kNsPerSecond, false},
                                             {"h", 3'600 * kNsPerSecond, false},
                                             {"m", 60 * kNsPerSecond, false},
                                             {"s", kNsPerSecond, true},
                                             {"ms", 1'000'000, true},
                                             {"us", 1'000, true},
                                             {"ns", 1, true}}};

// What is being parsed, for messages.
struct Kind {
  std::string_view what;
  std::string_view examples;
};
constexpr Kind kRate{"rate", "write for example 100Mbit, 1.5Gbit or 8kbit"};
constexpr Kind kVolume{"volume", "write for example 1GB, 512KiB or 1500B"};
constexpr Kind kTime{"duration", "write for example 30s, 500ms, 24h or 1h30m"};

absl::Status Bad(const Kind& kind, std::string_view text, std::string_view problem) {
  return absl::InvalidArgumentError(
      StrCat(kind.what, " ", ForMessage(text), " ", problem, "; ", kind.examples));
}

// A decimal number without its point: digits · 10^-scale.
struct Decimal {
  uint64_t digits = 0;
  unsigned scale = 0;
};

// Cuts the number off the front of `rest`.
absl::StatusOr<Decimal> TakeNumber(const Kind& kind, std::string_view text,
                                   std::string_view& rest) {
  if (rest.empty()) return Bad(kind, text, "is empty");
  if (rest[0] == '-') return Bad(kind, text, "is negative");
  size_t end = 0;
  while (end < rest.size() && (absl::ascii_isdigit(rest[end]) || rest[end] == '.')) ++end;
  std::string_view number = rest.substr(0, end);
  rest.remove_prefix(end);
  size_t point = number.find('.');
  std::string_view whole = number.substr(0, point);
  std::string_view fraction =
      point == std::string_view::npos ? std::string_view() : number.substr(point + 1);
  const bool pointless = point != std::string_view::npos && fraction.empty();
  if (whole.empty() || pointless || fraction.find('.') != std::string_view::npos)
    return Bad(kind, text, "does not start with a decimal number");
  while (!whole.empty() && whole.front() == '0') whole.remove_prefix(1);
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
  if (whole.size() + fraction.size() > kMaxDigits)
    return Bad(kind, text, "has more digits than fit");
  absl::uint128 digits = 0;
  for (char c : StrCat(whole, fraction)) digits = digits * 10 + (c - '0');
  if (absl::Uint128High64(digits) != 0) return Bad(kind, text, "has more digits than fit");
  return Decimal{absl::Uint128Low64(digits), static_cast<unsigned>(fraction.size())};
}

absl::uint128 PowerOfTen(unsigned exponent) {
  absl::uint128 out = 1;
  for (; exponent > 0; --exponent) out *= 10;
  return out;
}

absl::StatusOr<uint64_t> Scale(const Kind& kind, std::string_view text, Decimal number,
                               const Unit& unit, std::string_view smallest) {
  absl::uint128 product = absl::uint128(number.digits) * unit.factor;
  absl::uint128 divisor = PowerOfTen(number.scale);
  if (product % divisor != 0) return Bad(kind, text, StrCat("is not a whole number of ", smallest));
  absl::uint128 value = product / divisor;
  if (absl::Uint128High64(value) != 0) return Bad(kind, text, "is too large");
  return absl::Uint128Low64(value);
}

// "Mbit", "mbit", "Mbit/s" and "Mbps" all mean Mbit; "MB" and "Mb" do not.
const Unit* FindRateUnit(std::string_view name) {
  std::string base(name);
  if (base.ends_with("bit/s")) base.resize(base.size() - 2);
  if (base.ends_with("bps")) base.replace(base.size() - 3, 3, "bit");
  for (const Unit& unit : kRateUnits) {
    if (base == unit.name) return &unit;
    const bool same_tail = base.size() == 4 && unit.name.size() == 4 && base.ends_with("bit");
    if (same_tail && absl::ascii_tolower(base[0]) == absl::ascii_tolower(unit.name[0]))
      return &unit;
  }
  return nullptr;
}

// The prefix in either case ("kB"), the B only as a capital: "b" reads as bit.
const Unit* FindByteUnit(std::string_view name) {
  if (name.empty()) return &kByteUnits[0];
  for (const Unit& unit : kByteUnits) {
    if (absl::ascii_toupper(name[0]) == unit.name[0] && name.substr(1) == unit.name.substr(1) &&
        (name.size() > 1 || name == "B"))
      return &unit;
  }
  return nullptr;
}

std::optional<size_t> FindTimeUnit(std::string_view name) {
  for (size_t i = 0; i < kTimeUnits.size(); ++i)
    if (name == kTimeUnits[i].name) return i;
  return std::nullopt;
}

// The value in this unit, or "" where that is not exact or begins with 0.
std::string InUnit(uint64_t value, const Unit& unit) {
  uint64_t whole = value / unit.factor;
  uint64_t rest = value % unit.factor;
  if (whole == 0 && unit.factor != 1) return "";
  if (rest == 0) return StrCat(whole, unit.name);
  if (!unit.decimal) return "";
  // Adding the factor keeps the fraction's leading zeros; its own 1 is cut off.
  std::string fraction = StrCat(unit.factor + rest).substr(1);
  fraction.resize(fraction.find_last_not_of('0') + 1);
  return StrCat(whole, ".", fraction, unit.name);
}

std::string Shortest(uint64_t value, std::span<const Unit> units) {
  std::string best;
  for (const Unit& unit : units) {
    std::string text = InUnit(value, unit);
    if (!text.empty() && (best.empty() || text.size() < best.size())) best = text;
  }
  return best;
}

// Four digits, rounded half up, with zeros behind the point cut off.
std::string FourDigits(uint64_t value, std::span<const Unit> units) {
  for (size_t i = 0; i < units.size(); ++i) {
    const uint64_t factor = units[i].factor;
    if (i + 1 < units.size() && value >= units[i + 1].factor) continue;
    if (factor == 1) return StrCat(value, units[i].name);
    unsigned decimals = value / factor >= 100 ? 1 : value / factor >= 10 ? 2 : 3;
    const absl::uint128 scale = PowerOfTen(decimals);
    uint64_t rounded = absl::Uint128Low64((absl::uint128(value) * scale + factor / 2) / factor);
    const uint64_t step = absl::Uint128Low64(scale);
    if (rounded >= 1'000 * step && i + 1 < units.size()) return StrCat("1", units[i + 1].name);
    return InUnit(rounded, Unit{units[i].name, step, true});
  }
  return "";
}

}  // namespace

Bytes SaturatingAdd(Bytes a, Bytes b) {
  return Bytes{a.value > kU64Max - b.value ? kU64Max : a.value + b.value};
}

Bytes SaturatingSub(Bytes a, Bytes b) { return Bytes{a.value < b.value ? 0 : a.value - b.value}; }

Bytes BytesIn(BitRate rate, absl::Duration d) {
  if (rate.bps == 0 || d <= absl::ZeroDuration()) return Bytes{0};
  if (d == absl::InfiniteDuration()) return Bytes{kU64Max};
  absl::uint128 ns = absl::uint128(static_cast<uint64_t>(absl::ToInt64Nanoseconds(d)));
  absl::uint128 bytes = ns * rate.bps / (8 * absl::uint128(kNsPerSecond));
  return Bytes{absl::Uint128High64(bytes) != 0 ? kU64Max : absl::Uint128Low64(bytes)};
}

absl::Duration TimeFor(Bytes bytes, BitRate rate) {
  if (rate.bps == 0) return absl::InfiniteDuration();
  absl::uint128 bits = absl::uint128(bytes.value) * 8;
  absl::uint128 seconds = bits / rate.bps;
  absl::uint128 ns = ((bits % rate.bps) * kNsPerSecond + (rate.bps - 1)) / rate.bps;
  if (seconds > absl::uint128(std::numeric_limits<int64_t>::max())) return absl::InfiniteDuration();
  return absl::Seconds(static_cast<int64_t>(absl::Uint128Low64(seconds))) +
         absl::Nanoseconds(static_cast<int64_t>(absl::Uint128Low64(ns)));
}

absl::StatusOr<BitRate> ParseBitRate(std::string_view text) {
  std::string_view rest = text;
  SLUICE_ASSIGN_OR_RETURN(Decimal number, TakeNumber(kRate, text, rest));
  if (rest.empty()) return Bad(kRate, text, "has no unit");
  const Unit* unit = FindRateUnit(rest);
  if (unit == nullptr) {
    const bool bytes = rest.find('B') != std::string_view::npos;
    return Bad(kRate, text, bytes ? "is in bytes; rates are in bit/s" : "has an unknown unit");
  }
  SLUICE_ASSIGN_OR_RETURN(uint64_t bps, Scale(kRate, text, number, *unit, "bit/s"));
  return BitRate{bps};
}

absl::StatusOr<Bytes> ParseBytes(std::string_view text) {
  std::string_view rest = text;
  SLUICE_ASSIGN_OR_RETURN(Decimal number, TakeNumber(kVolume, text, rest));
  const Unit* unit = FindByteUnit(rest);
  if (unit == nullptr) {
    const bool bits = rest.ends_with("bit") || rest.ends_with("b");
    return Bad(kVolume, text, bits ? "is in bits; volumes are in bytes" : "has an unknown unit");
  }
  SLUICE_ASSIGN_OR_RETURN(uint64_t value, Scale(kVolume, text, number, *unit, "bytes"));
  return Bytes{value};
}

absl::StatusOr<absl::Duration> ParseDuration(std::string_view text) {
  std::string_view rest = text;
  absl::Duration sum;
  size_t next_unit = 0;
  do {
    SLUICE_ASSIGN_OR_RETURN(Decimal number, TakeNumber(kTime, text, rest));
    size_t length = 0;
    while (length < rest.size() && absl::ascii_isalpha(rest[length])) ++length;
    if (length == 0) return Bad(kTime, text, rest.empty() ? "has no unit" : "has an unknown unit");
    std::optional<size_t> unit = FindTimeUnit(rest.substr(0, length));
    if (!unit) return Bad(kTime, text, "has an unknown unit");
    if (*unit < next_unit) return Bad(kTime, text, "does not go from large units to small ones");
    next_unit = *unit + 1;
    rest.remove_prefix(length);
    SLUICE_ASSIGN_OR_RETURN(uint64_t ns,
                            Scale(kTime, text, number, kTimeUnits[*unit], "nanoseconds"));
    if (ns > static_cast<uint64_t>(absl::ToInt64Nanoseconds(kMaxDuration)))
      return Bad(kTime, text, "is longer than 100 years");
    sum += absl::Nanoseconds(static_cast<int64_t>(ns));
  } while (!rest.empty());
  if (sum == absl::ZeroDuration()) return Bad(kTime, text, "is zero");
  if (sum > kMaxDuration) return Bad(kTime, text, "is longer than 100 years");
  return sum;
}

std::string FormatExact(BitRate rate) { return Shortest(rate.bps, kRateUnits); }
std::string FormatExact(Bytes bytes) { return Shortest(bytes.value, kByteUnits); }

std::string FormatExact(absl::Duration d) {
  if (d < absl::ZeroDuration()) return StrCat("-", FormatExact(-d));
  if (d == absl::InfiniteDuration()) return "forever";
  uint64_t ns = static_cast<uint64_t>(absl::ToInt64Nanoseconds(d));
  if (ns == 0) return "0s";
  for (const Unit& unit : kTimeUnits) {
    // A single day is "24h": that is how people name the window.
    const bool single_day = &unit == &kTimeUnits[0] && ns == unit.factor;
    if (ns % unit.factor == 0 && !single_day) return StrCat(ns / unit.factor, unit.name);
  }
  return "";
}

std::string FormatShort(BitRate rate) { return FourDigits(rate.bps, kRateUnits); }
std::string FormatShort(Bytes bytes) {
  return FourDigits(bytes.value, std::span(kByteUnits).first(7));
}

}  // namespace sluice
