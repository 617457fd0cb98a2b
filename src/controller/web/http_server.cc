#include "controller/web/http_server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "controller/web/connection.h"
#include "controller/web/json_codec.h"

namespace sluice {
namespace {

// Of every response that does not have its own.
constexpr std::pair<const char*, const char*> kHeaders[] = {
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"Referrer-Policy", "no-referrer"},
};

constexpr int kAcceptRetryMs = 50;

// A whole reply, for when httplib has not read the request.
std::string PlainReply(std::string_view status, std::string_view code, std::string_view message) {
  const std::string body = EncodeError(code, message);
  return StrCat("HTTP/1.1 ", status,
                "\r\nContent-Type: application/json\r\nContent-Length: ", body.size(),
                "\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n", body);
}

// What a request that httplib itself refused is told.
std::string_view WordsFor(int status) {
  switch (status) {
    case 400:
      return "this is no HTTP request that can be read";
    case 413:
      return "the body is too large";
    case 414:
      return "the path is too long";
    case 500:
      return "the server failed on this request";
    default:
      return "the request cannot be served";
  }
}

std::string_view CodeFor(int status) {
  if (status == 413 || status == 414) return "too_large";
  return status >= 500 ? "internal" : "invalid_argument";
}

// What httplib must not do with the request: answer in parts, compress, or wait for
// a body that was not announced.
void Prepare(httplib::Request& request) {
  request.path.assign(1, '/');
  request.ranges.clear();
  request.headers.erase("Accept-Encoding");
  if (request.method != "GET" && request.method != "HEAD" &&
      !request.has_header("Content-Length") && !request.has_header("Transfer-Encoding"))
    request.set_header("Content-Length", "0");
}

void RefuseBusy(int fd) {
  static const std::string kReply = PlainReply("503 Service Unavailable", "unavailable",
                                               "too many requests are waiting; try again later");
  send(fd, kReply.data(), kReply.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(FileDescriptor listening,
                                                              const HttpLimits& limits, Check check,
                                                              const Handler& handler) {
  FileDescriptor stop(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop.valid()) return ErrnoStatus(errno, "cannot make an eventfd for the operator API");
  std::unique_ptr<HttpServer> server(new HttpServer(std::move(listening), std::move(stop), limits));
  server->Configure(std::move(check), handler);
  server->StartThreads();
  return server;
}

HttpServer::HttpServer(FileDescriptor listening, FileDescriptor stop, const HttpLimits& limits)
    : listening_(std::move(listening)),
      stop_(std::move(stop)),
      limits_(limits),
      waiting_(limits.max_waiting) {}

HttpServer::~HttpServer() { Stop(); }

void HttpServer::Configure(Check check, const Handler& handler) {
  svr_sock_ = listening_.get();  // tells httplib that the server is not shutting down
  set_payload_max_length(limits_.max_body_bytes);
  // Not httplib's default headers, which are sent beside those of the response.
  set_post_routing_handler([](const httplib::Request&, httplib::Response& response) {
    for (const auto& [name, value] : kHeaders)
      if (!response.has_header(name)) response.set_header(name, value);
  });
  set_pre_routing_handler([check = std::move(check)](const auto& request, auto& response) {
    return check(request, response) ? HandlerResponse::Handled : HandlerResponse::Unhandled;
  });
  // Routing is not httplib's: its regular expressions recurse once per character.
  Get("/", handler);
  Post("/", handler);
  Put("/", handler);
  Delete("/", handler);
  set_error_handler([](const httplib::Request&, httplib::Response& response) {
    if (response.body.empty())
      response.set_content(EncodeError(CodeFor(response.status), WordsFor(response.status)),
                           "application/json");
  });
  set_exception_handler([](const auto&, httplib::Response& response, const std::exception_ptr&) {
    response.status = 500;
  });
}

void HttpServer::StartThreads() {
  threads_.emplace_back([this] { AcceptLoop(); });
  for (size_t i = 0; i < limits_.workers; ++i) threads_.emplace_back([this] { WorkLoop(); });
}

void HttpServer::Stop() {
  svr_sock_ = INVALID_SOCKET;
  eventfd_write(stop_.get(), 1);
  waiting_.Close();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void HttpServer::AcceptLoop() {
  std::array<pollfd, 2> wait = {{{listening_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
  while (true) {
    if (poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) return;
    if (wait[1].revents != 0) return;
    if (wait[0].revents != 0) Accept();
  }
}

void HttpServer::Accept() {
  FileDescriptor fd(accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd.valid()) {
    // Most likely out of descriptors or memory: others must give some back first.
    pollfd stop{stop_.get(), POLLIN, 0};
    if (errno != EAGAIN && errno != EINTR) poll(&stop, 1, kAcceptRetryMs);
    return;
  }
  if (waiting_.size() >= limits_.max_waiting) {
    RefuseBusy(fd.get());
    return;
  }
  // Nobody else pushes, so there is room unless the server is stopping.
  if (!waiting_.Push(std::move(fd))) return;
}

void HttpServer::WorkLoop() {
  while (!waiting_.closed()) {
    std::optional<FileDescriptor> fd = waiting_.PopFor(absl::InfiniteDuration());
    if (fd && !waiting_.closed()) Serve(std::move(*fd));
  }
}

void HttpServer::Serve(FileDescriptor fd) {
  Connection connection(std::move(fd), stop_.get(), limits_.request_timeout);
  switch (connection.ReadHead(limits_.max_head_bytes)) {
    case Connection::Head::kGone:
      return;
    case Connection::Head::kTooLarge:
      connection.WriteAll(PlainReply("431 Request Header Fields Too Large", "too_large",
                                     "the request's headers are too large"));
      break;
    case Connection::Head::kComplete:
      bool closed = false;
      process_request(connection, /*close_connection=*/true, closed, Prepare);
      break;
  }
  connection.Finish();
}

}  // namespace sluice
