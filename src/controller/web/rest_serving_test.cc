// Streams, slow clients, many of them, and the end of the server.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "controller/web/rest_server_test_fixture.h"

namespace sluice {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using RestServingTest = RestServerTest;

TEST_F(RestServingTest, StreamsTheLinks) {
  FileDescriptor fd = Connect();
  Send(fd, StreamRequest());
  std::string text = Receive(fd, "]}\n\n");
  EXPECT_THAT(text, HasSubstr("Content-Type: text/event-stream"));
  const size_t start = text.find("event: links\ndata: ");
  ASSERT_NE(start, std::string::npos) << text;
  const size_t data = start + std::string("event: links\ndata: ").size();
  const json event = json::parse(text.substr(data, text.find("\n\n", data) - data), nullptr, false);
  EXPECT_EQ(event, Ask("GET", "/api/v1/links").body);
  runner_.With([](auto& r) { r.core.links.clear(); });
  EXPECT_THAT(Receive(fd, "\"links\":[]"), HasSubstr("data: {\"links\":[]}"));
}

TEST_F(RestServingTest, BoundsTheStreams) {
  FileDescriptor one = Connect();
  FileDescriptor two = Connect();
  for (FileDescriptor* fd : {&one, &two}) {
    Send(*fd, StreamRequest());
    EXPECT_THAT(Receive(*fd, "\n\n"), HasSubstr(" 200 "));
  }
  EXPECT_EQ(Ask("GET", "/api/v1/stream").status, 503);
  EXPECT_EQ(Ask("GET", "/api/v1/links").status, 200);
  one = FileDescriptor();  // the server notices at one of its next events
  std::string reply;
  for (int i = 0; i < 100 && reply.find(" 200 ") == std::string::npos; ++i) {
    FileDescriptor again = Connect();
    Send(again, StreamRequest());
    reply = Receive(again, "}");
    absl::SleepFor(absl::Milliseconds(10));
  }
  EXPECT_THAT(reply, HasSubstr(" 200 "));
}

TEST_F(RestServingTest, StopsWhateverClientsDo) {
  FileDescriptor stream = Connect();
  Send(stream, StreamRequest());
  Receive(stream, "\n\n");
  FileDescriptor silent = Connect();
  FileDescriptor half = Connect();
  Send(half, "PUT /api/v1/quotas/a1%3Eb1 HTTP/1.1\r\nHost: localhost\r\n");
  FileDescriptor no_body = Connect();
  Send(no_body, std::string("PUT /api/v1/quotas/a1%3Eb1 HTTP/1.1\r\nHost: localhost\r\n"
                            "Content-Type: application/json\r\nContent-Length: 9\r\n"
                            "Authorization: Bearer ") +
                    kToken + "\r\n\r\n{");
  server_->Stop();  // or the test hangs
  server_->Stop();
  EXPECT_EQ(Ask("GET", "/healthz").status, 0);
}

TEST_F(RestServingTest, StopsWithAStreamThatNobodyReads) {
  runner_.With([](auto& r) {
    for (int i = 0; i < 5'000; ++i) r.core.links.push_back(r.core.links[0]);
  });
  FileDescriptor fd = Connect();
  Send(fd, StreamRequest());
  Receive(fd, "event: links");  // and then no more: its buffers fill up
  EXPECT_EQ(Ask("GET", "/healthz").status, 200);
  server_->Stop();  // or the test hangs
  EXPECT_EQ(Ask("GET", "/healthz").status, 0);
}

TEST_F(RestServingTest, ASlowRequestIsCutOff) {
  config_.request_timeout = absl::Milliseconds(100);
  Start();
  FileDescriptor fd = Connect();
  Send(fd, "GET /healthz HTTP/1.1\r\n");
  const BootTime before = clock_.Now();
  EXPECT_EQ(Receive(fd), "");
  EXPECT_GE(clock_.Now() - before, absl::Milliseconds(50));
  EXPECT_EQ(Ask("GET", "/healthz").status, 200);
}

TEST_F(RestServingTest, RefusesWhatItCannotServeSoon) {
  config_.workers = 1;
  config_.max_streams = 0;
  config_.max_waiting = 1;
  Start();
  std::vector<FileDescriptor> idle;
  std::string reply;
  for (int i = 0; i < 50 && reply.empty(); ++i) {  // one served, one waiting, the next refused
    idle.push_back(Connect());
    const timeval soon{0, 50'000};
    setsockopt(idle.back().get(), SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
    reply = Receive(idle.back());
  }
  EXPECT_THAT(reply, HasSubstr("503 Service Unavailable"));
}

TEST_F(RestServingTest, ServesManyAtOnce) {
  std::vector<std::thread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < 25; ++n)
        if (Ask("PUT", "/api/v1/quotas/a1%3Eb1", kQuotaBody).status == 200) ++good;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
  EXPECT_EQ(runner_.core.called.size(), 200u);
}

TEST_F(RestServingTest, ServesAnInheritedSocketAndLeavesItListening) {
  FileDescriptor inherited(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(bind(inherited.get(), reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
  config_.listen_fd = inherited.get();
  EXPECT_EQ(RestServer::Start(config_, runner_, clock_).status().code(),
            absl::StatusCode::kInvalidArgument);  // it does not listen
  ASSERT_EQ(listen(inherited.get(), 8), 0);
  for (int i = 0; i < 2; ++i) {  // the second time as after a restart
    Start();
    EXPECT_EQ(Ask("GET", "/healthz").status, 200);
    server_->Stop();
  }
}

TEST_F(RestServingTest, RefusesWhereItCannotListen) {
  RestConfig config = config_;
  config.listen = "127.0.0.1:" + std::to_string(server_->port());
  absl::Status used = RestServer::Start(config, runner_, clock_).status();
  EXPECT_EQ(used.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(used.message()), HasSubstr(std::to_string(server_->port())));
  for (const char* listen : {"0.0.0.0:8080", "[::]:0", "192.0.2.1:0", "example.com:80", "8080", "",
                             "127.0.0.1", "127.0.0.1:65536", "127.0.0.1:-1", "[fe80::1]:0"}) {
    config.listen = listen;
    EXPECT_EQ(RestServer::Start(config, runner_, clock_).status().code(),
              absl::StatusCode::kInvalidArgument)
        << listen;
  }
  config.listen = "[::1]:0";
  EXPECT_TRUE(RestServer::Start(config, runner_, clock_).ok());
  config.admin_token = "short";
  EXPECT_EQ(RestServer::Start(config, runner_, clock_).status().code(),
            absl::StatusCode::kInvalidArgument);
  FileDescriptor open_to_all(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(listen(open_to_all.get(), 1), 0);
  config = config_;
  config.listen_fd = open_to_all.get();
  EXPECT_EQ(RestServer::Start(config, runner_, clock_).status().code(),
            absl::StatusCode::kInvalidArgument);
  config.listen_fd = 9'999;
  EXPECT_FALSE(RestServer::Start(config, runner_, clock_).ok());
}

}  // namespace
}  // namespace sluice
