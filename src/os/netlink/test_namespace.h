// Network namespaces for tests that need root.
#ifndef SLUICE_OS_NETLINK_TEST_NAMESPACE_H_
#define SLUICE_OS_NETLINK_TEST_NAMESPACE_H_

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

namespace sluice {

// A network namespace that lives as long as this object (and what uses it).
class TestNamespace {
 public:
  // Aborts without root: such a test cannot run at all.
  TestNamespace() {
    Within home;
    if (unshare(CLONE_NEWNET) != 0) std::abort();
    fd_ = OpenCurrent();
    Run("ip link set lo up");
  }
  ~TestNamespace() { close(fd_); }
  TestNamespace(const TestNamespace&) = delete;
  TestNamespace& operator=(const TestNamespace&) = delete;

  // Calls `f` with the calling thread in the namespace.
  template <typename F>
  auto In(F&& f) const {
    Within home;
    if (setns(fd_, CLONE_NEWNET) != 0) std::abort();
    return std::forward<F>(f)();
  }
  // Runs a shell command there; true if it succeeded.
  bool Shell(const std::string& command) const {
    return In([&] { return Run(command); });
  }
  // What the calling thread's namespace can be named by in ip(8) "netns".
  std::string Path() const {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(fd_);
  }

 private:
  // Goes back to where it was made.
  struct Within {
    int fd = OpenCurrent();
    ~Within() {
      if (setns(fd, CLONE_NEWNET) != 0) std::abort();
      close(fd);
    }
  };
  static int OpenCurrent() { return open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }
  static bool Run(const std::string& command) {
    const int status = std::system(command.c_str());
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  int fd_ = -1;
};

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_TEST_NAMESPACE_H_
