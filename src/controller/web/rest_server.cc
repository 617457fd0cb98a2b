#include "controller/web/rest_server.h"

#include <signal.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/web/console_feed.h"
#include "controller/web/console_files.h"
#include "controller/web/event_stream.h"
#include "controller/web/http_server.h"
#include "controller/web/json_codec.h"
#include "controller/web/listen_socket.h"
#include "controller/web/request_guard.h"
#include "controller/web/rest_api.h"

namespace sluice {
namespace {

using httplib::Request;
using httplib::Response;

constexpr char kJson[] = "application/json";
constexpr size_t kMinToken = 16;

// Sets an error that only HTTP knows. True, as a check that has answered returns.
bool Refuse(Response& response, int status, std::string_view code, std::string_view message) {
  response.status = status;
  response.set_content(EncodeError(code, message), kJson);
  return true;
}

bool Refuse(Response& response, const absl::Status& error) {
  ApiReply reply = ErrorReply(error);
  response.status = reply.status;
  response.set_content(reply.body, kJson);
  return true;
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.size() <= 18 &&
         std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c); });
}

// Bodies only as plain JSON of a length announced once. True if refused.
bool RefuseBody(const Request& request, size_t max_bytes, Response& response) {
  if (request.has_header("Transfer-Encoding"))
    return Refuse(response, 411, "length_required",
                  "send the body with Content-Length instead of Transfer-Encoding");
  if (request.has_header("Content-Encoding"))
    return Refuse(response, 415, "unsupported_media_type", "send the body uncompressed");
  const size_t lengths = request.get_header_value_count("Content-Length");
  const std::string length = request.get_header_value("Content-Length");
  if (lengths > 1 || (lengths == 1 && !IsNumber(length)))
    return Refuse(response, 400, "invalid_argument", "Content-Length must be one whole number");
  // httplib would first read all of it.
  if (lengths == 1 && std::stoull(length) > max_bytes)
    return Refuse(response, 413, "too_large",
                  StrCat("the body is too large; send at most ", max_bytes, " bytes"));
  const std::string type = request.get_header_value("Content-Type");
  const std::string base = type.substr(0, type.find(';'));
  const bool has_body = lengths == 1 && length.find_first_not_of('0') != std::string::npos;
  if (has_body && !absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(base), kJson))
    return Refuse(response, 415, "unsupported_media_type",
                  "the body must be JSON; send the header Content-Type: application/json");
  return false;
}

absl::Status CheckConfig(const RestConfig& config) {
  if (config.admin_token.size() < kMinToken)
    return absl::InvalidArgumentError(StrCat("the admin token has ", config.admin_token.size(),
                                             " characters; it needs at least ", kMinToken,
                                             ": remove its file and start again to get a new one"));
  if (config.workers <= 2 * config.max_streams)
    return absl::InvalidArgumentError("the operator API needs more workers than streams");
  return absl::OkStatus();
}

// Threads started while it lives take no signals: those are for the daemon's own.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

class RestServerImpl final : public RestServer {
 public:
  RestServerImpl(const RestConfig& config, CoreRunner& core, const Clock& clock)
      : max_body_bytes_(config.max_body_bytes),
        token_(config.admin_token),
        api_(core, config.fleet, config.version),
        console_({config.fleet, config.version, config.heartbeat, config.stream_interval,
                  config.max_streams},
                 core, clock),
        links_(
            [this] {
              return EventStream::Frame{ServerSentEvent("links", api_.Links(/*all_pairs=*/false)),
                                        "", 0};
            },
            config.stream_interval, config.max_streams, clock) {}
  ~RestServerImpl() override { Stop(); }

  absl::Status Serve(const RestConfig& config, ListenSocket socket) {
    port_ = socket.port;
    const HttpLimits limits{config.max_head_bytes, LargestBody(config.max_body_bytes),
                            config.workers, config.max_waiting, config.request_timeout};
    SLUICE_ASSIGN_OR_RETURN(http_,
                            HttpServer::Start(
                                std::move(socket.fd), limits,
                                [this](const Request& q, Response& r) { return Check(q, r); },
                                [this](const Request& q, Response& r) { Handle(q, r); }));
    return absl::OkStatus();
  }

  void Stop() override {
    std::lock_guard lock(stop_mutex_);
    links_.Stop();  // first: the watchers are handlers of http_
    console_.Stop();
    http_.reset();
  }

  uint16_t port() const override { return port_; }

 private:
  // True: refused, and answered.
  bool Check(const Request& request, Response& response) const {
    if (request.get_header_value_count("Host") != 1 ||
        !IsLoopbackHost(request.get_header_value("Host")))
      return Refuse(response, 421, "misdirected_request",
                    "the Host header names another host; ask for 127.0.0.1, localhost or [::1]");
    if (IsForConsole(request)) return RefuseBody(request, max_body_bytes_, response);
    absl::StatusOr<RouteMatch> match = FindRoute(request.method, request.target);
    const bool open = match.ok() && match->route != nullptr && match->route->open;
    if (!open && !token_.Allows(request.get_header_value("Authorization"))) {
      response.set_header("WWW-Authenticate", "Bearer realm=\"sluice\"");
      return Refuse(response, 401, "unauthenticated",
                    "send \"Authorization: Bearer TOKEN\" with the controller's admin token "
                    "(admin.token in its state directory)");
    }
    if (!match.ok()) return Refuse(response, match.status());
    if (match->route == nullptr) {
      response.set_header("Allow", match->allow);
      return Refuse(response, 405, "method_not_allowed", StrCat("here you can use ", match->allow));
    }
    return RefuseBody(request, std::max(max_body_bytes_, match->route->max_body), response);
  }

  static size_t LargestBody(size_t otherwise) {
    for (const Route& route : Routes()) otherwise = std::max(otherwise, route.max_body);
    return otherwise;
  }
  static std::string PathOf(const Request& request) {
    return request.target.substr(0, request.target.find('?'));
  }
  static bool IsForConsole(const Request& request) {
    return (request.method == "GET" || request.method == "HEAD") && IsConsolePath(PathOf(request));
  }

  void Handle(const Request& request, Response& response) {
    if (IsForConsole(request)) {
      ConsoleReply reply = ConsoleFile(PathOf(request), EmbeddedFiles());
      response.status = reply.status;
      for (const auto& [name, value] : reply.headers) response.set_header(name, value);
      response.set_content(reply.body, reply.type);
      return;
    }
    absl::StatusOr<RouteMatch> match = FindRoute(request.method, request.target);
    if (!match.ok() || match->route == nullptr) {  // Check() would have refused it
      Refuse(response, absl::InternalError("the request has no route"));
      return;
    }
    switch (match->route->operation) {
      case Operation::kStream:
        return Stream(links_.Watch(), response);
      case Operation::kConsoleStream:
        return Stream(console_.Watch(), response);
      case Operation::kGetLinkHistory:
        return Answer(LinkHistory(match->argument), response);
      case Operation::kGetNodeHistory:
        return Answer(NodeHistory(match->argument), response);
      default:
        return Answer(api_.Handle(*match, request.body), response);
    }
  }

  ApiReply LinkHistory(const std::string& link) const {
    const absl::StatusOr<LinkName> name = ParseLinkName(link);
    if (!name.ok()) return ErrorReply(WithField(name.status(), "link"));
    return ReplyOf(console_.HistoryOf(*name));
  }
  ApiReply NodeHistory(const std::string& node) const {
    const absl::Status checked = CheckName("name", node);
    if (!checked.ok()) return ErrorReply(WithField(checked, "name"));
    return ReplyOf(console_.HistoryOf(node));
  }
  static ApiReply ReplyOf(absl::StatusOr<std::string> body) {
    if (!body.ok()) return ErrorReply(body.status());
    return {200, *std::move(body)};
  }

  static void Answer(const ApiReply& reply, Response& response) {
    response.status = reply.status;
    response.set_content(reply.body, std::string(reply.type));
  }

  static void Stream(const std::shared_ptr<EventStream::Watcher>& watcher, Response& response) {
    if (watcher == nullptr) {
      response.set_header("Retry-After", "5");
      Refuse(response, 503, "unavailable", "too many streams are open; close one or try later");
      return;
    }
    response.set_chunked_content_provider("text/event-stream",
                                          [watcher](size_t, httplib::DataSink& sink) {
                                            std::optional<std::string> event = watcher->Next();
                                            if (event)
                                              return sink.write(event->data(), event->size());
                                            sink.done();
                                            return true;
                                          });
  }

  const size_t max_body_bytes_;
  const TokenCheck token_;
  const RestApi api_;
  ConsoleFeed console_;
  EventStream links_;
  uint16_t port_ = 0;
  std::mutex stop_mutex_;
  std::unique_ptr<HttpServer> http_;  // guarded by stop_mutex_ once it serves
};

}  // namespace

absl::StatusOr<std::unique_ptr<RestServer>> RestServer::Start(const RestConfig& config,
                                                              CoreRunner& core,
                                                              const Clock& clock) {
  SLUICE_RETURN_IF_ERROR(CheckConfig(config));
  absl::StatusOr<ListenSocket> socket =
      config.listen_fd >= 0 ? AdoptListening(config.listen_fd) : ListenOnLoopback(config.listen);
  SLUICE_RETURN_IF_ERROR(socket.status());
  SignalsBlocked signals_blocked;
  auto server = std::make_unique<RestServerImpl>(config, core, clock);
  SLUICE_RETURN_IF_ERROR(server->Serve(config, *std::move(socket)));
  return server;
}

}  // namespace sluice
