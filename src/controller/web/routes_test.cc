#include "controller/web/routes.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "controller/web/openapi.h"

namespace sluice {
namespace {

using nlohmann::json;

TEST(RoutesTest, AreExactlyWhatTheDescriptionSays) {
  const json description = json::parse(kOpenApi, nullptr, false);
  ASSERT_TRUE(description.is_object());
  std::set<std::pair<std::string, std::string>> described;
  for (const auto& [path, item] : description["paths"].items())
    for (const auto& [method, operation] : item.items())
      if (method != "parameters") described.emplace(absl::AsciiStrToUpper(method), path);
  std::set<std::pair<std::string, std::string>> served;
  for (const Route& route : Routes()) served.emplace(route.method, route.path);
  EXPECT_EQ(served, described);
  EXPECT_EQ(served.size(), Routes().size());
}

TEST(RoutesTest, TheDescriptionSaysWhatNeedsNoToken) {
  const json description = json::parse(kOpenApi, nullptr, false);
  for (const Route& route : Routes()) {
    const json& operation = description["paths"][std::string(route.path)]
                                       [absl::AsciiStrToLower(std::string(route.method))];
    const bool open = operation.contains("security") && operation["security"].empty();
    EXPECT_EQ(open, route.open) << route.path;
    EXPECT_EQ(operation["responses"].contains("401"), !route.open) << route.path;
  }
}

// Every "$ref" leads somewhere.
void CheckReferences(const json& root, const json& node) {
  if (node.is_object() && node.contains("$ref")) {
    const std::string target = node["$ref"].get<std::string>();
    ASSERT_EQ(target.substr(0, 2), "#/");
    EXPECT_TRUE(root.contains(json::json_pointer(target.substr(1)))) << target;
  }
  if (node.is_structured())
    for (const json& child : node) CheckReferences(root, child);
}

TEST(RoutesTest, TheDescriptionsReferencesLeadSomewhere) {
  const json description = json::parse(kOpenApi, nullptr, false);
  CheckReferences(description, description);
}

TEST(RoutesTest, DecodesTheLinkInThePath) {
  for (const char* path : {"/api/v1/quotas/a1%3Eb1", "/api/v1/quotas/a1%3eb1",
                           "/api/v1/quotas/a1>b1", "/api/v1/quotas/%61%31%3E%62%31"}) {
    auto match = FindRoute("PUT", path);
    ASSERT_TRUE(match.ok()) << path;
    EXPECT_EQ(match->route->operation, Operation::kSetQuota);
    EXPECT_EQ(match->argument, "a1>b1");
  }
  auto revoke = FindRoute("POST", "/api/v1/leases/a1%3Eb1/revoke");
  ASSERT_TRUE(revoke.ok());
  EXPECT_EQ(revoke->route->operation, Operation::kRevokeLink);
  EXPECT_EQ(revoke->argument, "a1>b1");
}

TEST(RoutesTest, RefusesBrokenEscapes) {
  for (const char* path : {"/api/v1/links/a1%3", "/api/v1/links/a1%", "/api/v1/links/a1%zzb1",
                           "/api/v1/links/a1%-1b1"}) {
    EXPECT_EQ(FindRoute("GET", path).status().code(), absl::StatusCode::kInvalidArgument) << path;
  }
}

TEST(RoutesTest, KnowsNothingElse) {
  for (const char* path :
       {"", "/", "*", "//", "/api", "/api/v1", "/api/v1/", "/api/v1/links/", "/api/v1/links/a/b",
        "/api/v1/leases/a1%3Eb1", "/api/v1/leases//revoke", "/healthz/", "/HEALTHZ", "healthz",
        "/api/v1/../v1/links", "/api/v1/links;x", "/api/v1/leases/revoke"}) {
    EXPECT_EQ(FindRoute("GET", path).status().code(), absl::StatusCode::kNotFound) << path;
  }
}

TEST(RoutesTest, NamesTheMethodsThereAre) {
  auto match = FindRoute("PATCH", "/api/v1/quotas/a1%3Eb1");
  ASSERT_TRUE(match.ok());
  EXPECT_EQ(match->route, nullptr);
  EXPECT_EQ(match->allow, "PUT, DELETE");
  EXPECT_NE(FindRoute("HEAD", "/healthz")->route, nullptr);
}

TEST(RoutesTest, DecodesTheQuery) {
  const auto match = FindRoute("GET", "/api/v1/events?subject=a1%3Eb1&kind=silent,revoked&limit=");
  ASSERT_TRUE(match.ok()) << match.status();
  EXPECT_EQ(match->Param("subject"), "a1>b1");
  EXPECT_EQ(match->Param("kind"), "silent,revoked");
  EXPECT_EQ(match->Param("limit"), "");
  EXPECT_EQ(match->Param("before"), "");
}

TEST(RoutesTest, TakesAllOnLinksAndNoOtherQuery) {
  const auto all = [](const char* path) { return FindRoute("GET", path)->Flag("all"); };
  EXPECT_TRUE(*all("/api/v1/links?all=1"));
  EXPECT_TRUE(*all("/api/v1/links?all=true"));
  EXPECT_FALSE(*all("/api/v1/links?all=0"));
  EXPECT_FALSE(*all("/api/v1/links?"));
  EXPECT_FALSE(*all("/api/v1/links"));
  // Who writes the name alone means something by it.
  for (const char* path : {"/api/v1/links?all=2", "/api/v1/links?all=", "/api/v1/links?all"})
    EXPECT_TRUE(absl::IsInvalidArgument(all(path).status())) << path;
  for (const char* path :
       {"/api/v1/links?every=1", "/api/v1/nodes?all=1", "/api/v1/links?all=1&x=2",
        "/api/v1/links?all=1&all=1", "/api/v1/events?subject=%zz"})
    EXPECT_EQ(FindRoute("GET", path).status().code(), absl::StatusCode::kInvalidArgument) << path;
}

}  // namespace
}  // namespace sluice
