#include "controller/web/json_codec.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/web/core_fake.h"

namespace sluice {
namespace {

using nlohmann::json;

const LinkName kLink{"a1", "b1"};
const Scope kScope = Scope::Link(kLink);

TEST(DecodeQuotaTest, TakesTextsAsPeopleWriteThem) {
  auto quota = DecodeQuota(
      kScope, R"({"rate":"100Mbit","burst":"64KiB","volume":"1GB","per":"24h","lease":"30s"})");
  ASSERT_TRUE(quota.ok()) << quota.status();
  EXPECT_EQ(quota->scope, kScope);
  EXPECT_EQ(quota->rate, BitRate{100'000'000});
  EXPECT_EQ(quota->burst, Bytes{65'536});
  EXPECT_EQ(quota->volume, Bytes{1'000'000'000});
  EXPECT_EQ(quota->window, absl::Hours(24));
  EXPECT_EQ(quota->lease_lifetime, absl::Seconds(30));
}

TEST(DecodeQuotaTest, TakesNumbersAndDefaults) {
  auto quota = DecodeQuota(kScope, R"({"rate":8000,"volume":1500,"per":"lifetime","lease":1})");
  ASSERT_TRUE(quota.ok()) << quota.status();
  EXPECT_EQ(quota->rate, kMinRate);
  EXPECT_EQ(quota->burst, Bytes{0});
  EXPECT_EQ(quota->window, std::nullopt);
  EXPECT_EQ(quota->lease_lifetime, absl::Seconds(1));
  EXPECT_EQ(DecodeQuota(kScope, R"({"rate":1e8,"volume":1500})")->rate, BitRate{100'000'000});
  EXPECT_EQ(DecodeQuota(kScope, R"({"rate":"1Mbit","volume":1})")->lease_lifetime,
            kDefaultLeaseLifetime);
  EXPECT_EQ(DecodeQuota(kScope, R"({"rate":"1Mbit","volume":1,"per":3600})")->window,
            absl::Hours(1));
}

TEST(DecodeQuotaTest, ScopesAroundLinksBoundWhatTheySay) {
  auto volume = DecodeQuota(Scope::Fleet(), R"({"volume":"1GB"})");
  ASSERT_TRUE(volume.ok()) << volume.status();
  EXPECT_EQ(volume->rate, kAnyRate);
  EXPECT_EQ(volume->lease_lifetime, kMaxLeaseLifetime);
  auto rate = DecodeQuota(Scope::Enclosure("east"), R"({"rate":"900Gbit","lease":5})");
  ASSERT_TRUE(rate.ok()) << rate.status();
  EXPECT_EQ(rate->volume, kAnyVolume);
  EXPECT_EQ(rate->lease_lifetime, absl::Seconds(5));
  EXPECT_EQ(FieldOf(DecodeQuota(Scope::Fleet(), R"({"lease":5})").status()), "rate");
  EXPECT_EQ(FieldOf(DecodeQuota(kScope, R"({"volume":"1GB"})").status()), "rate");
}

TEST(DecodeQuotaTest, IsExactAbove53Bits) {
  auto quota = DecodeQuota(kScope, R"({"rate":"400Gbit","volume":4611686018427387903})");
  ASSERT_TRUE(quota.ok()) << quota.status();
  EXPECT_EQ(quota->volume.value, 4611686018427387903u);
  const std::string text = EncodeQuota(*quota);
  EXPECT_NE(text.find("\"volume_bytes\":4611686018427387903,"), std::string::npos) << text;
}

struct Bad {
  const char* body;
  const char* field;
};

class BadQuotaTest : public testing::TestWithParam<Bad> {};

TEST_P(BadQuotaTest, IsRefusedAndBlamed) {
  auto quota = DecodeQuota(kScope, GetParam().body);
  ASSERT_FALSE(quota.ok());
  EXPECT_EQ(quota.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(FieldOf(quota.status()), GetParam().field) << quota.status();
  EXPECT_FALSE(quota.status().message().empty());
}

INSTANTIATE_TEST_SUITE_P(
    All, BadQuotaTest,
    testing::Values(Bad{"", ""}, Bad{"nonsense", ""}, Bad{"{", ""}, Bad{"[]", ""}, Bad{"\"x\"", ""},
                    Bad{"17", ""}, Bad{"null", ""}, Bad{"true", ""}, Bad{"[{}]", ""},
                    Bad{"{}", "rate"}, Bad{R"({"rate":"1Mbit"})", "volume"},
                    Bad{R"({"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB"} x)", "volume"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB","color":1})", "color"},
                    Bad{R"({"rate":"1Mbit","rate":"2Mbit","volume":"1GB"})", "rate"},
                    Bad{R"({"rate":-1,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":-1.5,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":100000.5,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":NaN,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":1e999,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":-1e999,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":1e18,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":0,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":7999,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":400000000001,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":"100","volume":"1GB"})", "rate"},
                    Bad{R"({"rate":"100MB","volume":"1GB"})", "rate"},
                    Bad{R"({"rate":"","volume":"1GB"})", "rate"},
                    Bad{R"({"rate":"1Mbit\u0000","volume":"1GB"})", "rate"},
                    Bad{R"({"rate":true,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":null,"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":["1Mbit"],"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":{"bps":1},"volume":"1GB"})", "rate"},
                    Bad{R"({"rate":"1Mbit","volume":0})", "volume"},
                    Bad{R"({"rate":"1Mbit","volume":18446744073709551615})", "volume"},
                    Bad{R"({"rate":"1Mbit","volume":18446744073709551616})", "volume"},
                    Bad{R"({"rate":"1Mbit","volume":"17EB"})", "volume"},
                    Bad{R"({"rate":"1Mbit","volume":"99999999999999999999999GB"})", "volume"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB","burst":0})", "burst"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB","burst":"2GiB"})", "burst"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB","lease":0})", "lease"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB","lease":0.5})", "lease"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB","lease":18446744073709551615})", "lease"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB","lease":"25h"})", "lease"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB","per":""})", "per"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB","per":"LIFETIME"})", "per"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB","per":null})", "per"},
                    Bad{R"({"rate":"1Mbit","volume":"1GB","per":["24h"]})", "per"},
                    Bad{"{\"rate\":\"\xff\xfe\",\"volume\":1}", "rate"}));

TEST(DecodeTest, DeepNestingIsRefusedAtItsFirstLevel) {
  EXPECT_FALSE(DecodeQuota(kScope, std::string(60'000, '[')).ok());
  std::string deep = R"({"rate":)" + std::string(60'000, '[');
  EXPECT_EQ(FieldOf(DecodeQuota(kScope, deep).status()), "rate");
  std::string objects = R"({"rate":)";
  for (int i = 0; i < 10'000; ++i) objects += R"({"a":)";
  EXPECT_EQ(FieldOf(DecodeQuota(kScope, objects).status()), "rate");
}

TEST(DecodeTest, ALongNameIsNotRepeatedWhole) {
  auto status = DecodeNothing("{\"" + std::string(50'000, 'x') + "\":1}");
  EXPECT_LT(FieldOf(status).size(), 100u);
  EXPECT_LT(status.message().size(), 300u);
}

TEST(DecodeNewNodeTest, TakesWhatIsGiven) {
  auto node = DecodeNewNode(
      R"({"name":"gw","enclosure":"edge","role":"gateway","prefixes":["0.0.0.0/0","fd00:1::/64"]})");
  ASSERT_TRUE(node.ok()) << node.status();
  EXPECT_EQ(node->name, "gw");
  EXPECT_EQ(node->enclosure, "edge");
  EXPECT_TRUE(node->gateway);
  ASSERT_EQ(node->prefixes.size(), 2u);
  EXPECT_EQ(node->prefixes[1].ToString(), "fd00:1::/64");
  EXPECT_FALSE(DecodeNewNode(R"({"name":"a1","enclosure":"east"})")->gateway);
  EXPECT_TRUE(DecodeNewNode(R"({"name":"a1","enclosure":"east","prefixes":[]})").ok());
}

TEST(DecodeNewNodeTest, BlamesTheFieldThatIsWrong) {
  const std::vector<Bad> cases = {
      {R"({"enclosure":"east"})", "name"},
      {R"({"name":"a1"})", "enclosure"},
      {R"({"name":"A1","enclosure":"east"})", "name"},
      {R"({"name":7,"enclosure":"east"})", "name"},
      {R"({"name":"a1","enclosure":""})", "enclosure"},
      {R"({"name":"a1","enclosure":"east","role":"king"})", "role"},
      {R"({"name":"a1","enclosure":"east","prefixes":"10.0.0.0/8"})", "prefixes"},
      {R"({"name":"a1","enclosure":"east","prefixes":["10.0.0.1/8"]})", "prefixes"},
      {R"({"name":"a1","enclosure":"east","prefixes":[7]})", "prefixes"},
      {R"({"name":"a1","enclosure":"east","prefixes":[["10.0.0.0/8"]]})", "prefixes"},
      {R"({"name":"a1","enclosure":"east","prefixes":[{"a":1}]})", "prefixes"},
  };
  for (const Bad& bad : cases)
    EXPECT_EQ(FieldOf(DecodeNewNode(bad.body).status()), bad.field) << bad.body;
}

TEST(DecodeReasonTest, IsOneShortLineOrNothing) {
  EXPECT_EQ(*DecodeReason(""), "");
  EXPECT_EQ(*DecodeReason("{}"), "");
  EXPECT_EQ(*DecodeReason(R"({"reason":"drill"})"), "drill");
  EXPECT_EQ(FieldOf(DecodeReason(R"({"reason":"a\nb"})").status()), "reason");
  EXPECT_EQ(FieldOf(DecodeReason(R"({"reason":7})").status()), "reason");
  EXPECT_FALSE(DecodeReason("{\"reason\":\"" + std::string(201, 'x') + "\"}").ok());
  EXPECT_TRUE(DecodeNothing("").ok());
  EXPECT_TRUE(DecodeNothing("{}").ok());
  EXPECT_FALSE(DecodeNothing(R"({"reason":"x"})").ok());
}

TEST(EncodeTest, Links) {
  const json out = json::parse(EncodeLinks(SampleLinks()), nullptr, false);
  const json& open = out["links"][0];
  EXPECT_EQ(open["link"], "a1>b1");
  EXPECT_EQ(open["src"], "a1");
  EXPECT_EQ(open["dst"], "b1");
  EXPECT_EQ(open["state"], "open");
  EXPECT_EQ(open["rate_bps"], 100'000'000);
  EXPECT_EQ(open["volume_bytes"], (uint64_t{1} << 62) - 1);
  EXPECT_EQ(open["volume_used_bytes"], 1'500);
  EXPECT_EQ(open["volume_outstanding_bytes"], 375'000'000);
  EXPECT_EQ(open["expires_in_s"], 12.5);
  EXPECT_EQ(open["admitted_bytes"], 1'500);
  EXPECT_EQ(open["admitted_packets"], 1);
  EXPECT_EQ(open["drops"]["malformed"], 4);
  EXPECT_EQ(open["drops"]["kill_switch"], 0);
  EXPECT_EQ(open["drops"].size(), size_t{SLUICE_DROP_REASON_COUNT});
  EXPECT_EQ(open["sender"],
            (json{{"bytes", 1'500}, {"packets", 1}, {"age_s", 0.1}, {"expires_in_s", 12.0}}));
  EXPECT_EQ(open["receiver"]["expires_in_s"], 0.0);
  const json& closed = out["links"][1];
  EXPECT_EQ(closed["state"], "no_quota");
  EXPECT_EQ(closed["why"], "no quota is set");
  for (const char* field : {"rate_bps", "volume_bytes", "expires_in_s", "sender", "receiver"})
    EXPECT_TRUE(closed[field].is_null()) << field;
}

TEST(EncodeTest, QuotasAndLeases) {
  Quota quota = *SampleLinks()[0].quota;
  json out = json::parse(EncodeQuota(quota), nullptr, false)["quota"];
  EXPECT_EQ(out["per"], "lifetime");
  EXPECT_TRUE(out["window_s"].is_null());
  EXPECT_EQ(out["lease_s"], 30.0);
  quota.window = absl::Hours(24);
  QuotaView view;
  view.quota = quota;
  view.used = Bytes{5};
  out = json::parse(EncodeQuotas({view}), nullptr, false)["quotas"][0];
  EXPECT_EQ(out["scope"], "a1>b1");
  EXPECT_EQ(out["link"], "a1>b1");
  EXPECT_EQ(out["volume_used_bytes"], 5);
  EXPECT_TRUE(out["recalled_within_s"].is_null());
  EXPECT_EQ(out["per"], "24h");
  EXPECT_EQ(out["window_s"], 86'400.0);
  LeaseView lease;
  lease.side = {kLink, Role::kReceive};
  lease.node = "b1";
  lease.expires_in = -absl::Seconds(3);
  lease.state = LeaseView::State::kDead;
  out = json::parse(EncodeLeases({lease}), nullptr, false)["leases"][0];
  EXPECT_EQ(out["role"], "receive");
  EXPECT_EQ(out["state"], "dead");
  EXPECT_EQ(out["expires_in_s"], 0.0);
}

TEST(EncodeTest, NodesWithAnyBytesInTheirTexts) {
  NodeView node;
  node.name = "a1";
  node.state = NodeView::State::kOnline;
  node.heartbeat_age = absl::Milliseconds(250);
  node.version = "\xff\xfe\n\"";
  node.faults = {std::string("a\0b", 3)};
  node.capabilities = {{"shaper", "edt", "fq is there"}};
  const std::string text = EncodeNodes({node, NodeView()});
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const json out = json::parse(text, nullptr, false)["nodes"];
  EXPECT_EQ(out[0]["last_heartbeat_s"], 0.25);
  EXPECT_EQ(out[0]["capabilities"][0]["choice"], "edt");
  EXPECT_EQ(out[0]["faults"][0], std::string("a\0b", 3));
  EXPECT_TRUE(out[1]["last_heartbeat_s"].is_null());
  EXPECT_EQ(out[1]["state"], "pending");
}

TEST(EncodeTest, ErrorsAndTheirStatus) {
  EXPECT_EQ(EncodeError("x", "y"), R"({"error":{"code":"x","message":"y"}})");
  EXPECT_EQ(EncodeError("x", "y", "z"), R"({"error":{"code":"x","message":"y","field":"z"}})");
  EXPECT_EQ(ErrorCode(absl::FailedPreconditionError("")), "failed_precondition");
  EXPECT_EQ(FieldOf(absl::InvalidArgumentError("rate: too small")), "rate");
  EXPECT_EQ(FieldOf(absl::InvalidArgumentError("nothing: too small")), "");
  EXPECT_EQ(FieldOf(absl::AlreadyExistsError("prefixes: 10.0.0.0/8 overlaps")), "prefixes");
  EXPECT_EQ(FieldOf(absl::NotFoundError("link a1>b1 is not there")), "");
  EXPECT_EQ(HttpStatus(absl::InvalidArgumentError("")), 400);
  EXPECT_EQ(HttpStatus(absl::PermissionDeniedError("")), 403);
  EXPECT_EQ(HttpStatus(absl::NotFoundError("")), 404);
  EXPECT_EQ(HttpStatus(absl::AlreadyExistsError("")), 409);
  EXPECT_EQ(HttpStatus(absl::FailedPreconditionError("")), 409);
  EXPECT_EQ(HttpStatus(absl::UnavailableError("")), 503);
  EXPECT_EQ(HttpStatus(absl::ResourceExhaustedError("")), 507);
  EXPECT_EQ(HttpStatus(absl::DataLossError("")), 500);
}

}  // namespace
}  // namespace sluice
