#include "wire/join_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "base/crypto.h"
#include "base/strings.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

JoinToken Good() {
  JoinToken token;
  token.node = "a1";
  token.endpoint = "192.0.2.1:51819";
  token.controller_key.fill(1);
  token.secret.mutable_bytes()[31] = 2;
  token.address = *ParseIpAddress("fd73:6c75:6963:6500::2:7");
  token.controller = *ParseEndpoint("[fd73:6c75:6963:6500::1]:7443");
  token.expires = absl::FromUnixSeconds(1'700'000'000);
  return token;
}

// A token with a right envelope around any body.
std::string Wrap(const std::string& body) {
  std::string text = StrCat("sluice1.", absl::WebSafeBase64Escape(body));
  return text + "." + ToHex(Sha256(text)).substr(0, 8);
}

nlohmann::json Body() {
  std::string text = EncodeJoinToken(Good());
  std::string encoded = text.substr(8, text.rfind('.') - 8);
  std::string body;
  EXPECT_TRUE(absl::WebSafeBase64Unescape(encoded, &body));
  return nlohmann::json::parse(body);
}

std::string ErrorOf(std::string_view text) {
  absl::StatusOr<JoinToken> token = DecodeJoinToken(text);
  EXPECT_EQ(token.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(token.status().message());
}

TEST(JoinTokenTest, ComesBackWhole) {
  const JoinToken good = Good();
  const std::string text = EncodeJoinToken(good);
  EXPECT_THAT(text, StartsWith("sluice1."));
  EXPECT_EQ(text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                   "-_."),
            std::string::npos);
  absl::StatusOr<JoinToken> back = DecodeJoinToken(text);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->node, good.node);
  EXPECT_EQ(back->endpoint, good.endpoint);
  EXPECT_EQ(back->controller_key, good.controller_key);
  EXPECT_EQ(ToHex(back->secret.bytes()), ToHex(good.secret.bytes()));
  EXPECT_EQ(back->address, good.address);
  EXPECT_EQ(back->controller, good.controller);
  EXPECT_EQ(back->expires, good.expires);
}

TEST(JoinTokenTest, IgnoresWhiteSpaceAround) {
  EXPECT_TRUE(DecodeJoinToken("\n  " + EncodeJoinToken(Good()) + " \r\n").ok());
}

TEST(JoinTokenTest, FindsEveryMistypedCharacter) {
  const std::string good = EncodeJoinToken(Good());
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'a' ? 'b' : 'a';
    EXPECT_FALSE(DecodeJoinToken(bad).ok()) << i;
  }
}

TEST(JoinTokenTest, FindsEveryCut) {
  const std::string good = EncodeJoinToken(Good());
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(DecodeJoinToken(good.substr(0, size)).ok()) << size;
  EXPECT_FALSE(DecodeJoinToken(good + "0").ok());
  EXPECT_FALSE(DecodeJoinToken(good + good).ok());
}

TEST(JoinTokenTest, SaysWhatIsWrongWithTheEnvelope) {
  EXPECT_THAT(ErrorOf(""), HasSubstr("empty"));
  EXPECT_THAT(ErrorOf("hello"), HasSubstr("does not start with"));
  EXPECT_THAT(ErrorOf("sluice2.abc.00000000"), HasSubstr("does not start with"));
  EXPECT_THAT(ErrorOf("sluice1."), HasSubstr("cut short"));
  EXPECT_THAT(ErrorOf("sluice1.abc.00000000"), HasSubstr("mistyped"));
  EXPECT_THAT(ErrorOf("sluice1." + std::string(3'000, 'a')), HasSubstr("too long"));
  EXPECT_THAT(ErrorOf("sluice1.abc.00000000"), HasSubstr("sluicectl node add"));
}

TEST(JoinTokenTest, RefusesBodiesThatAreNoObject) {
  for (const char* body : {"", "[]", "1", "null", "\"x\"", "{", "{}x", "\xff"})
    EXPECT_FALSE(DecodeJoinToken(Wrap(body)).ok()) << body;
  std::string text = "sluice1.a b";
  EXPECT_THAT(ErrorOf(text + "." + ToHex(Sha256(text)).substr(0, 8)), HasSubstr("base64url"));
}

TEST(JoinTokenTest, RefusesEveryMissingOrMistypedField) {
  for (const char* field : {"n", "e", "k", "s", "a", "c", "x"}) {
    nlohmann::json missing = Body();
    missing.erase(field);
    EXPECT_FALSE(DecodeJoinToken(Wrap(missing.dump())).ok()) << field;
    nlohmann::json other = Body();
    other[field] = nlohmann::json::array();
    EXPECT_FALSE(DecodeJoinToken(Wrap(other.dump())).ok()) << field;
    other[field] = "";
    EXPECT_FALSE(DecodeJoinToken(Wrap(other.dump())).ok()) << field;
  }
}

TEST(JoinTokenTest, RefusesFieldsOutOfRange) {
  const std::vector<std::pair<const char*, nlohmann::json>> kCases = {
      {"n", "A1"},
      {"e", "192.0.2.1"},
      {"e", "192.0.2.999:1"},
      {"e", "host:0"},
      {"e", "a b:1"},
      {"e", "-x:1"},
      {"e", "[::1]"},
      {"k", ToBase64(std::array<uint8_t, 31>{})},
      {"s", ToBase64(std::array<uint8_t, 33>{1})},
      {"s", ToBase64(std::array<uint8_t, 32>{})},
      {"a", "fd00::/64"},
      {"c", "fd00::1"},
      {"x", -1},
      {"x", 1.5},
      {"x", int64_t{1} << 41}};
  for (const auto& [field, value] : kCases) {
    nlohmann::json body = Body();
    body[field] = value;
    EXPECT_FALSE(DecodeJoinToken(Wrap(body.dump())).ok()) << field << " " << value;
  }
}

TEST(JoinTokenTest, ErrorsDoNotShowTheSecret) {
  nlohmann::json body = Body();
  body["s"] = "c2VjcmV0";
  EXPECT_THAT(ErrorOf(Wrap(body.dump())), Not(HasSubstr("c2VjcmV0")));
}

TEST(JoinTokenTest, TakesHostNames) {
  JoinToken token = Good();
  for (const char* endpoint : {"controller.example:51819", "ctl:1", "[2001:db8::1]:51819"}) {
    token.endpoint = endpoint;
    absl::StatusOr<JoinToken> back = DecodeJoinToken(EncodeJoinToken(token));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->endpoint, endpoint);
  }
}

TEST(JoinTokenTest, EncodingBytesThatAreNoTextDoesNotThrow) {
  JoinToken token = Good();
  token.endpoint = "\xff\xfe";
  EXPECT_FALSE(DecodeJoinToken(EncodeJoinToken(token)).ok());
}

TEST(JoinTokenTest, TunnelKeysDependOnTheSecretAndAreNotIt) {
  Secret32 one = Good().secret;
  Secret32 other = one;
  other.mutable_bytes()[0] ^= 1;
  EXPECT_EQ(ToHex(JoinTunnelKey(one).bytes()), ToHex(JoinTunnelKey(one).bytes()));
  EXPECT_NE(ToHex(JoinTunnelKey(one).bytes()), ToHex(JoinTunnelKey(other).bytes()));
  EXPECT_NE(ToHex(JoinTunnelKey(one).bytes()), ToHex(one.bytes()));
}

}  // namespace
}  // namespace sluice
