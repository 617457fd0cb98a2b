#include "client.h"

#include <httplib.h>

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/status.h"
#include "base/strings.h"
#include "format.h"
#include "model/prefix.h"

namespace sluice::ctl {
namespace {

// Link lists of large fleets are a few MB; more than this is not our controller.
constexpr size_t kMaxAnswer = size_t{64} << 20;

absl::Status NoAnswer(const ClientOptions& options, httplib::Error error) {
  const std::string api = options.api;
  switch (error) {
    case httplib::Error::Connection:
      return absl::UnavailableError(StrCat("cannot connect to ", api,
                                           ": is sluice-controller running there? "
                                           "(--api or SLUICE_API says where)"));
    case httplib::Error::ConnectionTimeout:
    case httplib::Error::Read:
      return absl::UnavailableError(StrCat("no answer from ", api, " within ",
                                           FormatExact(options.timeout),
                                           ": is it sluice-controller, and is the machine up?"));
    default:
      return absl::UnavailableError(
          StrCat("talking to ", api, " failed: ", httplib::to_string(error)));
  }
}

absl::StatusCode CodeOf(int http_status) {
  switch (http_status) {
    case 400:
    case 422:
      return absl::StatusCode::kInvalidArgument;
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kNotFound;
    case 409:
      return absl::StatusCode::kFailedPrecondition;
    case 503:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kInternal;
  }
}

// The message of {"error":{"message":…,"field":…}}; empty if it is not that.
std::string ApiMessage(const Json& answer) {
  const Json& error = Member(answer, "error");
  const std::string message = Text(error, "message");
  const std::string field = Text(error, "field");
  // Messages mostly name their field themselves.
  if (message.empty() || field.empty() || message.find(field) != std::string::npos) return message;
  return StrCat(field, ": ", message);
}

// Whether what stands behind the host, if anything, is a port.
bool HasGoodPort(std::string_view host_port) {
  const size_t colon = host_port.rfind(':');
  // The colons of "[2001:db8::1]" belong to the address.
  if (colon == std::string_view::npos || host_port.ends_with(']')) return true;
  return ParseEndpoint(StrCat("192.0.2.1", host_port.substr(colon))).ok();
}

absl::Status CheckApi(const std::string& api) {
  std::string_view rest = api;
  const bool https = rest.starts_with("https://");
  const bool known = https || rest.starts_with("http://");
  rest.remove_prefix(known ? (https ? 8 : 7) : 0);
  const bool clean = !rest.empty() && rest.find_first_of("/?#@ ") == std::string_view::npos;
  if (known && clean && HasGoodPort(rest)) return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat("--api ", ForMessage(api),
                                           " is no address of a controller; write for example "
                                           "http://127.0.0.1:8080"));
}

absl::StatusOr<Json> Finish(const ClientOptions& options, const httplib::Result& result) {
  if (!result) return NoAnswer(options, result.error());
  return JudgeAnswer(options, result->status, result->body);
}

}  // namespace

absl::StatusOr<std::unique_ptr<ApiClient>> ApiClient::Create(ClientOptions options) {
  while (options.api.ends_with('/')) options.api.pop_back();
  SLUICE_RETURN_IF_ERROR(CheckApi(options.api));
  auto client = std::unique_ptr<ApiClient>(new ApiClient(std::move(options)));
  if (!client->http_->is_valid())
    return absl::InvalidArgumentError(StrCat("--api ", ForMessage(client->api()),
                                             " has no valid host or port; write for example "
                                             "http://127.0.0.1:8080"));
  return client;
}

ApiClient::ApiClient(ClientOptions options)
    : options_(std::move(options)), http_(std::make_unique<httplib::Client>(options_.api)) {
  const auto timeout = absl::ToChronoMicroseconds(options_.timeout);
  http_->set_connection_timeout(timeout);
  http_->set_read_timeout(timeout);
  http_->set_write_timeout(timeout);
  http_->set_bearer_token_auth(options_.token);
  http_->set_keep_alive(true);
  // The token must not follow a redirection to somebody else.
  http_->set_follow_location(false);
}

ApiClient::~ApiClient() = default;

absl::StatusOr<Json> ApiClient::Get(const std::string& path) {
  std::string body;
  auto result = http_->Get(path, [&body](const char* data, size_t size) {
    if (body.size() + size > kMaxAnswer) return false;
    body.append(data, size);
    return true;
  });
  if (!result) return NoAnswer(options_, result.error());
  return JudgeAnswer(options_, result->status, body);
}

absl::StatusOr<Json> ApiClient::Put(const std::string& path, const Json& body) {
  return Finish(options_, http_->Put(path, body.dump(), "application/json"));
}

absl::StatusOr<Json> ApiClient::Post(const std::string& path, const Json& body) {
  return Finish(options_, http_->Post(path, body.dump(), "application/json"));
}

absl::StatusOr<Json> ApiClient::Delete(const std::string& path) {
  return Finish(options_, http_->Delete(path));
}

std::string LinkInPath(const LinkName& link) { return link.src + "%3E" + link.dst; }

absl::StatusOr<Json> JudgeAnswer(const ClientOptions& options, int http_status,
                                 const std::string& body) {
  const Json answer = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (http_status >= 200 && http_status < 300) {
    if (body.empty()) return Json::object();
    if (!answer.is_discarded()) return answer;
    return absl::InternalError(
        StrCat("the answer of ", options.api, " is not JSON: is it sluice-controller?"));
  }
  if (http_status == 401)
    return absl::UnauthenticatedError(
        StrCat("the controller at ", options.api, " does not accept the token in ",
               options.token_file, "; use the admin.token of that controller's state directory"));
  std::string message = answer.is_discarded() ? "" : ApiMessage(answer);
  if (message.empty())
    message = StrCat(options.api, " answered with HTTP status ", http_status,
                     " and no reason: is it sluice-controller?");
  return absl::Status(CodeOf(http_status), message);
}

}  // namespace sluice::ctl
