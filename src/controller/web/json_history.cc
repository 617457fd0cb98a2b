#include "controller/web/json_history.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/strings.h"
#include "controller/web/json_values.h"
#include "model/lease.h"

namespace sluice {
namespace {

using api_json::Json;
using Column = HistoryColumn;
using Columns = std::vector<size_t>;

const Columns kOfNode = {Column::kSentBps, Column::kReceivedBps, Column::kLeasedBps,
                         Column::kRefusedPps};
const Columns kOfLink = {Column::kSentBps, Column::kReceivedBps, Column::kLeasedBps,
                         Column::kRefusedPps, Column::kUsedBytes};

std::string FieldName(size_t column) {
  constexpr std::string_view kNames[] = {"sent_bps", "received_bps", "leased_bps", "refused_pps",
                                         "used_bytes"};
  static_assert(std::size(kNames) == Column::kByReason);
  if (column < Column::kByReason) return std::string(kNames[column]);
  const auto reason = static_cast<sluice_drop_reason>(column - Column::kByReason);
  return StrCat("refused_pps.", DropReasonName(reason));
}

// And the reasons for which something was refused.
Columns WithReasons(Columns columns, const std::vector<HistorySeries>& all) {
  for (size_t i = Column::kByReason; i < Column::kCount; ++i) {
    const bool seen = std::ranges::any_of(
        all, [i](const HistorySeries& series) { return !series.columns[i].empty(); });
    if (seen) columns.push_back(i);
  }
  return columns;
}

float ValueAt(const HistorySeries& series, size_t column, size_t at) {
  const std::vector<float>& values = series.columns[column];
  return values.empty() ? kUnknown : values[at];
}

Json PointJson(const HistorySeries& series, const Columns& columns, size_t at) {
  const auto unknown = [&](size_t column) { return std::isnan(ValueAt(series, column, at)); };
  if (std::ranges::all_of(columns, unknown)) return nullptr;
  Json out = Json::array();
  for (const size_t column : columns)
    out.push_back(unknown(column) ? Json(nullptr)
                                  : Json(static_cast<double>(ValueAt(series, column, at))));
  return out;
}

Json SeriesJson(const HistorySeries& series, const Columns& columns) {
  Json points = Json::array();
  for (size_t i = 0; i < series.size; ++i) points.push_back(PointJson(series, columns, i));
  return {{"step_s", series.step_s},
          {"first_ms", series.first_s * 1'000},
          {"points", std::move(points)}};
}

std::string Encode(Json out, const Columns& columns, const std::vector<HistorySeries>& all,
                   absl::Time at) {
  out["now_ms"] = absl::ToUnixMillis(at);
  out["fields"] = Json::array();
  for (const size_t column : columns) out["fields"].push_back(FieldName(column));
  out["series"] = Json::array();
  for (const HistorySeries& series : all) out["series"].push_back(SeriesJson(series, columns));
  return api_json::Dump(out);
}

}  // namespace

std::string EncodeHistory(const LinkName& link, const std::vector<HistorySeries>& all,
                          absl::Time at) {
  return Encode({{"link", link.ToString()}}, WithReasons(kOfLink, all), all, at);
}

std::string EncodeHistory(const std::string& node, const std::vector<HistorySeries>& all,
                          absl::Time at) {
  return Encode({{"node", node}}, WithReasons(kOfNode, all), all, at);
}

}  // namespace sluice
