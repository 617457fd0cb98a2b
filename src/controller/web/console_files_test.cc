#include "controller/web/console_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kIndex = "<meta content=\"__CSP_NONCE__\"><i nonce=__CSP_NONCE__>";
const std::string kScript = "let a = 1;";
const EmbeddedFile kFiles[] = {
    {"/assets/index-1a.js", "text/javascript", kScript.data(), kScript.data() + kScript.size()},
    {"/index.html", "text/html", kIndex.data(), kIndex.data() + kIndex.size()},
};

std::string HeaderOf(const ConsoleReply& reply, const std::string& name) {
  for (const auto& [key, value] : reply.headers)
    if (key == name) return value;
  return "";
}

TEST(ConsoleFilesTest, AllPathsButTheApisAreTheConsoles) {
  for (const char* path : {"/", "/links", "/links/a1%3Eb1", "/assets/x.js", "/apis", "/metricsx"})
    EXPECT_TRUE(IsConsolePath(path)) << path;
  for (const char* path : {"", "*", "/api", "/api/v1/x", "/metrics", "/metrics/", "/healthz",
                           "/readyz", "http://localhost/"})
    EXPECT_FALSE(IsConsolePath(path)) << path;
}

TEST(ConsoleFilesTest, ThePageHasAFreshNonceThatItsPolicyNames) {
  std::string last;
  for (const char* path : {"/", "/index.html", "/links/a1%3Eb1"}) {
    const ConsoleReply reply = ConsoleFile(path, kFiles);
    EXPECT_EQ(reply.status, 200);
    EXPECT_THAT(reply.body, Not(HasSubstr("__CSP_NONCE__")));
    const std::string policy = HeaderOf(reply, "Content-Security-Policy");
    const size_t at = policy.find("'nonce-") + 7;
    const std::string in_policy = policy.substr(at, policy.find('\'', at) - at);
    EXPECT_EQ(in_policy.size(), 24U) << "16 bytes";
    EXPECT_THAT(reply.body, HasSubstr("content=\"" + in_policy + "\""));
    EXPECT_NE(in_policy, last);
    EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
    EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
    EXPECT_EQ(HeaderOf(reply, "Cache-Control"), "") << "never kept: the nonce is for once";
    last = in_policy;
  }
}

TEST(ConsoleFilesTest, AssetsAreKeptForEver) {
  const ConsoleReply reply = ConsoleFile("/assets/index-1a.js", kFiles);
  EXPECT_EQ(reply.body, kScript);
  EXPECT_EQ(reply.type, "text/javascript");
  EXPECT_THAT(HeaderOf(reply, "Cache-Control"), HasSubstr("immutable"));
}

TEST(ConsoleFilesTest, AMissingAssetIsNoPage) {
  for (const char* path : {"/assets/old.js", "/assets/../index.html", "/assets/"})
    EXPECT_EQ(ConsoleFile(path, kFiles).status, 404) << path;
}

TEST(ConsoleFilesTest, WithoutAConsoleThePageSaysSo) {
  const ConsoleReply reply = ConsoleFile("/", {});
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("./run build"));
}

}  // namespace
}  // namespace sluice
