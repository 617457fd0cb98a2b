#include "controller/web/json_values.h"

#include <algorithm>

#include "base/strings.h"

namespace sluice::api_json {

std::string Dump(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json Seconds(absl::Duration d) {
  if (d == absl::InfiniteDuration()) return nullptr;
  return absl::ToDoubleSeconds(d);
}

Json Remaining(absl::Duration d) { return Seconds(std::max(d, absl::ZeroDuration())); }

std::string_view StateName(LinkView::State state) {
  switch (state) {
    case LinkView::State::kOpen:
      return "open";
    case LinkView::State::kNoQuota:
      return "no_quota";
    case LinkView::State::kExhausted:
      return "exhausted";
    case LinkView::State::kRevoked:
      return "revoked";
    case LinkView::State::kWaiting:
      return "waiting";
    case LinkView::State::kExpired:
      return "expired";
  }
  return "unknown";
}

Json ToJson(const Quota& quota) {
  Json out;
  out["scope"] = quota.scope.ToString();
  out["kind"] = KindName(quota.scope.kind);
  out["link"] = quota.scope.is_link() ? Json(quota.scope.ToString()) : Json(nullptr);
  out["rate_bps"] = quota.rate.bps;
  out["burst_bytes"] = quota.burst.value;
  out["volume_bytes"] = quota.volume.value;
  out["per"] = quota.window ? FormatExact(*quota.window) : "lifetime";
  out["window_s"] = quota.window ? Seconds(*quota.window) : Json(nullptr);
  out["lease_s"] = Seconds(quota.lease_lifetime);
  out["version"] = quota.version;
  return out;
}

}  // namespace sluice::api_json
