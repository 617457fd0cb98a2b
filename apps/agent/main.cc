#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "apps/agent/commands.h"
#include "apps/agent/flags.h"
#include "base/log.h"
#include "os/process/protect_memory.h"

namespace {

absl::Status Main(const sluice::AgentFlags& flags) {
  if (::geteuid() != 0) {
    return absl::PermissionDeniedError(
        "not root: the agent attaches eBPF programs and makes tunnels; run it as root");
  }
  if (absl::Status s = sluice::ProtectMemory(); !s.ok()) return s;
  switch (flags.command) {
    case sluice::AgentFlags::Command::kJoin:
      return sluice::JoinCommand(flags);
    case sluice::AgentFlags::Command::kLeave:
      return sluice::LeaveCommand(flags);
    case sluice::AgentFlags::Command::kRun:
      return sluice::RunCommand(flags);
  }
  return absl::InternalError("unknown command");
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto flags = sluice::ParseFlags(argc, argv, exit_code);
  if (!flags) return exit_code;
  if (absl::Status s = sluice::InitLog("sluice-agent", flags->log_level); !s.ok()) {
    std::fprintf(stderr, "sluice-agent: %s\n", std::string(s.message()).c_str());
    return 2;
  }
  const absl::Status status = Main(*flags);
  if (status.ok()) return 0;
  // One line, whatever libraries put into their words.
  std::string words(status.message());
  std::replace(words.begin(), words.end(), '\n', ' ');
  std::fprintf(stderr, "sluice-agent: %s\n", words.c_str());
  return 1;
}
