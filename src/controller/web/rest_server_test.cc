#include <string>
#include <vector>

#include "controller/web/openapi.h"
#include "controller/web/rest_server_test_fixture.h"
#include "controller/web/routes.h"

namespace sluice {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(RestServerTest, EveryRouteAnswersAndNeedsTheTokenUnlessOpen) {
  for (const Route& route : Routes()) {
    std::string path(route.path);
    for (const auto& [hole, value] : {std::pair<std::string, std::string>{"{link}", "a1%3Eb1"},
                                      {"{scope}", "enclosure:east"},
                                      {"{version}", "2"},
                                      {"{port}", "a1:fab0"},
                                      {"{name}", "a1"}})
      if (size_t at = path.find(hole); at != std::string::npos)
        path.replace(at, hole.size(), value);
    std::string body = route.operation == Operation::kSetQuota ? kQuotaBody : "";
    if (route.operation == Operation::kAddNode) body = R"({"name":"a1","enclosure":"east"})";
    if (route.operation == Operation::kSetPlan) body = R"({"plan":"graph f {}"})";
    if (route.operation == Operation::kSetWiringPolicy) body = R"({"policy":"alert"})";
    const Answer without = Ask(std::string(route.method), path, body, {{"Authorization", "x"}});
    EXPECT_EQ(without.status, route.open ? 200 : 401) << route.method << " " << path;
    if (route.operation == Operation::kStream || route.operation == Operation::kConsoleStream)
      continue;  // never ends
    Answer with = Ask(std::string(route.method), path, body);
    // There is no history before the first reading.
    for (int i = 0; i < 100 && with.status == 404; ++i) {
      absl::SleepFor(absl::Milliseconds(20));
      with = Ask(std::string(route.method), path, body);
    }
    EXPECT_EQ(with.status, route.operation == Operation::kAddNode ? 201 : 200)
        << route.method << " " << path << " " << with.body;
    EXPECT_EQ(with.body.is_object(), route.operation != Operation::kMetrics) << path;
  }
}

TEST_F(RestServerTest, RepliesMatchTheirOperation) {
  EXPECT_EQ(Ask("GET", "/api/openapi.json").body, json::parse(kOpenApi));
  EXPECT_EQ(Ask("GET", "/api/v1/links").body["links"].size(), 1u);
  EXPECT_EQ(Ask("GET", "/api/v1/links?all=1").body["links"].size(), 2u);
  EXPECT_EQ(Ask("GET", "/api/v1/links/b1%3Ea1").body["link"]["state"], "no_quota");
  EXPECT_EQ(Ask("GET", "/api/v1/links/a1%3Eb9").status, 404);
  EXPECT_EQ(Ask("GET", "/api/v1/links/a1%3Eb9/history").status, 404);
  EXPECT_EQ(Ask("GET", "/api/v1/nodes/b9/history").status, 404);
  EXPECT_EQ(Ask("GET", "/api/v1/nodes/B%209/history").body["error"]["field"], "name");
  const json status = Ask("GET", "/api/v1/status").body;
  EXPECT_EQ(status["fleet"], "lab");
  EXPECT_EQ(status["store"]["ok"], false);
  EXPECT_EQ(status["store"]["message"], "locked");
  EXPECT_EQ(status["version"], "1.2.3");
  EXPECT_EQ(status["links"]["open"], 1);
  const Answer quota = Ask("PUT", "/api/v1/quotas/a1%3Eb1", kQuotaBody);
  EXPECT_EQ(quota.body["quota"]["version"], 7);
  EXPECT_EQ(quota.body["quota"]["rate_bps"], 100'000'000);
  const Answer node = Ask("POST", "/api/v1/nodes",
                          R"({"name":"gw","enclosure":"x","role":"gateway","prefixes":["::/0"]})");
  EXPECT_EQ(node.body["node"]["name"], "gw");
  EXPECT_EQ(node.body["token"], "sluice1.token");
  EXPECT_EQ(node.body["token_expires_in_s"], 3600.0);
  EXPECT_EQ(Ask("GET", "/api/v1/nodes").body["nodes"].size(), 1u);
  EXPECT_EQ(Ask("DELETE", "/api/v1/nodes/gw").body["removed"], "gw");
  EXPECT_EQ(Ask("DELETE", "/api/v1/quotas/a1%3Eb1").body["deleted"], "a1>b1");
  Ask("POST", "/api/v1/leases/a1%3Eb1/revoke", R"({"reason":"drill"})");
  Ask("POST", "/api/v1/leases/a1%3Eb1/restore");
  EXPECT_EQ(Ask("POST", "/api/v1/scopes/fleet/revoke").body["revocation"], 5);
  EXPECT_EQ(Ask("POST", "/api/v1/scopes/enclosure:east/restore").body["restored"],
            "enclosure:east");
  EXPECT_THAT(runner_.core.called,
              ElementsAre("set a1>b1 100000000 0 1000000000", "add gw x gateway ::/0", "remove gw",
                          "delete a1>b1", "revoke a1>b1 drill", "restore a1>b1", "revoke fleet ",
                          "restore enclosure:east"));
}

TEST_F(RestServerTest, ThePlanAndTheWires) {
  TopologyView& topology = runner_.core.topology;
  topology.plan_version = 3;
  topology.nodes = {{"a1", PlanNode::Role::kNode, "east"}, {"leaf", PlanNode::Role::kSwitch}};
  WireView& wire = topology.wires.emplace_back();
  wire.cable.a = {"a1", "fab0"};
  wire.cable.b = {"leaf", "p1"};
  wire.verdict = WireVerdict::kTooFar;
  wire.rtt = absl::Microseconds(20);
  topology.findings = {{"too-far", "look", {"a1:fab0 -- leaf:p1"}, {"a1:fab0"}, {}, true}};
  topology.policies = {{Scope::Fleet(), WiringPolicy::kEnforce}};
  const json all = Ask("GET", "/api/v1/topology").body;
  EXPECT_EQ(all["wires"][0]["verdict"], "too-far");
  EXPECT_EQ(all["wires"][0]["rtt_s"], 0.00002);
  EXPECT_EQ(all["wires"][0]["max_rtt_s"], nullptr);
  EXPECT_EQ(all["wires_by_verdict"]["too-far"], 1);
  EXPECT_EQ(all["nodes"][1]["enclosure"], nullptr);
  const json findings = Ask("GET", "/api/v1/topology?findings=1").body;
  EXPECT_FALSE(findings.contains("wires"));
  EXPECT_EQ(findings["findings"][0]["closes"], true);
  EXPECT_EQ(Ask("PUT", "/api/v1/plan", R"({"plan":"graph f {}"})").body["version"], 3);
  runner_.core.plan_preview.closes = {"a1>b1: why"};
  EXPECT_EQ(Ask("PUT", "/api/v1/plan?dry_run=1", R"({"plan":"graph g {}"})").body["closes"][0],
            "a1>b1: why");
  EXPECT_EQ(Ask("PUT", "/api/v1/plan", R"({"plan":""})").body["error"]["field"], "plan");
  // Plans may be longer than all else.
  const std::string large(100'000, ' ');
  EXPECT_EQ(Ask("PUT", "/api/v1/plan", R"({"plan":"x)" + large + "\"}").status, 200);
  EXPECT_EQ(Ask("PUT", "/api/v1/quotas/a1%3Eb1", large).status, 413);
  EXPECT_EQ(Ask("GET", "/api/v1/plans/2").body["plan"], "graph f {}");
  EXPECT_EQ(Ask("GET", "/api/v1/plans/9").status, 404);
  EXPECT_EQ(Ask("GET", "/api/v1/plans/x").body["error"]["field"], "version");
  EXPECT_EQ(Ask("POST", "/api/v1/topology/ports/a1:fab0/measure").body["speed_bps"], 1000);
  EXPECT_EQ(Ask("POST", "/api/v1/topology/ports/a1/measure").body["error"]["field"], "port");
  EXPECT_EQ(Ask("DELETE", "/api/v1/plan").body["removed"], "plan");
  EXPECT_EQ(Ask("PUT", "/api/v1/wiring/node:a1", R"({"policy":"never"})").body["error"]["field"],
            "policy");
  EXPECT_EQ(Ask("PUT", "/api/v1/wiring/node:a1", R"({"policy":"alert"})").body["alerts"],
            "node:a1");
  EXPECT_EQ(Ask("DELETE", "/api/v1/wiring/node:a1").body["unset"], "node:a1");
  EXPECT_THAT(runner_.core.called,
              testing::IsSupersetOf({"plan graph f {}", "plan ", "preview plan graph g {}",
                                     "policy node:a1 alert", "policy node:a1 none"}));
}

TEST_F(RestServerTest, WithoutTokenItSaysWhatToSend) {
  const Answer answer = Ask("GET", "/api/v1/links", "", {{"Authorization", "Bearer wrong"}});
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body["error"]["code"], "unauthenticated");
  EXPECT_EQ(answer.headers.find("WWW-Authenticate")->second, "Bearer realm=\"sluice\"");
  EXPECT_EQ(Ask("GET", "/api/nothing", "", {{"Authorization", "Bearer wrong"}}).status, 401);
  EXPECT_EQ(Ask("PUT", "/api/v1/quotas/a1%3Eb1", kQuotaBody, {{"Authorization", ""}}).status, 401);
  EXPECT_TRUE(runner_.core.called.empty());
}

TEST_F(RestServerTest, ThePageNeedsNoTokenAndHasAPolicyOfItsOwn) {
  for (const char* path : {"/", "/links/a1%3Eb1"}) {
    const Answer answer = Ask("GET", path, "", {{"Authorization", "x"}});
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.headers.find("Content-Type")->second, "text/html; charset=utf-8");
    EXPECT_EQ(answer.headers.count("Content-Security-Policy"), 1U);
    EXPECT_THAT(answer.headers.find("Content-Security-Policy")->second, HasSubstr("'nonce-"));
    EXPECT_EQ(answer.headers.find("Cache-Control")->second, "no-store");
    EXPECT_EQ(answer.headers.find("X-Content-Type-Options")->second, "nosniff");
  }
  EXPECT_EQ(Ask("POST", "/").status, 404);
  EXPECT_EQ(Ask("GET", "/assets/none.js").status, 404);
  EXPECT_EQ(Ask("GET", "/", "", {{"Host", "example.com"}}).status, 421);
}

TEST_F(RestServerTest, ADryRunOnlyAsks) {
  EXPECT_EQ(Ask("PUT", "/api/v1/quotas/a1%3Eb1?dry_run=1", kQuotaBody).body["scope"], "a1>b1");
  EXPECT_EQ(Ask("DELETE", "/api/v1/quotas/fleet?dry_run=true").status, 200);
  EXPECT_EQ(Ask("POST", "/api/v1/scopes/node:a1/revoke?dry_run=1").status, 200);
  EXPECT_EQ(Ask("PUT", "/api/v1/quotas/a1%3Eb1?dry_run=yes", kQuotaBody).status, 400);
  EXPECT_THAT(runner_.core.called, ElementsAre("preview a1>b1 100000000", "preview delete fleet",
                                               "preview revoke node:a1"));
}

TEST_F(RestServerTest, EventsAreAskedForAsTheQuerySays) {
  EXPECT_EQ(Ask("GET", "/api/v1/events?limit=3&kind=silent&subject=a1%3Eb1").status, 200);
  EXPECT_EQ(runner_.core.asked.limit, 3U);
  EXPECT_EQ(runner_.core.asked.scope, Scope::Link({"a1", "b1"}));
  EXPECT_EQ(Ask("GET", "/api/v1/events?limit=none").body["error"]["field"], "limit");
}

TEST_F(RestServerTest, TheConsoleStreamBeginsWithTheFleet) {
  FileDescriptor fd = Connect();
  Send(fd, std::string("GET /api/v1/console/stream HTTP/1.1\r\nHost: localhost\r\n"
                       "Authorization: Bearer ") +
               kToken + "\r\n\r\n");
  const std::string first = Receive(fd, "event: figures");
  EXPECT_THAT(first, HasSubstr("text/event-stream"));
  EXPECT_THAT(first, HasSubstr("event: fleet\ndata: {\"version\":1,\"fleet\":\"lab\""));
}

TEST_F(RestServerTest, SendsSecurityHeadersAlways) {
  for (const char* path : {"/healthz", "/api/nothing", "/api/v1/links"}) {
    const Answer answer = Ask("GET", path);
    EXPECT_EQ(answer.headers.find("Cache-Control")->second, "no-store");
    EXPECT_EQ(answer.headers.find("X-Content-Type-Options")->second, "nosniff");
    EXPECT_THAT(answer.headers.find("Content-Security-Policy")->second,
                HasSubstr("default-src 'none'"));
    EXPECT_EQ(answer.headers.find("Content-Type")->second, "application/json");
  }
}

TEST_F(RestServerTest, RefusesOtherHosts) {
  for (const char* host : {"evil.example", "evil.example:8080", "10.0.0.1", ""})
    EXPECT_EQ(Ask("GET", "/healthz", "", {{"Host", host}}).status, 421) << host;
  EXPECT_THAT(Raw("GET /healthz HTTP/1.1\r\n\r\n"), HasSubstr(" 421 "));
  EXPECT_THAT(Raw("GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n"),
              HasSubstr(" 421 "));
  EXPECT_EQ(Ask("GET", "/healthz", "", {{"Host", "[::1]:1"}}).status, 200);
}

struct BadRequest {
  const char* method;
  const char* target;
  const char* body;
  int status;
  const char* code;
  const char* field;
};

TEST_F(RestServerTest, RefusesBadInput) {
  const std::vector<BadRequest> cases = {
      {"GET", "/api", "", 404, "not_found", ""},
      {"GET", "/api/v1/links/a1", "", 400, "invalid_argument", "link"},
      {"GET", "/api/v1/links/a1%3Ea1", "", 400, "invalid_argument", "link"},
      {"GET", "/api/v1/links/%00%3Eb1", "", 400, "invalid_argument", "link"},
      {"GET", "/api/v1/links/a1%3", "", 400, "invalid_argument", ""},
      {"GET", "/api/v1/links?x=1", "", 400, "invalid_argument", "x"},
      {"PUT", "/api/v1/links", "{}", 405, "method_not_allowed", ""},
      {"PATCH", "/api/v1/nodes", "{}", 405, "method_not_allowed", ""},
      {"BREW", "/api/v1/nodes", "", 400, "invalid_argument", ""},
      {"DELETE", "/api/v1/nodes/A1", "", 400, "invalid_argument", "name"},
      {"POST", "/api/v1/nodes", "", 400, "invalid_argument", ""},
      {"POST", "/api/v1/nodes", "{}", 400, "invalid_argument", "name"},
      {"PUT", "/api/v1/quotas/a1%3Eb1", "", 400, "invalid_argument", ""},
      {"PUT", "/api/v1/quotas/a1%3Eb1", "garbage", 400, "invalid_argument", ""},
      {"PUT", "/api/v1/quotas/a1%3Eb1", R"({"rate":"1bit","volume":1})", 400, "invalid_argument",
       "rate"},
      {"PUT", "/api/v1/quotas/a1%3Eb1", R"({"rate":"1Mbit","volume":-1})", 400, "invalid_argument",
       "volume"},
      {"PUT", "/api/v1/quotas/a1b1", kQuotaBody, 400, "invalid_argument", "link"},
      {"POST", "/api/v1/leases/a1%3Eb1/revoke", R"({"why":1})", 400, "invalid_argument", "why"},
      {"POST", "/api/v1/leases/a1%3Eb1/restore", R"({"x":1})", 400, "invalid_argument", "x"},
  };
  for (const BadRequest& bad : cases) {
    const Answer answer = Ask(bad.method, bad.target, bad.body);
    EXPECT_EQ(answer.status, bad.status) << bad.method << " " << bad.target << " " << bad.body;
    ASSERT_TRUE(answer.body.contains("error")) << bad.method << " " << bad.target;
    EXPECT_EQ(answer.body["error"]["code"], bad.code) << bad.target;
    EXPECT_EQ(answer.body["error"].value("field", ""), bad.field) << bad.target;
    EXPECT_FALSE(answer.body["error"]["message"].get<std::string>().empty());
  }
  EXPECT_TRUE(runner_.core.called.empty());
  EXPECT_EQ(Ask("POST", "/api/v1/quotas/a1%3Eb1", "{}").headers.find("Allow")->second,
            "PUT, DELETE");
}

TEST_F(RestServerTest, RefusesBodiesThatAreNotPlainJson) {
  const std::string path = "/api/v1/quotas/a1%3Eb1";
  EXPECT_EQ(Ask("PUT", path, kQuotaBody, {{"Content-Type", "text/plain"}}).status, 415);
  EXPECT_EQ(Ask("PUT", path, "a=b", {{"Content-Type", "application/x-www-form-urlencoded"}}).status,
            415);
  EXPECT_EQ(Ask("PUT", path, kQuotaBody, {{"Content-Encoding", "gzip"}}).status, 415);
  EXPECT_EQ(
      Ask("PUT", path, kQuotaBody, {{"Content-Type", "Application/JSON; charset=utf-8"}}).status,
      200);
  const std::string head = std::string("PUT ") + path +
                           " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                           "Authorization: Bearer " +
                           kToken + "\r\n";
  EXPECT_THAT(Raw(head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
              HasSubstr(" 411 "));
  EXPECT_THAT(Raw(head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"), HasSubstr(" 400 "));
  EXPECT_THAT(Raw(head + "Content-Length: -2\r\n\r\n{}"), HasSubstr(" 400 "));
  EXPECT_THAT(Raw(head + "Content-Length: 99999999999999999999\r\n\r\n{}"), HasSubstr(" 400 "));
  EXPECT_THAT(Raw(head + "Content-Length: 65537\r\n\r\n"), HasSubstr(" 413 "));
  EXPECT_EQ(Ask("PUT", path, std::string(65'536, ' ')).status, 400);  // within the limit
  EXPECT_EQ(Ask("PUT", path, std::string(65'537, ' ')).status, 413);
  EXPECT_EQ(Ask("PUT", path, std::string(3'000'000, ' ')).body["error"]["code"], "too_large");
}

TEST_F(RestServerTest, SurvivesGarbageAndHugeHeads) {
  EXPECT_THAT(Raw("garbage\r\n\r\n"), HasSubstr(" 400 "));
  EXPECT_THAT(Raw(std::string("\0\xff\r\n\r\n", 6)), HasSubstr(" 400 "));
  EXPECT_THAT(Raw("GET /" + std::string(40'000, 'a')), HasSubstr(" 431 "));
  EXPECT_THAT(Raw("GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\nHost: localhost\r\n\r\n"),
              HasSubstr(" 414 "));
  std::string many = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
  for (int i = 0; i < 3'000; ++i) many += "X: y\r\n";
  EXPECT_THAT(Raw(many + "\r\n"), HasSubstr(" 431 "));
  std::string range = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1";
  for (int i = 0; i < 2'500; ++i) range += ",0-1";
  EXPECT_THAT(Raw(range.substr(0, 7'900) + "\r\n\r\n"), HasSubstr(" 200 "));
  EXPECT_EQ(Ask("GET", "/healthz", "", {{"Accept-Encoding", "gzip, br"}}).body["status"], "ok");
  EXPECT_EQ(Ask("GET", "/healthz").status, 200);
}

TEST_F(RestServerTest, TellsWhatTheCoreSays) {
  runner_.With([](auto& r) { r.core.answer = absl::NotFoundError("node b1 is not there"); });
  const Answer missing = Ask("PUT", "/api/v1/quotas/a1%3Eb1", kQuotaBody);
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.body["error"]["message"], "node b1 is not there");
  runner_.With([](auto& r) { r.core.answer = absl::ResourceExhaustedError("the disk is full"); });
  EXPECT_EQ(Ask("DELETE", "/api/v1/quotas/a1%3Eb1").status, 507);
  runner_.With([](auto& r) { r.state = absl::UnavailableError("stopping"); });
  EXPECT_EQ(Ask("GET", "/api/v1/links").status, 503);
  EXPECT_EQ(Ask("GET", "/readyz").status, 503);
  EXPECT_EQ(Ask("GET", "/healthz").status, 200);
}

}  // namespace
}  // namespace sluice
