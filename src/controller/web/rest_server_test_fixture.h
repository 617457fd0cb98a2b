// A server in front of a core that a test has in hand, and clients of it.
#ifndef SLUICE_CONTROLLER_WEB_REST_SERVER_TEST_FIXTURE_H_
#define SLUICE_CONTROLLER_WEB_REST_SERVER_TEST_FIXTURE_H_

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/system_clock.h"
#include "controller/web/core_fake.h"
#include "controller/web/file_descriptor.h"
#include "controller/web/rest_server.h"

namespace sluice {

inline constexpr char kQuotaBody[] = R"({"rate":"100Mbit","volume":"1GB"})";
inline constexpr char kToken[] = "0123456789abcdef0123456789abcdef";

struct Answer {
  int status = 0;
  httplib::Headers headers;
  nlohmann::json body;
};

class RestServerTest : public testing::Test {
 protected:
  void SetUp() override {
    runner_.core.links = SampleLinks();
    config_.listen = "127.0.0.1:0";
    config_.admin_token = kToken;
    config_.fleet = "lab";
    config_.version = "1.2.3";
    config_.stream_interval = absl::Milliseconds(20);
    config_.max_streams = 2;
    config_.workers = 6;
    Start();
  }
  void Start() {
    server_.reset();
    auto server = RestServer::Start(config_, runner_, clock_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  Answer Ask(const std::string& method, const std::string& target, const std::string& body = "",
             httplib::Headers headers = {}) {
    httplib::Client client("127.0.0.1", server_->port());
    client.set_read_timeout(5);
    httplib::Request request;
    request.method = method;
    request.path = target;
    request.headers = std::move(headers);
    if (!request.has_header("Authorization"))
      request.headers.emplace("Authorization", std::string("Bearer ") + kToken);
    if (!body.empty()) {
      request.body = body;
      if (!request.has_header("Content-Type"))
        request.headers.emplace("Content-Type", "application/json");
    }
    httplib::Result result = client.send(request);
    if (!result) return {};
    return {result->status, result->headers, nlohmann::json::parse(result->body, nullptr, false)};
  }

  // A connected socket.
  FileDescriptor Connect() const {
    FileDescriptor fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server_->port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(fd.get(), reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
    const timeval timeout{5, 0};
    setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    return fd;
  }
  static void Send(const FileDescriptor& fd, const std::string& text) {
    send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }
  // What comes until `until` is in it, or the end.
  static std::string Receive(const FileDescriptor& fd, const std::string& until = "") {
    std::string out;
    char buffer[4'096];
    while (until.empty() || out.find(until) == std::string::npos) {
      const ssize_t got = recv(fd.get(), buffer, sizeof(buffer), 0);
      if (got <= 0) break;
      out.append(buffer, static_cast<size_t>(got));
    }
    return out;
  }
  std::string Raw(const std::string& text) const {
    FileDescriptor fd = Connect();
    Send(fd, text);
    return Receive(fd);
  }
  static std::string StreamRequest() {
    return std::string("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ") +
           kToken + "\r\n\r\n";
  }

  SystemClock clock_;
  CoreRunnerFake runner_;
  RestConfig config_;
  std::unique_ptr<RestServer> server_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_REST_SERVER_TEST_FIXTURE_H_
