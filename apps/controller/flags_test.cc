#include "apps/controller/flags.h"

#include <gtest/gtest.h>

#include <vector>

namespace sluice {
namespace {

struct Parsed {
  std::optional<ControllerFlags> flags;
  int exit_code = -1;
};

Parsed Parse(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "sluice-controller");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  Parsed parsed;
  parsed.flags = ParseFlags(static_cast<int>(argv.size()), argv.data(), parsed.exit_code);
  return parsed;
}

const std::vector<std::string> kLeast = {"--fleet", "lab", "--endpoint", "192.0.2.1:51819"};

Parsed ParseWith(std::vector<std::string> more) {
  more.insert(more.end(), kLeast.begin(), kLeast.end());
  return Parse(std::move(more));
}

TEST(FlagsTest, DefaultsNeedOnlyFleetAndEndpoint) {
  const Parsed parsed = Parse(kLeast);
  ASSERT_TRUE(parsed.flags);
  EXPECT_EQ(parsed.flags->fleet, "lab");
  EXPECT_EQ(parsed.flags->control_port, 51819);
  EXPECT_EQ(parsed.flags->api_fd, -1);
  EXPECT_EQ(Parse({"--fleet", "lab"}).exit_code, 2);
  EXPECT_EQ(Parse({"--endpoint", "192.0.2.1:1"}).exit_code, 2);
}

TEST(FlagsTest, DurationsAreReadAsPeopleWriteThem) {
  const Parsed parsed = ParseWith({"--heartbeat", "500ms", "--token-lifetime", "1h30m"});
  ASSERT_TRUE(parsed.flags);
  EXPECT_EQ(parsed.flags->heartbeat, absl::Milliseconds(500));
  EXPECT_EQ(parsed.flags->token_lifetime, absl::Minutes(90));
}

TEST(FlagsTest, BadValuesAreUsageErrors) {
  const std::vector<std::vector<std::string>> bad = {
      {"--heartbeat", "soon"},     {"--heartbeat", "1h"},
      {"--control-port", "0"},     {"--control-port", "70000"},
      {"--control-device", "a/b"}, {"--control-device", "much-too-long-name"},
      {"--clock-rate-error", "2"}, {"--api-fd", "3", "--api-listen", "127.0.0.1:1"},
      {"--no-such-flag"},          {"stray"},
  };
  for (const auto& arguments : bad) {
    EXPECT_EQ(ParseWith(arguments).exit_code, 2) << arguments[0] << " " << arguments.back();
  }
  EXPECT_EQ(Parse({"--fleet", "two words", "--endpoint", "192.0.2.1:1"}).exit_code, 2);
  EXPECT_EQ(Parse({"--fleet", "lab", "--endpoint", "192.0.2.1"}).exit_code, 2);
}

TEST(FlagsTest, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(Parse({"--help"}).exit_code, 0);
  EXPECT_EQ(Parse({"--version"}).exit_code, 0);
}

}  // namespace
}  // namespace sluice
