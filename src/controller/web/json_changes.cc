// Events, and what changes would do.
#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/web/json_codec.h"
#include "controller/web/json_values.h"

namespace sluice {
namespace {

using api_json::Json;

constexpr size_t kMostEventsShown = 1'000;

std::string_view ChangeName(LinkChange::Change change) {
  switch (change) {
    case LinkChange::Change::kNone:
      return "none";
    case LinkChange::Change::kOpens:
      return "opens";
    case LinkChange::Change::kRecalled:
      return "recalled";
    case LinkChange::Change::kCloses:
      return "closes";
  }
  return "unknown";
}

Json EventJson(const FleetEvent& event) {
  return {{"id", event.id},
          {"at_ms", event.at_ms},
          {"kind", event.kind},
          {"severity", SeverityName(event.severity)},
          {"subject", event.scope.ToString()},
          {"text", event.text}};
}

Json ChangeJson(const LinkChange& change) {
  return {{"link", change.link.ToString()},
          {"state", api_json::StateName(change.state)},
          {"leased_rate_bps", change.leased_rate.bps},
          {"change", ChangeName(change.change)},
          {"text", change.text}};
}

Json SumJson(const ScopeSum& sum) {
  return {{"scope", sum.scope.ToString()},
          {"rate_bps", sum.rate.bps},
          {"leased_rate_bps", sum.leased_rate.bps},
          {"links_rate_bps", sum.links_rate.bps},
          {"volume_bytes", sum.volume.value},
          {"used_bytes", sum.used.value},
          {"outstanding_bytes", sum.outstanding.value}};
}

absl::StatusOr<uint64_t> NumberFrom(std::string_view name, std::string_view text, uint64_t most,
                                    uint64_t otherwise) {
  if (text.empty()) return otherwise;
  uint64_t number = 0;
  if (absl::SimpleAtoi(ToAbsl(text), &number) && number > 0 && number <= most) return number;
  return WithField(absl::InvalidArgumentError(
                       StrCat(name, ": ", ForMessage(text), " is not a number from 1 to ", most)),
                   name);
}

}  // namespace

absl::StatusOr<EventFilter> DecodeEventFilter(std::string_view before, std::string_view limit,
                                              std::string_view kinds, std::string_view subject) {
  EventFilter filter;
  SLUICE_ASSIGN_OR_RETURN(filter.before,
                          NumberFrom("before", before, uint64_t{1} << 62, filter.before));
  SLUICE_ASSIGN_OR_RETURN(filter.limit, NumberFrom("limit", limit, kMostEventsShown, filter.limit));
  filter.kinds = absl::StrSplit(ToAbsl(kinds), ',', absl::SkipEmpty());
  if (subject.empty()) return filter;
  absl::StatusOr<Scope> scope = ParseScope(subject);
  if (!scope.ok()) return WithField(scope.status(), "subject");
  filter.scope = *std::move(scope);
  return filter;
}

std::string EncodeEvents(const EventPage& page) {
  Json out;
  out["events"] = Json::array();
  for (const FleetEvent& event : page.events) out["events"].push_back(EventJson(event));
  out["more"] = page.more;
  return api_json::Dump(out);
}

std::string EncodeChange(const Scope& scope, const ChangeView& view) {
  Json out;
  out["scope"] = scope.ToString();
  out["quota"] = view.after ? api_json::ToJson(*view.after) : Json(nullptr);
  out["before"] = view.before ? api_json::ToJson(*view.before) : Json(nullptr);
  out["links"] = Json::array();
  for (const LinkChange& change : view.links) out["links"].push_back(ChangeJson(change));
  out["sums"] = Json::array();
  for (const ScopeSum& sum : view.sums) out["sums"].push_back(SumJson(sum));
  out["notes"] = view.notes;
  return api_json::Dump(out);
}

}  // namespace sluice
