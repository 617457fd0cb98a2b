// Quantities and tables as people read them. Pure.
#ifndef SLUICE_APPS_CTL_FORMAT_H_
#define SLUICE_APPS_CTL_FORMAT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::ctl {

inline constexpr std::string_view kNothing = "-";

// "-" where there is no value.
std::string ShowRate(std::optional<uint64_t> bps);
std::string ShowBytes(std::optional<uint64_t> bytes);
std::string ShowCount(std::optional<uint64_t> count);
// Seconds as "0.3s", "12s", "3m20s", "2h05m", "4d03h". Below zero: "over".
std::string ShowMilliseconds(double seconds);  // "3.2 ms"
std::string ShowSeconds(std::optional<double> seconds);
// A duration exactly, as in a quota ("30s", "24h"); "-" if out of range.
std::string ShowExactSeconds(std::optional<double> seconds);
// "no_quota" -> "no quota"; "" -> "-".
std::string Words(std::string name);

// How many columns the text takes: its UTF-8 characters.
size_t Width(std::string_view text);
// The first `columns` characters, whole ones.
std::string_view Clip(std::string_view text, size_t columns);

// Rows in columns as wide as their widest cell, two spaces between, no spaces
// at a line's end. Column i is right-aligned if right[i]. Short rows are filled.
struct Table {
  std::vector<std::string> header;
  std::vector<bool> right;
  std::vector<std::vector<std::string>> rows;
};
std::vector<std::string> Layout(const Table& table);
std::string Render(const Table& table);

}  // namespace sluice::ctl

#endif  // SLUICE_APPS_CTL_FORMAT_H_
