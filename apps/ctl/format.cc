#include "format.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/strings.h"
#include "base/units.h"

namespace sluice::ctl {
namespace {

constexpr double kHundredYears = 100.0 * 365.25 * 86'400;

void Pad(std::string& line, size_t spaces) { line.append(spaces, ' '); }

const std::string& Cell(const std::vector<std::string>& row, size_t column) {
  static const std::string kEmpty;
  return column < row.size() ? row[column] : kEmpty;
}

std::vector<size_t> ColumnWidths(const Table& table) {
  std::vector<size_t> widths;
  for (const std::string& name : table.header) widths.push_back(Width(name));
  for (const auto& row : table.rows)
    for (size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], Width(Cell(row, i)));
  return widths;
}

}  // namespace

std::string ShowRate(std::optional<uint64_t> bps) {
  return bps ? FormatShort(BitRate{*bps}) : std::string(kNothing);
}

std::string ShowBytes(std::optional<uint64_t> bytes) {
  return bytes ? FormatShort(Bytes{*bytes}) : std::string(kNothing);
}

std::string ShowCount(std::optional<uint64_t> count) {
  return count ? StrCat(*count) : std::string(kNothing);
}

std::string ShowSeconds(std::optional<double> seconds) {
  if (!seconds || std::isnan(*seconds)) return std::string(kNothing);
  if (*seconds < 0) return "over";
  if (*seconds > kHundredYears) return "forever";
  if (*seconds < 9.95) return absl::StrFormat("%.1fs", *seconds);
  const auto whole = static_cast<int64_t>(std::llround(*seconds));
  if (whole < 60) return StrCat(whole, "s");
  if (whole < 3'600) return absl::StrFormat("%dm%02ds", whole / 60, whole % 60);
  if (whole < 86'400) return absl::StrFormat("%dh%02dm", whole / 3'600, whole % 3'600 / 60);
  return absl::StrFormat("%dd%02dh", whole / 86'400, whole % 86'400 / 3'600);
}

std::string ShowMilliseconds(double seconds) { return absl::StrFormat("%.1f ms", seconds * 1'000); }

std::string ShowExactSeconds(std::optional<double> seconds) {
  if (!seconds || !(*seconds >= 0) || *seconds > kHundredYears) return std::string(kNothing);
  return FormatExact(absl::Milliseconds(std::llround(*seconds * 1'000)));
}

std::string Words(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name.empty() ? std::string(kNothing) : name;
}

size_t Width(std::string_view text) {
  // Every byte but the continuation bytes of UTF-8 (10xxxxxx) starts a character.
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

std::string_view Clip(std::string_view text, size_t columns) {
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end)
    if ((text[end] & 0xc0) != 0x80 && ++seen > columns) break;
  return text.substr(0, end);
}

std::vector<std::string> Layout(const Table& table) {
  const std::vector<size_t> widths = ColumnWidths(table);
  auto line_of = [&](const std::vector<std::string>& row) {
    std::string line;
    for (size_t i = 0; i < widths.size(); ++i) {
      const std::string& cell = Cell(row, i);
      const size_t missing = widths[i] - Width(cell);
      const bool right = i < table.right.size() && table.right[i];
      if (i > 0) Pad(line, 2);
      if (right) Pad(line, missing);
      line += cell;
      if (!right) Pad(line, missing);
    }
    return line.substr(0, line.find_last_not_of(' ') + 1);
  };
  std::vector<std::string> lines = {line_of(table.header)};
  for (const auto& row : table.rows) lines.push_back(line_of(row));
  return lines;
}

std::string Render(const Table& table) {
  std::string out;
  for (const std::string& line : Layout(table)) out += line + "\n";
  return out;
}

}  // namespace sluice::ctl
