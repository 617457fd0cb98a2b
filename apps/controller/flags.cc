#include "apps/controller/flags.h"

#include <CLI/CLI.hpp>

#include "base/strings.h"
#include "base/units.h"
#include "model/quota.h"
#include "wire/join_token.h"
#include "wire/lease_codec.h"

namespace sluice {
namespace {

// The kernel's limit, and nothing that would lead out of a directory.
std::string CheckDevice(const std::string& name) {
  const bool fits = !name.empty() && name.size() <= 15 && name != "." && name != "..";
  if (fits && name.find_first_of("/ \t\n:") == std::string::npos) return "";
  return "a device name has 1 to 15 characters and no '/', ':' or space: '" + name + "'";
}

std::string CheckFleet(const std::string& name) {
  const bool printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (printable && !name.empty() && name.size() <= kMaxFleetNameLength) return "";
  return "a fleet's name has 1 to 64 printable characters and no space";
}

std::string CheckEndpoint(const std::string& text) {
  const absl::Status status = CheckHostPort("endpoint", text);
  return std::string(status.message());
}

CLI::Option* AddDuration(CLI::App& app, const std::string& name, absl::Duration& value,
                         absl::Duration least, absl::Duration most, const std::string& help) {
  const auto take = [&value, least, most](const std::string& text) {
    const absl::StatusOr<absl::Duration> parsed = ParseDuration(text);
    if (!parsed.ok()) throw CLI::ValidationError(std::string(parsed.status().message()));
    if (*parsed < least || *parsed > most)
      throw CLI::ValidationError(
          StrCat(text, " is not within ", FormatExact(least), " to ", FormatExact(most)));
    value = *parsed;
  };
  return app.add_option_function<std::string>(name, take, help)->type_name("DURATION");
}

void AddOptions(CLI::App& app, ControllerFlags& flags) {
  app.add_option("--state-dir", flags.state_directory, "ledger and keys, on a durable local disk")
      ->capture_default_str();
  app.add_option("--run-dir", flags.run_directory, "what lives as long as the boot, on tmpfs")
      ->capture_default_str();
  app.add_option("--fleet", flags.fleet, "the fleet's name; the ledger belongs to it")
      ->required()
      ->check(CLI::Validator(CheckFleet, "NAME"));
  app.add_option("--endpoint", flags.endpoint,
                 "where agents reach the control tunnel; goes into join tokens")
      ->required()
      ->check(CLI::Validator(CheckEndpoint, "HOST:PORT"));
  app.add_option("--control-device", flags.control_device, "the control tunnel's device")
      ->capture_default_str()
      ->check(CLI::Validator(CheckDevice, "DEVICE"));
  app.add_option("--control-port", flags.control_port, "the control tunnel's UDP port")
      ->capture_default_str()
      ->check(CLI::Range(1, 65535));
  app.add_option("--grpc-port", flags.grpc_port, "TCP, inside the control tunnel only")
      ->capture_default_str()
      ->check(CLI::Range(1, 65535));
  auto* listen =
      app.add_option("--api-listen", flags.api_listen, "where operators are served; loopback only");
  listen->capture_default_str();
  app.add_option("--api-fd", flags.api_fd, "a listening loopback socket to serve instead")
      ->check(CLI::Range(0, 1'000'000))
      ->excludes(listen);
  AddDuration(app, "--heartbeat", flags.heartbeat, absl::Milliseconds(20), absl::Seconds(10),
              "how often agents report [200ms]");
  AddDuration(app, "--token-lifetime", flags.token_lifetime, absl::Seconds(1), absl::Hours(24 * 7),
              "how long a join token is good [1h]");
  app.add_option("--clock-rate-error", flags.clock_rate_error,
                 "by how much an agent's clock may run slow or fast, as a fraction")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.1));
  AddDuration(app, "--enforcement-delay", flags.enforcement_delay, absl::Milliseconds(1),
              absl::Seconds(10), "how late a gate may close [10ms]");
  app.add_option("--dark-node", flags.dark_node,
                 "what becomes of a node that missed three heartbeats: suspend (its links are "
                 "closed until it speaks), quarantine (until an operator readmits it) or ignore")
      ->capture_default_str()
      ->check(CLI::IsMember({"suspend", "quarantine", "ignore"}));
  app.add_option("--tunnel", flags.tunnel,
                 "what the links are encrypted by: wireguard, xfrm (the kernel's IPsec), or auto: "
                 "wireguard, since every node that can join can do it")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "wireguard", "xfrm"}));
  AddDuration(app, "--key-lifetime", flags.key_lifetime, absl::Seconds(1), absl::Hours(24 * 7),
              "after which the next epoch of two nodes' keys begins [10m]");
  const auto take_volume = [&flags](const std::string& text) {
    const absl::StatusOr<Bytes> parsed = ParseBytes(text);
    if (!parsed.ok()) throw CLI::ValidationError(std::string(parsed.status().message()));
    if (*parsed < Bytes{1'000'000}) throw CLI::ValidationError(text + " is less than 1MB");
    flags.key_volume = *parsed;
  };
  app.add_option_function<std::string>(
         "--key-volume", take_volume,
         "or when both directions have carried so much under one epoch [1TB]")
      ->type_name("BYTES");
  app.add_option("--log-level", flags.log_level, "trace, debug, info, warn, error or off")
      ->capture_default_str();
}

}  // namespace

std::optional<ControllerFlags> ParseFlags(int argc, char** argv, int& exit_code) {
  ControllerFlags flags;
  CLI::App app("sluice-controller: leases a fleet's links to its nodes");
  app.set_version_flag("--version", SLUICE_VERSION);
  AddOptions(app, flags);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  return flags;
}

}  // namespace sluice
