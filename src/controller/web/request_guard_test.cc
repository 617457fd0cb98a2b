#include "controller/web/request_guard.h"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

TEST(RequestGuardTest, TakesLoopbackHosts) {
  for (const char* host : {"127.0.0.1", "127.0.0.1:8080", "127.1.2.3:1", "localhost",
                           "LocalHost:8080", "[::1]", "[::1]:65535"})
    EXPECT_TRUE(IsLoopbackHost(host)) << host;
}

TEST(RequestGuardTest, RefusesOtherHosts) {
  for (const char* host : {"",
                           "evil.example",
                           "evil.example:8080",
                           "localhost.evil.example",
                           "127.0.0.1.evil.example",
                           "128.0.0.1",
                           "0.0.0.0",
                           "[::]",
                           "[::2]:80",
                           "::1",
                           "[::1",
                           "[::1]x",
                           "127.0.0.1:",
                           "127.0.0.1:80x",
                           "127.0.0.1:123456",
                           "127.0.0.1:80:80",
                           "evil@127.0.0.1",
                           "2130706433",
                           "127.1",
                           " localhost",
                           "localhost,evil.example"})
    EXPECT_FALSE(IsLoopbackHost(host)) << host;
}

TEST(RequestGuardTest, TakesTheTokenOnly) {
  TokenCheck check("0123456789abcdef");
  EXPECT_TRUE(check.Allows("Bearer 0123456789abcdef"));
  EXPECT_TRUE(check.Allows("bearer 0123456789abcdef"));
  for (const char* header : {"", "Bearer", "Bearer ", "0123456789abcdef", "Basic 0123456789abcdef",
                             "Bearer 0123456789abcdeF", "Bearer 0123456789abcde",
                             "Bearer 0123456789abcdef0", "Bearer  0123456789abcdef"})
    EXPECT_FALSE(check.Allows(header)) << header;
}

}  // namespace
}  // namespace sluice
