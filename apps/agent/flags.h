// The agent's command line.
#ifndef SLUICE_APPS_AGENT_FLAGS_H_
#define SLUICE_APPS_AGENT_FLAGS_H_

#include <optional>
#include <string>
#include <vector>

#include "agent/apply/node_setup.h"

namespace sluice {

struct AgentFlags {
  enum class Command { kRun, kJoin, kLeave } command = Command::kRun;
  std::string state_directory = "/var/lib/sluice";
  std::string run_directory = "/run/sluice";
  std::string log_level = "info";
  std::string token;       // of join
  std::string token_file;  // of join and run
  NodePorts ports;
  std::vector<std::string> tamper_sockets;  // as on the command line (tamper_options.h)
  std::vector<std::string> tamper_files;
  std::vector<std::string> tamper_gpios;
  bool integrity_is_tamper = false;
};

// Nothing if the program is to end with `exit_code` at once: help was asked
// for, or the usage is wrong and stderr says how.
std::optional<AgentFlags> ParseFlags(int argc, char** argv, int& exit_code);

}  // namespace sluice

#endif  // SLUICE_APPS_AGENT_FLAGS_H_
