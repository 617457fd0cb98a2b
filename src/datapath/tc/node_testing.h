// A node for tests: accelerators, ports and a tunnel device whose far end the
// test itself holds, so that it counts what leaves without asking the gate.
#ifndef SLUICE_DATAPATH_TC_NODE_TESTING_H_
#define SLUICE_DATAPATH_TC_NODE_TESTING_H_

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/system_clock.h"
#include "datapath/tc/tc_datapath.h"
#include "os/netlink/test_namespace.h"

namespace sluice::testing {

// Notes what it was asked for.
class RecordingShaper final : public Shaper {
 public:
  struct Log {
    std::vector<std::pair<uint32_t, BitRate>> applied;
    std::vector<uint32_t> closed;
    int removed = 0;
    absl::Status apply_status;
    absl::Status verify_status;
  };
  explicit RecordingShaper(Log& log) : log_(log) {}
  absl::StatusOr<Started> Start(const std::string&, const std::string&) override {
    return Started{SLUICE_SHAPER_HTB, {"shaper", "recording", "a test"}};
  }
  absl::StatusOr<ShaperWords> Apply(uint32_t slot, BitRate rate, Bytes) override {
    if (!log_.apply_status.ok()) return log_.apply_status;
    log_.applied.emplace_back(slot, rate);
    return ShaperWords{1'000'000, 1'000'000'000, 0};
  }
  absl::Status Close(uint32_t slot) override {
    log_.closed.push_back(slot);
    return absl::OkStatus();
  }
  absl::Status Verify(const std::vector<uint32_t>&) override { return log_.verify_status; }
  absl::Status Remove() override {
    ++log_.removed;
    return absl::OkStatus();
  }

 private:
  Log& log_;
};

// Namespaces: accelerators (eth0, 10.1.0.2, fd00:1::2) - node (acc0, 10.1.0.1;
// fab0, 192.0.2.1; slu0, the tunnel) - network (eth0, 192.0.2.2). The node routes
// 10.2.0.0/24 and fd00:2::/64 into the tunnel.
class NodeTest : public ::testing::Test {
 protected:
  static constexpr char kPins[] = "/tmp/sluice-gate-test-bpffs";

  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "network namespaces and BPF need root";
    MountPins();
    accelerators_ = std::make_unique<TestNamespace>();
    network_ = std::make_unique<TestNamespace>();
    node_ = std::make_unique<TestNamespace>();
    ASSERT_TRUE(node_->Shell(
        "ip link add acc0 type veth peer name eth0 netns " + accelerators_->Path() +
        " && ip link add fab0 type veth peer name eth0 netns " + network_->Path() +
        " && ip addr add 10.1.0.1/24 dev acc0 && ip addr add fd00:1::1/64 dev acc0 nodad"
        " && ip addr add 192.0.2.1/24 dev fab0"
        " && for f in all default acc0 fab0; do echo 0 >/proc/sys/net/ipv4/conf/$f/rp_filter; done"
        " && echo 1 >/proc/sys/net/ipv4/ip_forward"
        " && echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"));
    OpenTunnel();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_TRUE(node_->Shell(
        "echo 0 >/proc/sys/net/ipv4/conf/slu0/rp_filter; ip link set acc0 up && ip link set fab0 up"
        " && ip link set slu0 up && ip route add 10.2.0.0/24 dev slu0"
        " && ip route add fd00:2::/64 dev slu0"));
    ASSERT_TRUE(accelerators_->Shell(
        "ip addr add 10.1.0.2/24 dev eth0 && ip addr add fd00:1::2/64 dev eth0 nodad"
        " && ip link set eth0 up && ip route add default via 10.1.0.1"
        " && ip route add default via fd00:1::1"));
    ASSERT_TRUE(network_->Shell("ip addr add 192.0.2.2/24 dev eth0 && ip link set eth0 up"));
  }

  void TearDown() override {
    datapath_ = nullptr;
    if (tunnel_ >= 0) close(tunnel_);
    node_ = nullptr;
    if (mounted_) umount2(kPins, MNT_DETACH);
    if (mounted_) rmdir(kPins);
  }

  static DatapathConfig Config() {
    DatapathConfig config;
    config.accelerator_port = "acc0";
    config.fabric_ports = {"fab0"};
    config.tunnel_device = "slu0";
    config.pin_directory = absl::StrCat(kPins, "/node");
    config.tunnel_port = 51820;
    config.control_port = 51821;
    config.tunnel_mark = 0x1510;
    return config;
  }

  // Calls `f` on the datapath from within the node.
  template <typename F>
  auto Do(F&& f) {
    return node_->In([&] { return f(*datapath_); });
  }
  // A new object, as after a restart of the process; what is in the kernel stays.
  absl::StatusOr<Datapath::Started> Start() {
    datapath_ = nullptr;
    datapath_ = std::make_unique<TcDatapath>(std::make_unique<RecordingShaper>(log_), clock_);
    return Do([](Datapath& d) { return d.Start(Config()); });
  }
  void StartWithRoutes() {
    const auto started = Start();
    ASSERT_TRUE(started.ok()) << started.status();
    ASSERT_TRUE(SetRoutes(Routes()).ok());
    const std::vector<IpPrefix> own{ParseIpPrefix("10.1.0.0/24").value(),
                                    ParseIpPrefix("fd00:1::/64").value()};
    ASSERT_TRUE(Do([&](Datapath& d) { return d.SetOwnPrefixes(own); }).ok());
    Arrived();  // what the node itself sent before there was a gate
  }
  absl::Status SetRoutes(const std::vector<GateRoute>& routes) {
    return Do([&](Datapath& d) { return d.SetRoutes(routes); });
  }
  static std::vector<GateRoute> Routes() {
    std::vector<GateRoute> routes;
    for (const char* prefix : {"10.2.0.0/24", "fd00:2::/64"}) {
      routes.push_back({ParseIpPrefix(prefix).value(), kSend});
      routes.push_back({ParseIpPrefix(prefix).value(), kReceive});
    }
    return routes;
  }
  static GateLease Lease(uint64_t volume, absl::Duration lifetime = absl::Hours(1)) {
    GateLease lease;
    lease.sequence = 7;
    lease.rate = BitRate{10'000'000'000};
    lease.burst = Bytes{1'000'000};
    lease.volume_limit = Bytes{volume};
    lease.expires_at = SystemClock().Now() + lifetime;
    return lease;
  }
  absl::Status Apply(const LinkSide& side, const GateLease& lease) {
    return Do([&](Datapath& d) { return d.Apply(side, lease); });
  }
  LinkReport Report(const LinkSide& side) {
    const auto reading = Do([](Datapath& d) { return d.Read(); });
    if (!reading.ok()) return {};
    for (const LinkReport& report : reading->links)
      if (report.side == side) return report;
    return {};
  }

  // Sends UDP datagrams of `payload` bytes from the accelerators. With
  // `segment`, in one super-packet that the kernel would cut into such pieces.
  void Send(int count, size_t payload, const char* to = "10.2.0.2", uint16_t segment = 0) {
    accelerators_->In([&] {
      const bool v6 = std::strchr(to, ':') != nullptr;
      const int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      sockaddr_storage address = Address(to, 9);
      const int size = segment;
      if (segment != 0) {
        EXPECT_EQ(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof(size)), 0);
      }
      const std::string data(payload, 'x');
      for (int i = 0; i < count; ++i)
        sendto(fd, data.data(), data.size(), 0, reinterpret_cast<sockaddr*>(&address),
               v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
      close(fd);
    });
  }
  static sockaddr_storage Address(const char* text, uint16_t port) {
    sockaddr_storage out{};
    if (std::strchr(text, ':') != nullptr) {
      auto* v6 = reinterpret_cast<sockaddr_in6*>(&out);
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(port);
      inet_pton(AF_INET6, text, &v6->sin6_addr);
    } else {
      auto* v4 = reinterpret_cast<sockaddr_in*>(&out);
      v4->sin_family = AF_INET;
      v4->sin_port = htons(port);
      inet_pton(AF_INET, text, &v4->sin_addr);
    }
    return out;
  }

  // What has come out of the tunnel since the last call: packets of accelerators.
  struct Count {
    uint64_t packets = 0;
    uint64_t bytes = 0;
  };
  Count Arrived() {
    Count count;
    std::vector<char> buffer(70'000);
    pollfd poller{tunnel_, POLLIN, 0};
    while (poll(&poller, 1, 150) > 0) {
      const ssize_t size = read(tunnel_, buffer.data(), buffer.size());
      if (size <= 0) break;
      ++count.packets;
      count.bytes += static_cast<uint64_t>(size);
    }
    return count;
  }
  // Puts a packet into the node as if it had been decrypted.
  void Decrypted(const std::string& packet) {
    EXPECT_EQ(write(tunnel_, packet.data(), packet.size()), static_cast<ssize_t>(packet.size()));
  }

  // Makes the device slu0. A test of another tunnel does it in its own way.
  virtual void OpenTunnel() {
    node_->In([&] {
      tunnel_ = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
      ifreq request{};
      std::strncpy(request.ifr_name, "slu0", sizeof(request.ifr_name) - 1);
      request.ifr_flags = IFF_TUN | IFF_NO_PI;
      EXPECT_EQ(ioctl(tunnel_, TUNSETIFF, &request), 0) << std::strerror(errno);
    });
  }

  inline static const LinkSide kSend{{"a1", "b1"}, Role::kSend};
  inline static const LinkSide kReceive{{"b1", "a1"}, Role::kReceive};

  SystemClock clock_;
  RecordingShaper::Log log_;
  std::unique_ptr<TestNamespace> accelerators_;
  std::unique_ptr<TestNamespace> network_;
  std::unique_ptr<TestNamespace> node_;
  std::unique_ptr<TcDatapath> datapath_;
  int tunnel_ = -1;

 private:
  // A BPF file system of its own, which goes with this process.
  void MountPins() {
    static const bool alone =
        unshare(CLONE_NEWNS) == 0 && mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    ASSERT_TRUE(alone);
    std::filesystem::create_directories(kPins);
    ASSERT_EQ(mount("bpf", kPins, "bpf", 0, nullptr), 0) << std::strerror(errno);
    mounted_ = true;
  }
  bool mounted_ = false;
};

}  // namespace sluice::testing

#endif  // SLUICE_DATAPATH_TC_NODE_TESTING_H_
