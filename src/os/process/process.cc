#include "os/process/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "absl/cleanup/cleanup.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr size_t kMaxOutput = 64 << 10;
constexpr char kDefaultPath[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::vector<char*> Pointers(std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  pointers.reserve(strings.size() + 1);
  for (std::string& s : strings) pointers.push_back(s.data());
  pointers.push_back(nullptr);
  return pointers;
}

absl::StatusOr<pid_t> Spawn(std::vector<std::string> command, std::vector<std::string> environment,
                            int output) {
  const char* path = std::getenv("PATH");
  environment.push_back(StrCat("PATH=", path != nullptr ? path : kDefaultPath));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  absl::Cleanup free_actions = [&] { posix_spawn_file_actions_destroy(&actions); };
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  absl::Cleanup free_attributes = [&] { posix_spawnattr_destroy(&attributes); };
  // A daemon blocks and ignores signals that its helpers must see.
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, command[0].c_str(), &actions, &attributes,
                                 Pointers(command).data(), Pointers(environment).data());
  if (error != 0) return ErrnoStatus(error, StrCat("starting ", command[0]));
  return pid;
}

// Reads until the last writer has closed or `deadline` has come.
absl::Status ReadOutput(int fd, absl::Time deadline, std::string& output) {
  std::array<char, 4096> buffer;
  for (;;) {
    const int64_t left = absl::ToInt64Milliseconds(deadline - absl::Now());
    if (left <= 0) return absl::DeadlineExceededError("it did not end in time");
    pollfd wait{fd, POLLIN, 0};
    const int ready = poll(&wait, 1, static_cast<int>(std::min<int64_t>(left, 60'000)));
    if (ready < 0 && errno != EINTR) return ErrnoStatus(errno, "waiting for output");
    if (ready <= 0) continue;
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "reading output");
    if (got == 0) return absl::OkStatus();
    if (output.size() < kMaxOutput) output.append(buffer.data(), static_cast<size_t>(got));
  }
}

// The wait status of `pid` once it has ended, or DeadlineExceeded.
absl::StatusOr<int> WaitFor(pid_t pid, absl::Time deadline) {
  for (;;) {
    int status = 0;
    const pid_t done = waitpid(pid, &status, WNOHANG);
    if (done == pid) return status;
    if (done < 0 && errno != EINTR) return ErrnoStatus(errno, "waiting for its end");
    if (absl::Now() >= deadline) return absl::DeadlineExceededError("it did not end in time");
    absl::SleepFor(absl::Milliseconds(2));
  }
}

}  // namespace

absl::StatusOr<ProcessResult> PosixProcessRunner::Run(const std::vector<std::string>& command,
                                                      const std::vector<std::string>& environment,
                                                      absl::Duration timeout) {
  if (command.empty()) return absl::InvalidArgumentError("no command to run");
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "making a pipe");
  absl::Cleanup close_read = [&] { close(ends[0]); };
  const absl::Time deadline = absl::Now() + timeout;
  absl::StatusOr<pid_t> pid = Spawn(command, environment, ends[1]);
  close(ends[1]);
  SLUICE_RETURN_IF_ERROR(pid.status());

  ProcessResult result;
  absl::Status read_status = ReadOutput(ends[0], deadline, result.output);
  absl::StatusOr<int> status = read_status.ok() ? WaitFor(*pid, deadline) : read_status;
  if (!status.ok()) {
    kill(-*pid, SIGKILL);
    int ignored = 0;
    while (waitpid(*pid, &ignored, 0) < 0 && errno == EINTR) {
    }
    return Annotate(status.status(), StrCat("running ", command[0]));
  }
  result.exit_code = WIFEXITED(*status) ? WEXITSTATUS(*status) : 128 + WTERMSIG(*status);
  return result;
}

}  // namespace sluice
