#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "base/strings.h"
#include "controller/web/json_codec.h"

namespace sluice {
namespace {

constexpr char kFieldPayload[] = "sluice/field";

// What a message may begin with to blame it: "rate: …".
constexpr std::array<std::string_view, 12> kFields = {"link",  "rate",     "burst",  "volume",
                                                      "lease", "per",      "name",   "enclosure",
                                                      "role",  "prefixes", "reason", "all"};

}  // namespace

absl::Status WithField(const absl::Status& status, std::string_view field) {
  absl::Status out = status;
  if (!field.empty()) out.SetPayload(kFieldPayload, absl::Cord(ToAbsl(field)));
  return out;
}

std::string FieldOf(const absl::Status& status) {
  if (auto payload = status.GetPayload(kFieldPayload)) return std::string(*payload);
  const std::string_view message = ToStd(status.message());
  const size_t end =
      message.find_first_of(status.code() == absl::StatusCode::kInvalidArgument ? ": " : ":");
  const std::string_view word = message.substr(0, end);
  const bool is_field = end != std::string_view::npos &&
                        std::find(kFields.begin(), kFields.end(), word) != kFields.end();
  return is_field ? std::string(word) : "";
}

std::string ErrorCode(const absl::Status& status) {
  return absl::AsciiStrToLower(absl::StatusCodeToString(status.code()));
}

int HttpStatus(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 200;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return 400;
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kFailedPrecondition:
      return 409;
    case absl::StatusCode::kUnavailable:
      return 503;
    case absl::StatusCode::kResourceExhausted:
      return 507;
    default:
      return 500;
  }
}

}  // namespace sluice
