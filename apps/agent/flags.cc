#include "apps/agent/flags.h"

#include <CLI/CLI.hpp>

#include "apps/agent/tamper_options.h"

namespace sluice {
namespace {

// The kernel's limit, and nothing that would lead out of a directory.
std::string CheckDevice(const std::string& name) {
  const bool fits = !name.empty() && name.size() <= 15 && name != "." && name != "..";
  if (fits && name.find_first_of("/ \t\n:") == std::string::npos) return "";
  return "a device name has 1 to 15 characters and no '/', ':' or space: '" + name + "'";
}

void AddCommonFlags(CLI::App& app, AgentFlags& flags) {
  NodePorts& ports = flags.ports;
  const CLI::Validator device(CheckDevice, "DEVICE");
  app.add_option("--state-dir", flags.state_directory, "keys and enrolment, on a durable disk")
      ->capture_default_str();
  app.add_option("--run-dir", flags.run_directory, "what lives as long as the boot, on tmpfs")
      ->capture_default_str();
  app.add_option("--accelerator-port", ports.accelerator_port, "the port to the accelerators")
      ->capture_default_str()
      ->check(device);
  app.add_option("--fabric-port", ports.fabric_ports, "a port to the fabric; may be given again")
      ->capture_default_str()
      ->check(device);
  app.add_option("--tunnel-device", ports.tunnel_device, "the link tunnel's device")
      ->capture_default_str()
      ->check(device);
  app.add_option("--tunnel-port", ports.tunnel_port, "the link tunnel's UDP port")
      ->capture_default_str()
      ->check(CLI::Range(1, 65535));
  app.add_option("--control-device", ports.control_device, "the control tunnel's device")
      ->capture_default_str()
      ->check(device);
  app.add_option("--control-listen-port", ports.control_port, "the control tunnel's UDP port")
      ->capture_default_str()
      ->check(CLI::Range(1, 65535));
  app.add_option("--pin-dir", ports.pin_directory, "where the gate is pinned, on a bpffs")
      ->capture_default_str();
  app.add_option("--shaper", ports.shaper, "auto, edt or htb")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "edt", "htb"}));
  app.add_option("--log-level", flags.log_level, "trace, debug, info, warn, error or off")
      ->capture_default_str();
}

void AddTamperFlags(CLI::App& app, AgentFlags& flags) {
  const CLI::Validator sensor([](const std::string& text) { return CheckSensorOption(text); },
                              "PATH:KEYFILE[:INTERVAL]");
  const CLI::Validator gpio([](const std::string& text) { return CheckGpioOption(text); },
                            "CHIP:LINE[:low|high]");
  app.add_option("--tamper-socket", flags.tamper_sockets,
                 "a Unix datagram socket for a tamper sensor; may be given again")
      ->check(sensor);
  app.add_option("--tamper-file", flags.tamper_files,
                 "a file that a tamper sensor writes; may be given again")
      ->check(sensor);
  app.add_option("--tamper-gpio", flags.tamper_gpios,
                 "a GPIO line that is active when tampered with; may be given again")
      ->check(gpio);
  app.add_option_function<std::string>(
         "--integrity",
         [&flags](const std::string& what) { flags.integrity_is_tamper = what == "tamper"; },
         "what a gate, tunnel or clock changed by others is: heal (a fault, mended; the "
         "default) or tamper (the node shuts itself)")
      ->check(CLI::IsMember({"heal", "tamper"}));
}

}  // namespace

std::optional<AgentFlags> ParseFlags(int argc, char** argv, int& exit_code) {
  AgentFlags flags;
  flags.ports = {.accelerator_port = "acc0",
                 .fabric_ports = {"fab0"},
                 .tunnel_device = "slu0",
                 .tunnel_port = 51820,
                 .control_device = "slc0",
                 .control_port = 51821,
                 .pin_directory = "/sys/fs/bpf/sluice",
                 .shaper = "auto"};
  CLI::App app("sluice-agent: holds this node's links to their leases");
  app.set_version_flag("--version", SLUICE_VERSION);
  app.require_subcommand(0, 1);
  AddCommonFlags(app, flags);
  app.add_option("--token-file", flags.token_file,
                 "run: join with the token in it if not enrolled");
  AddTamperFlags(app, flags);
  CLI::App& run = *app.add_subcommand("run", "enforce leases until SIGTERM (the default)");
  AddCommonFlags(run, flags);
  run.add_option("--token-file", flags.token_file, "join with the token in it if not enrolled");
  AddTamperFlags(run, flags);
  CLI::App& join = *app.add_subcommand("join", "enrol this node with a one-time token");
  AddCommonFlags(join, flags);
  auto* token =
      join.add_option("--token", flags.token, "the token that `sluicectl node add` prints");
  join.add_option("--token-file", flags.token_file, "a file with the token")->excludes(token);
  CLI::App& leave = *app.add_subcommand("leave", "close all links and undo everything here");
  AddCommonFlags(leave, flags);
  try {
    app.parse(argc, argv);
    if (join.parsed() && flags.token.empty() && flags.token_file.empty()) {
      throw CLI::RequiredError("--token or --token-file");
    }
  } catch (const CLI::ParseError& error) {
    const bool asked = error.get_exit_code() == 0;
    app.exit(error);
    exit_code = asked ? 0 : 2;
    return std::nullopt;
  }
  if (join.parsed()) flags.command = AgentFlags::Command::kJoin;
  if (leave.parsed()) flags.command = AgentFlags::Command::kLeave;
  return flags;
}

}  // namespace sluice
