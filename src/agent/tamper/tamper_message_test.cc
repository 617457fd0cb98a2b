#include "agent/tamper/tamper_message.h"

#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/strings.h"

namespace sluice {
namespace {

Secret32 MessageKey(uint8_t fill) {
  std::array<uint8_t, 32> key{};
  key.fill(fill);
  return Secret32(key);
}

const TamperMessage kLidOpen{TamperMessage::Kind::kTamper, "boot-1", BootTime{42},
                             "the lid is open"};

std::string Coded(const std::string& body) {
  return StrCat(ToHex(HmacSha256(MessageKey(1), body)), " ", body);
}

TEST(TamperMessageTest, ComesBackAsItWas) {
  const std::string text = SealTamperMessage(MessageKey(1), kLidOpen);
  EXPECT_TRUE(text.ends_with(" sluice-tamper/1 boot-1 42 tamper the lid is open")) << text;
  EXPECT_EQ(OpenTamperMessage(MessageKey(1), text).value(), kLidOpen);
  EXPECT_EQ(OpenTamperMessage(MessageKey(1), text + "\n").value(), kLidOpen);
}

TEST(TamperMessageTest, AnotherKeyOrAnyChangeIsRefused) {
  const std::string text = SealTamperMessage(MessageKey(1), kLidOpen);
  EXPECT_TRUE(absl::IsPermissionDenied(OpenTamperMessage(MessageKey(2), text).status()));
  for (size_t i = 0; i < text.size(); ++i) {
    std::string altered = text;
    altered[i] ^= 1;
    EXPECT_FALSE(OpenTamperMessage(MessageKey(1), altered).ok()) << i;
    EXPECT_FALSE(OpenTamperMessage(MessageKey(1), text.substr(0, i)).ok()) << i;
  }
}

TEST(TamperMessageTest, WhatIsAuthenticMustStillMakeSense) {
  for (const char* body :
       {"", "sluice-tamper/2 b 1 tamper", "sluice-tamper/1", "sluice-tamper/1 b 0 tamper",
        "sluice-tamper/1 b -1 tamper", "sluice-tamper/1 b 1x tamper", "sluice-tamper/1  1 tamper",
        "sluice-tamper/1 b 99999999999999999999 tamper", "sluice-tamper/1 b 1 alarm",
        "sluice-tamper/1 b 1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(OpenTamperMessage(MessageKey(1), Coded(body)).status()))
        << body;
  }
  const std::string longest(kMaxTamperMessage, 'x');
  EXPECT_FALSE(
      OpenTamperMessage(MessageKey(1), Coded("sluice-tamper/1 b 1 tamper " + longest)).ok());
}

TEST(TamperMessageTest, AKeyIsSixtyFourDigits) {
  const std::string digits(64, 'a');
  EXPECT_TRUE(ParseTamperKey(digits).ok());
  EXPECT_TRUE(ParseTamperKey(digits + "\n").ok());
  EXPECT_FALSE(ParseTamperKey(digits + "aa").ok());
  EXPECT_FALSE(ParseTamperKey("").ok());
  EXPECT_FALSE(ParseTamperKey(std::string(64, 'x')).ok());
}

}  // namespace
}  // namespace sluice
