#include "os/process/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "absl/time/clock.h"

namespace sluice {
namespace {

TEST(ProcessTest, GivesOutputAndExitCode) {
  PosixProcessRunner runner;
  const auto result =
      runner.Run({"sh", "-c", "echo out; echo err >&2; exit 7"}, {}, absl::Seconds(10));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 7);
  EXPECT_EQ(result->output, "out\nerr\n");
}

TEST(ProcessTest, SaysThatAProgramIsMissing) {
  PosixProcessRunner runner;
  const auto result = runner.Run({"sluice-no-such-program"}, {}, absl::Seconds(10));
  EXPECT_TRUE(absl::IsNotFound(result.status())) << result.status();
}

TEST(ProcessTest, PassesOnlyTheGivenEnvironment) {
  setenv("SLUICE_TEST_SECRET", "leak", 1);
  PosixProcessRunner runner;
  const auto result = runner.Run({"env"}, {"GREETING=hello"}, absl::Seconds(10));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_NE(result->output.find("GREETING=hello"), std::string::npos);
  EXPECT_EQ(result->output.find("SLUICE_TEST_SECRET"), std::string::npos);
}

TEST(ProcessTest, RunsInASessionOfItsOwnWithoutOurDescriptors) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);  // not close-on-exec
  PosixProcessRunner runner;
  const auto result = runner.Run({"sh", "-c",
                                  "ls /proc/self/fd | tr '\\n' ' '; read -r line || echo end; "
                                  "[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo leader"},
                                 {}, absl::Seconds(10));
  close(ends[0]);
  close(ends[1]);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "0 1 2 3 end\nleader\n");  // 3: the directory that ls reads
}

TEST(ProcessTest, KillsWhatDoesNotEndInTime) {
  PosixProcessRunner runner;
  const absl::Time start = absl::Now();
  const auto result = runner.Run({"sleep", "600"}, {}, absl::Milliseconds(200));
  EXPECT_TRUE(absl::IsDeadlineExceeded(result.status())) << result.status();
  EXPECT_LT(absl::Now() - start, absl::Seconds(20));
}

TEST(ProcessTest, ReportsASignal) {
  PosixProcessRunner runner;
  const auto result = runner.Run({"sh", "-c", "kill -9 $$"}, {}, absl::Seconds(10));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->exit_code, 128 + SIGKILL);
}

TEST(ProcessTest, LetsADaemonLiveOn) {
  PosixProcessRunner runner;
  const auto result = runner.Run({"sh", "-c", "sleep 600 </dev/null >/dev/null 2>&1 & echo $!"}, {},
                                 absl::Seconds(10));
  ASSERT_TRUE(result.ok()) << result.status();
  const pid_t pid = std::stoi(result->output);
  EXPECT_EQ(kill(pid, 0), 0);
  EXPECT_EQ(kill(pid, SIGKILL), 0);
}

TEST(ProcessTest, CutsEndlessOutputShort) {
  PosixProcessRunner runner;
  const auto result = runner.Run({"sh", "-c", "head -c 1000000 /dev/zero"}, {}, absl::Seconds(10));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LE(result->output.size(), 68U * 1024);
}

}  // namespace
}  // namespace sluice
