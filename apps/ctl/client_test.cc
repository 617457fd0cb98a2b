#include "client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <atomic>
#include <string>
#include <thread>

#include "base/strings.h"

namespace sluice::ctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A server of its own port, for as long as it lives.
class TestServer {
 public:
  TestServer() {
    server_.Get("/ok", [](const httplib::Request& request, httplib::Response& response) {
      response.set_content(Json{{"auth", request.get_header_value("Authorization")}}.dump(),
                           "application/json");
    });
    server_.Put(
        R"(/api/v1/quotas/(.*))", [](const httplib::Request& request, httplib::Response& response) {
          response.set_content(
              Json{{"link", request.matches[1].str()}, {"body", Json::parse(request.body)}}.dump(),
              "application/json");
        });
    server_.Get("/silent", [this](const httplib::Request&, httplib::Response&) {
      while (!ending_) std::this_thread::yield();
    });
    server_.Get("/away", [](const httplib::Request&, httplib::Response& response) {
      response.set_redirect("/ok");
    });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~TestServer() {
    ending_ = true;
    server_.stop();
    thread_.join();
  }
  std::string api() const { return StrCat("http://127.0.0.1:", port_); }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

std::unique_ptr<ApiClient> Connect(const std::string& api) {
  absl::StatusOr<std::unique_ptr<ApiClient>> client = ApiClient::Create(
      {.api = api, .token = "secret", .token_file = "/t", .timeout = absl::Milliseconds(300)});
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

std::string MessageOf(const absl::Status& status) { return std::string(status.message()); }

TEST(ClientTest, SendsTheTokenAndReadsJson) {
  TestServer server;
  absl::StatusOr<Json> answer = Connect(server.api() + "/")->Get("/ok");
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(Text(*answer, "auth"), "Bearer secret");
}

TEST(ClientTest, LinksArriveDecoded) {
  TestServer server;
  absl::StatusOr<Json> answer =
      Connect(server.api())->Put("/api/v1/quotas/" + LinkInPath({"a1", "b1"}), {{"rate", 5}});
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(Text(*answer, "link"), "a1>b1");
  EXPECT_EQ(Count(Member(*answer, "body"), "rate"), 5u);
}

TEST(ClientTest, SaysWhenNobodyListens) {
  // Port 1 of the loopback: nothing listens there.
  absl::StatusOr<Json> answer = Connect("http://127.0.0.1:1")->Get("/ok");
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(MessageOf(answer.status()),
              HasSubstr("is sluice-controller running there? (--api or SLUICE_API"));
  EXPECT_THAT(MessageOf(answer.status()), HasSubstr("http://127.0.0.1:1"));
}

TEST(ClientTest, SaysWhenNoAnswerComes) {
  TestServer server;
  absl::StatusOr<Json> answer = Connect(server.api())->Get("/silent");
  EXPECT_EQ(answer.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(MessageOf(answer.status()), HasSubstr("no answer from"));
}

TEST(ClientTest, DoesNotFollowRedirections) {
  TestServer server;
  EXPECT_FALSE(Connect(server.api())->Get("/away").ok());
}

TEST(ClientTest, RefusesAddressesThatAreNone) {
  for (const char* api : {"", "127.0.0.1:8080", "ftp://x", "http://", "http://a/b", "http://u@h",
                          "http://h?x", "http://h h", "http://h:99999999", "http://h:x"}) {
    auto client = ApiClient::Create({.api = api, .token = "t", .token_file = "/t"});
    ASSERT_FALSE(client.ok()) << api;
    EXPECT_THAT(MessageOf(client.status()), HasSubstr("http://127.0.0.1:8080")) << api;
  }
}

absl::Status Judge(int http_status, const std::string& body) {
  return JudgeAnswer({.api = "http://h", .token = "t", .token_file = "/etc/token"}, http_status,
                     body)
      .status();
}

TEST(JudgeAnswerTest, TakesJsonAndEmptyAnswers) {
  EXPECT_TRUE(Judge(200, "{}").ok());
  EXPECT_TRUE(Judge(204, "").ok());
  EXPECT_EQ(Judge(200, "<html>").code(), absl::StatusCode::kInternal);
  EXPECT_EQ(Judge(200, "{\"x\": \"\xff\"}").code(), absl::StatusCode::kInternal);
}

TEST(JudgeAnswerTest, SaysWhichTokenFileIsWrong) {
  absl::Status status = Judge(401, "{}");
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_THAT(MessageOf(status), AllOf(HasSubstr("/etc/token"), HasSubstr("admin.token")));
}

TEST(JudgeAnswerTest, GivesTheApisMessageWithItsField) {
  absl::Status status = Judge(
      400, R"({"error": {"code": "invalid_argument", "message": "too large", "field": "rate"}})");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MessageOf(status), "rate: too large");
  EXPECT_EQ(MessageOf(Judge(400, R"({"error": {"message": "rate: bad", "field": "rate"}})")),
            "rate: bad");
  EXPECT_EQ(MessageOf(Judge(404, R"({"error": {"message": "no link \u001b[1ma1>zz"}})")),
            "no link ?[1ma1>zz");
}

TEST(JudgeAnswerTest, SaysSoWhenThereIsNoMessage) {
  for (const char* body : {"", "<html>", "{}", R"({"error": 5})", R"({"error": {"message": 5}})"})
    EXPECT_THAT(MessageOf(Judge(502, body)), HasSubstr("HTTP status 502")) << body;
}

}  // namespace
}  // namespace sluice::ctl
