#include "os/sensors/sensors.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "base/system_clock.h"
#include "os/sensors/waiter.h"

namespace sluice {
namespace {

class SensorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "sluice-sensors-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::system(("rm -rf " + root_).c_str()); }

  static bool Send(const std::string& path, std::string_view data) {
    const UnixFd fd(::socket(AF_UNIX, SOCK_DGRAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return ::sendto(fd.get(), data.data(), data.size(), 0,
                    reinterpret_cast<const sockaddr*>(&address),
                    sizeof address) == static_cast<ssize_t>(data.size());
  }
  // How long a wait for the descriptor takes, at most a minute.
  absl::Duration Waited(Waiter& waiter, int fd) {
    const BootTime before = clock_.Now();
    waiter.Wait({-1, fd}, absl::Minutes(1));
    return clock_.Now() - before;
  }

  SystemClock clock_;
  std::string root_;
};

TEST_F(SensorsTest, ADatagramComesWithItsSendersUser) {
  const std::string path = root_ + "/s";
  auto socket = BindDatagramSocket(path);
  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_EQ((*socket)->Receive().value(), std::nullopt);
  ASSERT_TRUE(Send(path, "hello"));
  Waiter waiter;
  EXPECT_LT(Waited(waiter, (*socket)->fd()), absl::Minutes(1));
  const auto datagram = (*socket)->Receive().value();
  ASSERT_TRUE(datagram.has_value());
  EXPECT_EQ(datagram->data, "hello");
  EXPECT_EQ(datagram->uid, ::geteuid());
  struct stat st {};
  ASSERT_EQ(::stat(path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 0777, 0600u);
}

TEST_F(SensorsTest, ASocketOfAnEarlierRunIsReplacedAndNothingElse) {
  const std::string path = root_ + "/s";
  ASSERT_TRUE(BindDatagramSocket(path).ok());
  EXPECT_TRUE(BindDatagramSocket(path).ok());
  std::ofstream(root_ + "/file") << "x";
  EXPECT_TRUE(absl::IsAlreadyExists(BindDatagramSocket(root_ + "/file").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(BindDatagramSocket(std::string(200, 'x')).status()));
}

TEST_F(SensorsTest, AChangedFileIsNoticed) {
  auto watch = WatchFile(root_ + "/f");
  ASSERT_TRUE(watch.ok()) << watch.status();
  Waiter waiter;
  std::ofstream(root_ + "/f") << "x";
  EXPECT_LT(Waited(waiter, (*watch)->fd()), absl::Minutes(1));
  (*watch)->Drain();
  ASSERT_EQ(::unlink((root_ + "/f").c_str()), 0);
  EXPECT_LT(Waited(waiter, (*watch)->fd()), absl::Minutes(1));
  EXPECT_FALSE(WatchFile(root_ + "/nowhere/f").ok());
}

TEST_F(SensorsTest, AWaiterIsWokenFromAnotherThread) {
  Waiter waiter;
  std::thread other([&] { waiter.Wake(); });
  EXPECT_LT(Waited(waiter, -1), absl::Minutes(1));
  other.join();
}

TEST_F(SensorsTest, AGpioChipThatIsNotThereIsAnError) {
  EXPECT_FALSE(RequestGpioLine("no-such-chip", 0).ok());
}

}  // namespace
}  // namespace sluice
