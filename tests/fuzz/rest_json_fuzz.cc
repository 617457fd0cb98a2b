// Bodies of the operator API's requests, and its paths: no input crashes; a refusal
// says why and can be sent as JSON; a quota that is taken is in range.
#include <algorithm>
#include <string>

#include "base/strings.h"
#include "controller/web/flat_json.h"
#include "controller/web/json_codec.h"
#include "controller/web/request_guard.h"
#include "controller/web/routes.h"
#include "fuzz/fuzz.h"

using namespace sluice;

namespace {

void RequireGoodError(const absl::Status& status) {
  Require(status.code() == absl::StatusCode::kInvalidArgument);
  Require(!status.message().empty() && status.message().size() < 1'000);
  const std::string json = EncodeError(ErrorCode(status), ToStd(status.message()), FieldOf(status));
  Require(json.find('\n') == std::string::npos);
  Require(ParseFlatObject(json, {"error"}).status().message() == "error: must not be an object");
}

void TryPath(std::string_view text) {
  for (std::string_view method : {"GET", "PUT", "BREW"}) {
    auto match = FindRoute(method, text);
    if (!match.ok()) continue;
    Require(!match->allow.empty() && match->argument.size() <= text.size());
    Require(match->route == nullptr || match->route->method == method);
  }
  Require(!IsLoopbackHost(text) || text.size() < 24);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = AsText(data, size);
  if (auto quota = DecodeQuota(Scope::Link({"a1", "b1"}), text); quota.ok()) {
    Quota full = *quota;
    if (full.burst == Bytes{0}) full.burst = DefaultBurst(full.rate);
    Require(CheckQuota(full).ok());
    Require(!EncodeQuota(full).empty());
  } else {
    RequireGoodError(quota.status());
  }
  if (auto node = DecodeNewNode(text); node.ok()) {
    Require(CheckName("name", node->name).ok() && CheckName("enclosure", node->enclosure).ok());
  } else {
    RequireGoodError(node.status());
  }
  if (auto reason = DecodeReason(text); reason.ok()) {
    Require(reason->size() <= 200 && reason->find('\n') == std::string::npos);
  } else {
    RequireGoodError(reason.status());
  }
  if (auto plan = DecodePlan(text); !plan.ok()) RequireGoodError(plan.status());
  if (auto policy = DecodeWiringPolicy(text); !policy.ok()) RequireGoodError(policy.status());
  if (absl::Status nothing = DecodeNothing(text); !nothing.ok()) RequireGoodError(nothing);
  TryPath(text);
  return 0;
}
