#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "apps/controller/daemon.h"
#include "apps/controller/flags.h"
#include "base/log.h"
#include "os/process/protect_memory.h"

namespace {

// Blocked from the start and in every thread, so that only sigwait takes them.
sigset_t BlockEndSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

int Fail(absl::string_view message, int exit_code) {
  std::fprintf(stderr, "sluice-controller: %s\n", std::string(message).c_str());
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto flags = sluice::ParseFlags(argc, argv, exit_code);
  if (!flags) return exit_code;
  if (absl::Status s = sluice::InitLog("sluice-controller", flags->log_level); !s.ok())
    return Fail(s.message(), 2);
  if (::geteuid() != 0)
    return Fail("not root: the controller makes a WireGuard device; run it as root", 1);
  if (absl::Status s = sluice::ProtectMemory(); !s.ok()) return Fail(s.message(), 1);
  ::umask(0077);
  const sigset_t signals = BlockEndSignals();
  const absl::Status status = sluice::RunController(*flags, [&](absl::Duration at_most) {
    const timespec wait = absl::ToTimespec(at_most);
    return sigtimedwait(&signals, nullptr, &wait) > 0;
  });
  return status.ok() ? 0 : Fail(status.message(), 1);
}
