// What the encoders of the operator API's JSON share.
#ifndef SLUICE_CONTROLLER_WEB_JSON_VALUES_H_
#define SLUICE_CONTROLLER_WEB_JSON_VALUES_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "model/fleet_view.h"
#include "model/quota.h"

namespace sluice::api_json {

using Json = nlohmann::ordered_json;

// Strings from agents may hold anything; what is not UTF-8 is replaced.
std::string Dump(const Json& value);
// Null if it is endless.
Json Seconds(absl::Duration d);
// Not below 0.
Json Remaining(absl::Duration d);
std::string_view StateName(LinkView::State state);
Json ToJson(const Quota& quota);

}  // namespace sluice::api_json

#endif  // SLUICE_CONTROLLER_WEB_JSON_VALUES_H_
