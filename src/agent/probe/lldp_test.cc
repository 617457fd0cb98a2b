#include "agent/probe/lldp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::string Tlv(int type, const std::string& value) {
  std::string out{static_cast<char>(type << 1 | static_cast<int>(value.size() >> 8)),
                  static_cast<char>(value.size() & 0xff)};
  return out + value;
}

std::string Chassis() { return Tlv(1, std::string("\x04\x02\x00\x00\x00\x00\x01", 7)); }
std::string Ttl(uint8_t seconds) { return Tlv(3, {'\0', static_cast<char>(seconds)}); }

LldpMessage Said(const std::string& port, uint8_t ttl = 4) {
  return {{"leaf1", "02:00:00:00:00:01", port, ""}, absl::Seconds(ttl)};
}

TEST(LldpTest, ReadsWhatLldpdWrites) {
  const auto message = ParseLldp(Chassis() + Tlv(2, "\x05p1") + Ttl(120) + Tlv(4, "uplink") +
                                 Tlv(5, "leaf1") + Tlv(7, "\x01\x02\x03\x04") + Tlv(0, "") + "pad");
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->claim, (LldpClaim{"leaf1", "02:00:00:00:00:01", "p1", "uplink"}));
  EXPECT_EQ(message->ttl, absl::Seconds(120));
}

TEST(LldpTest, TextIsMadePrintableAndShort) {
  const auto message =
      ParseLldp(Chassis() + Tlv(2, "\x05p\n1") + Ttl(1) + Tlv(5, std::string(300, 'x')));
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->claim.port, "p?1");
  EXPECT_LT(message->claim.system.size(), 100u);
}

TEST(LldpTest, RefusesWhatIsNoLldp) {
  const std::string good = Chassis() + Tlv(2, "\x05p1") + Ttl(120);
  EXPECT_TRUE(ParseLldp(good).ok());
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(ParseLldp(good.substr(0, size)).ok()) << size;
  EXPECT_FALSE(ParseLldp(Tlv(2, "\x05p1") + Chassis() + Ttl(120)).ok());
  EXPECT_FALSE(ParseLldp(Chassis() + Tlv(2, "\x05") + Ttl(120)).ok());
}

class LldpTableTest : public ::testing::Test {
 protected:
  std::vector<std::string> Ports() {
    std::vector<std::string> ports;
    for (const LldpClaim& claim : table_.Claims(now_)) ports.push_back(claim.port);
    return ports;
  }
  LldpTable table_;
  BootTime now_{1'000'000'000};
  MacAddress leaf_{2, 0, 0, 0, 0, 1};
  MacAddress other_{2, 0, 0, 0, 0, 2};
};

TEST_F(LldpTableTest, AClaimEndsWithItsLifetime) {
  table_.Take(leaf_, Said("p1"), now_);
  now_ = now_ + absl::Seconds(3);
  EXPECT_THAT(Ports(), ElementsAre("p1"));
  now_ = now_ + absl::Seconds(1);
  EXPECT_THAT(Ports(), IsEmpty());
}

TEST_F(LldpTableTest, AFarewellEndsIt) {
  table_.Take(leaf_, Said("p1"), now_);
  table_.Take(leaf_, Said("p1", 0), now_);
  EXPECT_THAT(Ports(), IsEmpty());
}

TEST_F(LldpTableTest, ALaterOneReplacesIt) {
  table_.Take(leaf_, Said("p1"), now_);
  now_ = now_ + absl::Seconds(1);
  table_.Take(other_, Said("p2"), now_);
  EXPECT_THAT(Ports(), ElementsAre("p2"));
}

TEST_F(LldpTableTest, TwoThatBothGoOnAreTwo) {
  table_.Take(leaf_, Said("p1"), now_);
  now_ = now_ + absl::Seconds(1);
  table_.Take(other_, Said("p9"), now_);
  now_ = now_ + absl::Seconds(1);
  table_.Take(leaf_, Said("p1"), now_);
  EXPECT_THAT(Ports(), UnorderedElementsAre("p1", "p9"));
}

TEST_F(LldpTableTest, AFloodOfClaimsIsBounded) {
  for (int i = 0; i < 1000; ++i) table_.Take(leaf_, Said(std::to_string(i)), now_);
  EXPECT_LE(table_.Claims(now_).size(), 16u);
}

}  // namespace
}  // namespace sluice
