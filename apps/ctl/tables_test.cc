#include "tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice::ctl {
namespace {

using ::testing::HasSubstr;

Json OpenLink() {
  return Json::parse(R"({
    "link": "a1>b1", "src": "a1", "dst": "b1", "state": "open", "why": "",
    "rate_bps": 100000000, "burst_bytes": 125000, "volume_bytes": 1000000000,
    "volume_used_bytes": 250000000, "volume_left_bytes": 750000000,
    "volume_outstanding_bytes": 50000000, "expires_in_s": 21.4, "lease_sequence": 7,
    "admitted_bytes": 250000000, "admitted_packets": 180000,
    "drops": {"volume": 12, "rate": 3, "expired": 0},
    "sender": {"bytes": 250000000, "packets": 180000, "age_s": 0.1, "expires_in_s": 21.3},
    "receiver": {"bytes": 249000000, "packets": 179000, "age_s": 0.2, "expires_in_s": 21.2}})");
}

Json ExhaustedLink() {
  Json link = OpenLink();
  link["link"] = "a2>gw";
  link["state"] = "exhausted";
  link["why"] = "the volume of 1GB is used up";
  link["volume_left_bytes"] = 0;
  link["expires_in_s"] = nullptr;
  link["drops"] = Json::object();
  link.erase("receiver");
  return link;
}

TEST(TablesTest, LinksWithReasonsInWords) {
  EXPECT_EQ(LinkTable({{"links", {OpenLink(), ExhaustedLink()}}}),
            "LINK   STATE         RATE   USED  VOLUME   LEFT  EXPIRES   SENT  RECEIVED  DROPPED\n"
            "a1>b1  open       100Mbit  250MB     1GB  750MB      21s  250MB     249MB  "
            "12 volume and 3 more\n"
            "a2>gw  exhausted  100Mbit  250MB     1GB     0B        -  250MB         -  -\n"
            "\n"
            "  a2>gw: the volume of 1GB is used up\n");
}

TEST(TablesTest, NoLinksSaysWhatThatMeans) {
  EXPECT_THAT(LinkTable({{"links", Json::array()}}), HasSubstr("nothing flows"));
}

TEST(TablesTest, LinkDetailsSayDropsInWords) {
  const std::string text = LinkDetails({{"link", OpenLink()}});
  EXPECT_THAT(text, HasSubstr("State     open\n"));
  EXPECT_THAT(text, HasSubstr("100Mbit, bursts of 125KB"));
  EXPECT_THAT(text, HasSubstr("1GB, of which used 250MB, left 750MB"));
  EXPECT_THAT(text, HasSubstr("number 7, expires in 21s"));
  EXPECT_THAT(text, HasSubstr("Received  249MB in 179000 packets, reported 0.2s ago"));
  EXPECT_THAT(text, HasSubstr("12 packets: the link's leased volume is used up"));
  EXPECT_THAT(LinkDetails({{"link", ExhaustedLink()}}), HasSubstr("Received  nothing reported"));
  EXPECT_THAT(LinkDetails({{"link", ExhaustedLink()}}), HasSubstr("Dropped   nothing"));
}

TEST(TablesTest, EventsAreLinesAndNoneIsSaid) {
  const std::string text = EventTable(Json::parse(
      R"({"events": [{"id": 7, "at_ms": 1790000000000, "kind": "node_dark", "severity": "error",
                      "subject": "node:a1", "text": "it has gone\u001b dark"}], "more": false})"));
  EXPECT_THAT(text, HasSubstr("node:a1"));
  EXPECT_THAT(text, HasSubstr("node dark"));
  EXPECT_THAT(text, HasSubstr("it has gone? dark"));
  EXPECT_THAT(EventTable(Json::parse(R"({"events": []})")), HasSubstr("Nothing happened"));
}

TEST(TablesTest, ADryRunSaysThatNothingWasChanged) {
  const std::string text = ChangeText(Json::parse(
      R"({"links": [{"link": "a1>b1", "state": "no_quota", "leased_rate_bps": 0,
                     "change": "opens", "text": "may be leased"}],
          "sums": [{"scope": "fleet", "rate_bps": 1000000, "leased_rate_bps": 500000,
                    "links_rate_bps": 2000000, "volume_bytes": 1000, "used_bytes": 10,
                    "outstanding_bytes": 0}],
          "notes": ["those that ask share it"]})"));
  EXPECT_THAT(text, HasSubstr("Nothing was changed"));
  EXPECT_THAT(text, HasSubstr("no quota"));
  EXPECT_THAT(text, HasSubstr("opens"));
  EXPECT_THAT(text, HasSubstr("500kbit of 1Mbit"));
  EXPECT_THAT(text, HasSubstr("Note: those that ask share it"));
}

TEST(TablesTest, Nodes) {
  const Json answer = Json::parse(R"({"nodes": [
    {"name": "a1", "enclosure": "east", "role": "node", "state": "online",
     "prefixes": ["10.1.0.0/24", "fd00:1::/64"], "last_heartbeat_s": 0.13, "version": "0.1.0",
     "faults": ["no \u001b[31mfq"]},
    {"name": "gw", "enclosure": "edge", "role": "gateway", "state": "pending", "prefixes": [],
     "last_heartbeat_s": null, "faults": []}]})");
  EXPECT_EQ(NodeTable(answer),
            "NODE  ENCLOSURE  ROLE     STATE    HEARTBEAT  PREFIXES                 VERSION\n"
            "a1    east       node     online   0.1s ago   10.1.0.0/24,fd00:1::/64  0.1.0\n"
            "gw    edge       gateway  pending  never      -                        -\n"
            "\n"
            "  a1: no ?[31mfq\n");
  EXPECT_THAT(NodeTable({{"nodes", Json::array()}}), HasSubstr("node add"));
}

TEST(TablesTest, Quotas) {
  const Json answer = Json::parse(R"({"quotas": [
    {"scope": "fleet", "kind": "fleet", "rate_bps": 1000000000000000, "leased_rate_bps": 108000,
     "burst_bytes": 1000000, "volume_bytes": 2000000000, "per": "24h", "window_s": 86400,
     "volume_used_bytes": 500000000, "volume_left_bytes": 1500000000, "lease_s": 86400,
     "recalling": 2, "recalled_within_s": 30.1},
    {"scope": "a1>gw", "kind": "link", "rate_bps": 8000, "leased_rate_bps": 8000,
     "burst_bytes": 32768, "volume_bytes": 10000000, "per": "lifetime", "window_s": null,
     "volume_used_bytes": 0, "volume_left_bytes": 10000000, "lease_s": 1.5, "version": 2}]})");
  EXPECT_EQ(QuotaTable(answer),
            "SCOPE   RATE   LEASED    BURST  VOLUME       PER   USED   LEFT   LEASE\n"
            "fleet    any  108kbit      1MB     2GB       24h  500MB  1.5GB     24h\n"
            "a1>gw  8kbit    8kbit  32.77KB    10MB  lifetime     0B   10MB  1500ms\n"
            "\n"
            "  fleet: 2 leases are being recalled, done within 30s\n");
  EXPECT_THAT(QuotaTable(Json()), HasSubstr("quota set"));
}

TEST(TablesTest, Leases) {
  const Json answer = Json::parse(R"({"leases": [
    {"link": "a1>b1", "role": "send", "node": "a1", "sequence": 7, "rate_bps": 100000000,
     "burst_bytes": 125000, "volume_limit_bytes": 300000000, "issued_s_ago": 3.2,
     "lifetime_s": 30, "expires_in_s": 26.8, "state": "live"},
    {"link": "a1>b1", "role": "receive", "node": "b1", "sequence": 7, "rate_bps": 100000000,
     "volume_limit_bytes": 300000000, "issued_s_ago": 100, "lifetime_s": 30,
     "expires_in_s": -70, "state": "dead"}]})");
  EXPECT_EQ(LeaseTable(answer),
            "LINK   ROLE     NODE  NUMBER     RATE  UP TO     ISSUED  LIFETIME  EXPIRES  STATE\n"
            "a1>b1  send     a1         7  100Mbit  300MB   3.2s ago       30s      27s  live\n"
            "a1>b1  receive  b1         7  100Mbit  300MB  1m40s ago       30s     over  dead\n");
}

TEST(TablesTest, StatusTakesUnitsFromNames) {
  const Json answer = Json::parse(R"({"fleet": "lab", "uptime_s": 200, "ledger":
    {"outstanding_bytes": 5000000, "total_rate_bps": 1000000}, "nodes_online": 4,
    "faults": ["disk full"], "leader": true, "peer": null, "store": {"message": ""}})");
  EXPECT_EQ(StatusText(answer),
            "faults              disk full\n"
            "fleet               lab\n"
            "leader              true\n"
            "ledger outstanding  5MB\n"
            "ledger total rate   1Mbit\n"
            "nodes online        4\n"
            "peer                -\n"
            "store message       -\n"
            "uptime              3m20s\n");
}

TEST(TablesTest, HostileOrForeignJsonIsShownAsNothing) {
  for (const char* text : {"null", "[]", "5", "\"x\"", "{}", R"({"links": 5, "nodes": {"a": 1}})",
                           R"({"links": [5, null, [], {}], "nodes": [null], "quotas": [1],
                               "leases": [{"sequence": "x", "rate_bps": -1e99}]})"}) {
    const Json answer = Json::parse(text);
    EXPECT_FALSE(NodeTable(answer).empty()) << text;
    EXPECT_FALSE(QuotaTable(answer).empty()) << text;
    EXPECT_FALSE(LeaseTable(answer).empty()) << text;
    EXPECT_FALSE(LinkTable(answer).empty()) << text;
    EXPECT_FALSE(LinkDetails(answer).empty()) << text;
    EXPECT_FALSE(StatusText(answer).empty()) << text;
  }
}

TEST(RevocationTableTest, SaysWhoIsSilentSinceWhen) {
  const Json one = Json::parse(R"({"id":3,"scope":"node:a1","reason":"drill","age_s":2.0,
    "silent":false,"silent_after_s":null,"ends":[
    {"link":"a1>b1","role":"send","node":"a1","silent_after_s":0.0031,"by_expiry":false},
    {"link":"a1>b1","role":"receive","node":"b1","silent_after_s":null,"silent_within_s":4.2}]})");
  EXPECT_THAT(SilenceText(one), AllOf(HasSubstr("Not all ends"), HasSubstr("a1>b1, a1: 3.1 ms"),
                                      HasSubstr("a1>b1, b1: not yet, within 4.2s")));
  const Json answer = {{"revocations", Json::array({one})},
                       {"stops", {{{"scope", "node:a1"}, {"reason", "drill"}}}}};
  EXPECT_THAT(RevocationTable(answer), AllOf(HasSubstr("not yet"), HasSubstr("node:a1 is shut")));
  EXPECT_THAT(RevocationTable(Json::object()), HasSubstr("Nothing was revoked"));
}

}  // namespace
}  // namespace sluice::ctl
