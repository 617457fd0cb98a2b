#include "cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/strings.h"
#include "commands.h"

namespace sluice::ctl {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome RunWith(std::vector<const char*> args) {
  args.insert(args.begin(), "sluicectl");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.code = Run(static_cast<int>(args.size()), args.data());
  outcome.out = testing::internal::GetCapturedStdout();
  outcome.err = testing::internal::GetCapturedStderr();
  return outcome;
}

// A controller that remembers what it was asked and answers as told.
class FakeController {
 public:
  FakeController() {
    auto answer = [this](const httplib::Request& request, httplib::Response& response) {
      std::lock_guard lock(mutex_);
      // The target is the path as it came, still percent-encoded.
      asked_ = StrCat(request.method, " ", request.target, " ", request.body);
      response.status = status_;
      response.set_content(body_, "application/json");
    };
    server_.Get(".*", answer);
    server_.Put(".*", answer);
    server_.Post(".*", answer);
    server_.Delete(".*", answer);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::yield();
  }
  ~FakeController() {
    server_.stop();
    thread_.join();
  }
  void Answer(int status, const std::string& body) {
    std::lock_guard lock(mutex_);
    status_ = status;
    body_ = body;
  }
  std::string asked() {
    std::lock_guard lock(mutex_);
    return asked_;
  }
  std::string api() const { return StrCat("http://127.0.0.1:", port_); }

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::mutex mutex_;
  int status_ = 200;
  std::string body_ = "{}";
  std::string asked_;
};

class CliTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sluice-cli-test-XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    dir_ = pattern;
    token_ = dir_ + "/token";
    std::ofstream(token_) << "secret\n";
    ASSERT_EQ(chmod(token_.c_str(), 0600), 0);
    ASSERT_EQ(setenv("SLUICE_API", controller_.api().c_str(), 1), 0);
    ASSERT_EQ(setenv("SLUICE_TOKEN_FILE", token_.c_str(), 1), 0);
  }
  void TearDown() override {
    unlink(token_.c_str());
    rmdir(dir_.c_str());
    unsetenv("SLUICE_API");
    unsetenv("SLUICE_TOKEN_FILE");
  }

  FakeController controller_;
  std::string dir_;
  std::string token_;
};

TEST_F(CliTest, SetsQuotasAsNumbersTheApiTakes) {
  Outcome done = RunWith({"quota", "set", "a1>b1", "--rate", "100Mbit", "--volume", "1GB", "--per",
                          "24h", "--lease", "1m", "--burst", "512KiB"});
  EXPECT_EQ(done.code, kExitOk) << done.err;
  EXPECT_EQ(done.out, "a1>b1 may carry 1GB per 24h at 100Mbit, in leases of 1m\n");
  EXPECT_EQ(controller_.asked(),
            R"(PUT /api/v1/quotas/a1%3Eb1 {"burst":524288,"lease":"1m","per":"24h",)"
            R"("rate":100000000,"volume":1000000000})");
}

TEST_F(CliTest, SetsQuotasOfScopes) {
  Outcome done = RunWith({"quota", "set", "enclosure:east", "--volume", "5GB", "--per", "24h"});
  EXPECT_EQ(done.code, kExitOk) << done.err;
  EXPECT_EQ(done.out,
            "enclosure:east may carry 5GB per 24h at any rate, in leases of at most 24h\n");
  EXPECT_THAT(controller_.asked(), HasSubstr("PUT /api/v1/quotas/enclosure:east {"));
}

TEST_F(CliTest, RefusesBadQuotasWithoutAsking) {
  const std::vector<std::pair<std::vector<const char*>, std::string>> kCases = {
      {{"a1>b1", "--rate", "100", "--volume", "1GB"}, "--rate: "},
      {{"a1>b1", "--rate", "1kbit", "--volume", "1GB"}, "--rate: 1kbit is too small"},
      {{"a1>b1", "--rate", "401Gbit", "--volume", "1GB"}, "--rate: "},
      {{"a1>b1", "--rate", "1Mbit", "--volume", "1Gbit"}, "--volume: "},
      {{"a1>b1", "--rate", "1Mbit", "--volume", "5EiB"}, "--volume: "},
      {{"a1>b1", "--rate", "1Mbit", "--volume", "0"}, "--volume: "},
      {{"a1>b1", "--rate", "1Mbit", "--volume", "1GB", "--per", "day"}, "--per: "},
      {{"a1>b1", "--rate", "1Mbit", "--volume", "1GB", "--per", "1ms"}, "--per: "},
      {{"a1>b1", "--rate", "1Mbit", "--volume", "1GB", "--lease", "25h"}, "--lease: "},
      {{"a1>b1", "--rate", "1Mbit", "--volume", "1GB", "--lease", "x"}, "--lease: "},
      {{"a1>b1", "--rate", "1Mbit", "--volume", "1GB", "--burst", "1B"}, "--burst: "},
      {{"a1>a1", "--rate", "1Mbit", "--volume", "1GB"}, "same node"},
      {{"a1>b1", "--rate", "1Mbit"}, "needs both --rate and --volume"},
      {{"fleet"}, "say --rate, --volume or both"},
      {{"node:A1", "--rate", "1Mbit"}, "not a name"},
      {{"a1", "--rate", "1Mbit", "--volume", "1GB"}, "in quotes"}};
  for (auto [args, problem] : kCases) {
    args.insert(args.begin(), {"quota", "set"});
    Outcome refused = RunWith(args);
    EXPECT_EQ(refused.code, kExitUsage) << problem;
    EXPECT_THAT(refused.err, HasSubstr(problem));
    EXPECT_THAT(refused.err, HasSubstr("sluicectl: "));
  }
  EXPECT_EQ(controller_.asked(), "");
}

TEST_F(CliTest, RefusesWrongUsage) {
  EXPECT_EQ(RunWith({}).code, kExitUsage);
  EXPECT_EQ(RunWith({"frobnicate"}).code, kExitUsage);
  EXPECT_EQ(RunWith({"quota"}).code, kExitUsage);
  EXPECT_EQ(RunWith({"quota", "set", "a1>b1"}).code, kExitUsage);
  EXPECT_EQ(RunWith({"link", "list", "-o", "xml"}).code, kExitUsage);
  EXPECT_EQ(RunWith({"node", "add", "a1", "--enclosure", "e", "--role", "king"}).code, kExitUsage);
  EXPECT_EQ(RunWith({"node", "add", "A1", "--enclosure", "e"}).code, kExitUsage);
  EXPECT_EQ(RunWith({"node", "add", "a1", "--enclosure", "e", "--prefix", "10.0.0.1/8"}).code,
            kExitUsage);
  EXPECT_EQ(controller_.asked(), "");
}

TEST_F(CliTest, HelpSaysUnitsAndDefaults) {
  Outcome help = RunWith({"quota", "set", "--help"});
  EXPECT_EQ(help.code, kExitOk);
  EXPECT_THAT(help.out, AllOf(HasSubstr("--rate"), HasSubstr("8kbit to 400Gbit"),
                              HasSubstr("lifetime"), HasSubstr("'a1>b1'")));
  EXPECT_EQ(RunWith({"--help"}).code, kExitOk);
  EXPECT_THAT(RunWith({"--version"}).out, HasSubstr("sluicectl 0."));
}

TEST_F(CliTest, PrintsATokenAloneAndTheCommandBesideIt) {
  controller_.Answer(200, R"({"node":{}, "token":"sluice1.x.y", "token_expires_in_s":3600})");
  Outcome added = RunWith({"node", "add", "a1", "--enclosure", "east", "--prefix", "10.1.0.0/24",
                           "--prefix", "fd00::1"});
  EXPECT_EQ(added.code, kExitOk);
  EXPECT_EQ(added.out, "sluice1.x.y\n");
  EXPECT_THAT(added.err, HasSubstr("sluice-agent join --token sluice1.x.y\n"));
  EXPECT_THAT(added.err, HasSubstr("within 1h00m"));
  EXPECT_EQ(controller_.asked(), R"(POST /api/v1/nodes {"enclosure":"east","name":"a1",)"
                                 R"("prefixes":["10.1.0.0/24","fd00::1/128"],"role":"node"})");
  controller_.Answer(200, "{}");
  EXPECT_EQ(RunWith({"node", "add", "a1", "--enclosure", "east"}).code, kExitFailed);
}

TEST_F(CliTest, AsksForWhatIsNamed) {
  const std::vector<std::pair<std::vector<const char*>, std::string>> kCases = {
      {{"node", "list"}, "GET /api/v1/nodes "},
      {{"node", "remove", "a1"}, "DELETE /api/v1/nodes/a1 "},
      {{"quota", "list"}, "GET /api/v1/quotas "},
      {{"quota", "delete", "a1>b1"}, "DELETE /api/v1/quotas/a1%3Eb1 "},
      {{"lease", "list"}, "GET /api/v1/leases "},
      {{"lease", "revoke", "a1>b1"}, "POST /api/v1/leases/a1%3Eb1/revoke {}"},
      {{"lease", "revoke", "a1>b1", "--reason", "test"},
       R"(POST /api/v1/leases/a1%3Eb1/revoke {"reason":"test"})"},
      {{"lease", "restore", "a1>b1"}, "POST /api/v1/leases/a1%3Eb1/restore {}"},
      {{"node", "revoke", "a1"}, "POST /api/v1/scopes/node:a1/revoke {}"},
      {{"node", "restore", "a1"}, "POST /api/v1/scopes/node:a1/restore {}"},
      {{"enclosure", "revoke", "east", "--reason", "test"},
       R"(POST /api/v1/scopes/enclosure:east/revoke {"reason":"test"})"},
      {{"enclosure", "restore", "east"}, "POST /api/v1/scopes/enclosure:east/restore {}"},
      {{"stop"}, "POST /api/v1/scopes/fleet/revoke {}"},
      {{"resume"}, "POST /api/v1/scopes/fleet/restore {}"},
      {{"revocation", "list"}, "GET /api/v1/revocations "},
      {{"link", "list"}, "GET /api/v1/links "},
      {{"link", "list", "--all"}, "GET /api/v1/links?all=1 "},
      {{"link", "show", "a1>b1"}, "GET /api/v1/links/a1%3Eb1 "},
      {{"status"}, "GET /api/v1/status "}};
  for (const auto& [args, asked] : kCases) {
    Outcome done = RunWith(args);
    EXPECT_EQ(done.code, kExitOk) << asked << done.err;
    EXPECT_EQ(controller_.asked(), asked);
    EXPECT_FALSE(done.out.empty()) << asked;
  }
}

TEST_F(CliTest, JsonIsTheApisJson) {
  controller_.Answer(200, R"({"links":[{"link":"a1>b1","new_field":1.5}]})");
  Outcome done = RunWith({"link", "list", "-o", "json"});
  EXPECT_EQ(done.code, kExitOk);
  EXPECT_EQ(Json::parse(done.out), Json::parse(R"({"links":[{"link":"a1>b1","new_field":1.5}]})"));
  EXPECT_EQ(RunWith({"-o", "json", "link", "list"}).out, done.out);
  EXPECT_EQ(RunWith({"top", "--once", "-o", "json"}).out, done.out);
}

TEST_F(CliTest, TopPrintsOneFrame) {
  controller_.Answer(200, R"({"links":[{"link":"a1>b1","state":"open"}]})");
  Outcome done = RunWith({"top", "--once"});
  EXPECT_EQ(done.code, kExitOk) << done.err;
  EXPECT_THAT(done.out, AllOf(HasSubstr("1 link, 1 open"), HasSubstr("a1>b1")));
  EXPECT_EQ(done.out.find('\x1b'), std::string::npos);
}

TEST_F(CliTest, LiveTopNeedsATerminal) {
  Outcome refused = RunWith({"top"});
  EXPECT_EQ(refused.code, kExitFailed);
  EXPECT_THAT(refused.err, HasSubstr("--once"));
}

TEST_F(CliTest, RefusalsOfTheControllerFail) {
  controller_.Answer(400, R"({"error":{"code":"x","message":"no node a9","field":"link"}})");
  Outcome refused = RunWith({"quota", "delete", "a9>b1"});
  EXPECT_EQ(refused.code, kExitFailed);
  EXPECT_EQ(refused.err, "sluicectl: link: no node a9\n");
  controller_.Answer(401, "{}");
  EXPECT_THAT(RunWith({"status"}).err, HasSubstr(token_));
}

TEST_F(CliTest, TellsAWrongAddressFromAWrongToken) {
  Outcome unreachable = RunWith({"--api", "http://127.0.0.1:1", "status"});
  EXPECT_EQ(unreachable.code, kExitFailed);
  EXPECT_THAT(unreachable.err, HasSubstr("is sluice-controller running there?"));
  EXPECT_EQ(RunWith({"--api", "nonsense", "status"}).code, kExitUsage);
  EXPECT_EQ(RunWith({"--token-file", "/nonexistent", "status"}).code, kExitUsage);
  ASSERT_EQ(chmod(token_.c_str(), 0644), 0);
  Outcome open = RunWith({"status"});
  EXPECT_EQ(open.code, kExitUsage);
  EXPECT_THAT(open.err, HasSubstr("chmod 600"));
  unsetenv("SLUICE_TOKEN_FILE");
  EXPECT_THAT(RunWith({"status"}).err, HasSubstr("SLUICE_TOKEN_FILE"));
}

}  // namespace
}  // namespace sluice::ctl
