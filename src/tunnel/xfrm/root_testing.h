// Two machines with a tunnel between them, for tests under a kernel with ESP.
#ifndef SLUICE_TUNNEL_XFRM_ROOT_TESTING_H_
#define SLUICE_TUNNEL_XFRM_ROOT_TESTING_H_

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>

#include "base/strings.h"
#include "base/system_clock.h"
#include "os/files/files.h"
#include "os/netlink/test_namespace.h"
#include "os/netlink/xfrm.h"
#include "tunnel/xfrm/test_epochs.h"
#include "tunnel/xfrm/xfrm_tunnel.h"

namespace sluice::testing {

inline constexpr char kMarker[] = "THE-QUICK-BROWN-FOX-IN-CLEAR";
inline constexpr uint16_t kPort = 7007;
inline constexpr uint32_t kMark = 0x51;

inline sockaddr_in6 SocketAddress(const std::string& text, uint16_t port) {
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  // IPv4 by mapped addresses: one kind of socket serves both.
  const std::string mapped = text.find(':') == std::string::npos ? "::ffff:" + text : text;
  inet_pton(AF_INET6, mapped.c_str(), &address.sin6_addr);
  return address;
}

// A UDP socket in a namespace. Numbered datagrams carry the marker.
class Talker {
 public:
  Talker(const TestNamespace& ns, uint16_t port, const std::string& from = "::") {
    ns.In([&] { fd_ = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0); });
    const int room = 8 << 20;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
    const sockaddr_in6 address = SocketAddress(from, port);
    EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Talker() { close(fd_); }
  Talker(const Talker&) = delete;
  Talker& operator=(const Talker&) = delete;

  // An error is a packet that was not sent, as it is on a device that is silent.
  void Send(const std::string& to, uint32_t number, size_t size = 200) const {
    std::string data = StrCat(number, " ", kMarker);
    data.resize(std::max(size, data.size()), 'x');
    const sockaddr_in6 address = SocketAddress(to, kPort);
    for (int attempt = 0; attempt < 3; ++attempt) {
      // The error of an earlier packet comes with the next and keeps that from being sent.
      if (sendto(fd_, data.data(), data.size(), 0, reinterpret_cast<const sockaddr*>(&address),
                 sizeof(address)) >= 0) {
        return;
      }
    }
  }
  // The numbers of all that has arrived, when nothing has come for `quiet_ms`. The first may
  // take longer where the processor is emulated: keys are set up, neighbours are found.
  std::multiset<uint32_t> Heard(int quiet_ms) const {
    std::multiset<uint32_t> numbers;
    constexpr int kFirstMs = 1500;
    char data[2048];
    pollfd poller{fd_, POLLIN, 0};
    while (poll(&poller, 1, numbers.empty() ? std::max(quiet_ms, kFirstMs) : quiet_ms) > 0) {
      const ssize_t size = recv(fd_, data, sizeof(data) - 1, MSG_DONTWAIT);
      if (size <= 0) continue;
      data[size] = 0;
      numbers.insert(static_cast<uint32_t>(std::strtoul(data, nullptr, 10)));
    }
    return numbers;
  }

 private:
  int fd_ = -1;
};

// Sees every frame on fab0 of a namespace.
class Sniffer {
 public:
  explicit Sniffer(const TestNamespace& ns) {
    ns.In([&] {
      fd_ = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
      sockaddr_ll address{};
      address.sll_family = AF_PACKET;
      address.sll_protocol = htons(ETH_P_ALL);
      address.sll_ifindex = static_cast<int>(if_nametoindex("fab0"));
      EXPECT_EQ(bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    });
    const int room = 16 << 20;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
  }
  ~Sniffer() { close(fd_); }
  Sniffer(const Sniffer&) = delete;
  Sniffer& operator=(const Sniffer&) = delete;

  struct Seen {
    int esp = 0;
    int other_ip = 0;  // but ICMPv6, which neighbours need
    int clear = 0;     // frames with the marker
  };
  Seen Look() const {
    Seen seen;
    char frame[4096];
    for (;;) {
      const ssize_t size = recv(fd_, frame, sizeof(frame), MSG_DONTWAIT);
      if (size < 0) return seen;
      const std::string_view data(frame, static_cast<size_t>(size));
      if (data.find(kMarker) != std::string_view::npos) ++seen.clear;
      const int type = size < 34 ? 0 : (data[12] & 0xff) << 8 | (data[13] & 0xff);
      if (type != ETH_P_IP && (type != ETH_P_IPV6 || size < 54)) continue;
      const int protocol = type == ETH_P_IP ? data[23] : data[20];
      const int next = type == ETH_P_IPV6 && protocol == 0 ? data[54] : protocol;  // MLD
      if (next == IPPROTO_ESP) {
        ++seen.esp;
      } else if (next != IPPROTO_ICMPV6) {
        ++seen.other_ip;
      }
    }
  }

 private:
  int fd_ = -1;
};

// One machine: fab0 towards the other, and the tunnel device.
struct Machine {
  explicit Machine(bool is_far) : far(is_far) {}
  const bool far;
  TestNamespace ns;
  std::string directory;
  std::unique_ptr<XfrmTunnelFactory> factory;
  std::unique_ptr<Tunnel> tunnel;
  std::unique_ptr<NetlinkXfrm> xfrm;
  uint32_t if_id = 0;
  std::string Inner4() const { return far ? "10.7.0.2" : "10.7.0.1"; }
  std::string Inner6() const { return far ? "fd07::2" : "fd07::1"; }
  std::string Outer(bool v6) const {
    return v6 ? (far ? "[2001:db8:9::2]:1" : "[2001:db8:9::1]:1")
              : (far ? "10.9.0.2:1" : "10.9.0.1:1");
  }
};

// A connection from one machine to the other through the tunnel.
class TcpPair {
 public:
  TcpPair(const Machine& from, const Machine& to) {
    const sockaddr_in6 at = SocketAddress(to.Inner4(), kPort);
    const auto* address = reinterpret_cast<const sockaddr*>(&at);
    const int listener = to.ns.In([] { return socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0); });
    EXPECT_EQ(bind(listener, address, sizeof(at)), 0);
    EXPECT_EQ(listen(listener, 1), 0);
    near_ = from.ns.In([] { return socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0); });
    EXPECT_EQ(connect(near_, address, sizeof(at)), 0);
    far_ = accept(listener, nullptr, nullptr);
    close(listener);
  }
  ~TcpPair() {
    close(near_);
    close(far_);
  }
  TcpPair(const TcpPair&) = delete;
  TcpPair& operator=(const TcpPair&) = delete;
  // And says that there is no more.
  void Send(size_t bytes) const {
    const std::string data(64 << 10, 'x');
    while (bytes > 0) {
      const ssize_t sent = send(near_, data.data(), std::min(bytes, data.size()), MSG_NOSIGNAL);
      if (sent <= 0) break;
      bytes -= static_cast<size_t>(sent);
    }
    shutdown(near_, SHUT_WR);
  }
  size_t HearAll() const {
    char data[64 << 10];
    size_t bytes = 0;
    for (ssize_t got = 1; got > 0; bytes += static_cast<size_t>(std::max<ssize_t>(got, 0))) {
      got = recv(far_, data, sizeof(data), 0);
    }
    return bytes;
  }

 private:
  int near_ = -1, far_ = -1;
};

class XfrmRootTest : public ::testing::Test {
 protected:
  static constexpr char kDevice[] = "slx0";

  void SetUp() override {
    ASSERT_TRUE(
        a_.ns.Shell(StrCat("ip link add fab0 type veth peer name fab0 netns ", b_.ns.Path())));
    top_ = StrCat("/tmp/sluice-xfrm-test-", static_cast<int>(getpid()));
    for (Machine* m : {&a_, &b_}) {
      const int host = m->far ? 2 : 1;
      ASSERT_TRUE(Ip(*m, StrCat("addr add 10.9.0.", host, "/24 dev fab0\naddr add 2001:db8:9::",
                                host, "/64 dev fab0 nodad\nlink set fab0 up")));
      m->directory = StrCat(top_, m->far ? "/b" : "/a");
      m->factory = std::make_unique<XfrmTunnelFactory>(files_, m->directory, clock_);
    }
    const auto probed = a_.ns.In([&] { return a_.factory->Probe(); });
    if (absl::IsFailedPrecondition(probed.status())) GTEST_SKIP() << probed.status();
    ASSERT_TRUE(probed.ok()) << probed.status();
    for (Machine* m : {&a_, &b_}) Start(*m);
  }
  void TearDown() override {
    for (Machine* m : {&a_, &b_}) {
      if (m->tunnel == nullptr) continue;
      const absl::Status destroyed = m->ns.In([&] { return m->tunnel->Destroy(); });
      EXPECT_TRUE(destroyed.ok()) << destroyed;
      EXPECT_TRUE(m->xfrm->Sas(m->if_id)->empty());
      EXPECT_TRUE(m->xfrm->Policies(m->if_id)->empty());
      EXPECT_TRUE(absl::IsNotFound(m->xfrm->Device(kDevice).status()));
    }
    std::filesystem::remove_all(top_);
  }

  // Lines for ip(8), in one process: starting one takes long on an emulated processor.
  static bool Ip(const Machine& m, const std::string& lines) {
    return m.ns.Shell(StrCat("ip -batch - <<'END'\n", lines, "\nEND"));
  }
  void Open(Machine& m, bool adopted) {
    m.ns.In([&] {
      auto opened = m.factory->Open(kDevice);
      ASSERT_TRUE(opened.ok()) << opened.status();
      EXPECT_EQ(opened->adopted, adopted);
      m.tunnel = std::move(opened->tunnel);
      TunnelConfig config;
      config.mark = kMark;
      config.mtu = 1400;
      const absl::Status configured = m.tunnel->Configure(config);
      ASSERT_TRUE(configured.ok()) << configured;
    });
  }
  void Start(Machine& m) {
    Open(m, false);
    auto xfrm = m.ns.In([] { return NetlinkXfrm::Open(); });
    ASSERT_TRUE(xfrm.ok());
    m.xfrm = std::move(*xfrm);
    const auto device = m.xfrm->Device(kDevice);
    ASSERT_TRUE(device.ok()) << device.status();
    m.if_id = device->if_id;
    ASSERT_TRUE(Ip(m, StrCat("addr add ", m.Inner4(), "/24 dev slx0\naddr add ", m.Inner6(),
                             "/64 dev slx0 nodad")));
  }

  // Of the epochs, those to which `fresh` says yes come with their keys.
  absl::Status Set(Machine& m, const std::vector<uint64_t>& known,
                   const std::vector<uint64_t>& fresh, uint64_t send, bool v6 = false) {
    const Machine& other = m.far ? a_ : b_;
    TunnelPeer peer;
    peer.key.fill(other.far ? 0xb : 0xa);
    peer.endpoint = *ParseEndpoint(other.Outer(v6));
    peer.allowed = {*ParseIpPrefix(other.Inner4()), *ParseIpPrefix(other.Inner6())};
    for (const auto& more : more_) peer.allowed.push_back(*ParseIpPrefix(more));
    for (const uint64_t number : known) peer.epochs.push_back(KnownEpoch(number));
    for (const uint64_t number : fresh) peer.epochs.push_back(TestEpoch(number, m.far));
    peer.send_epoch = send;
    return m.ns.In([&] { return m.tunnel->SetPeer(peer); });
  }
  static PublicKey PeerKey(const Machine& m) {
    PublicKey key;
    key.fill(m.far ? 0xa : 0xb);
    return key;
  }
  void Connect(bool v6 = false) {
    for (Machine* m : {&a_, &b_}) {
      const absl::Status set = Set(*m, {}, {1}, 1, v6);
      ASSERT_TRUE(set.ok()) << set;
    }
  }
  // From the epoch before `next` to that, at both ends.
  absl::Status Rotate(uint64_t next) {
    const uint64_t last = next - 1;
    absl::Status status;
    for (Machine* m : {&b_, &a_}) status.Update(Set(*m, {last}, {next}, last));
    for (Machine* m : {&b_, &a_}) status.Update(Set(*m, {last, next}, {}, next));
    usleep(300'000);  // what is on its way
    for (Machine* m : {&b_, &a_}) status.Update(Set(*m, {next}, {}, next));
    return status;
  }
  // Whether IPsec there has dropped nothing for whatever reason.
  static bool CountsNoError(const Machine& m) {
    return m.ns.Shell("awk '$2 != 0 {print; bad = 1} END {exit bad}' /proc/net/xfrm_stat");
  }
  absl::Status Limit(Machine& m, Role role, uint64_t bytes, absl::Duration lifetime) {
    return m.ns.In([&] { return m.tunnel->Limit(PeerKey(m), role, {Bytes{bytes}, lifetime}); });
  }
  // How many of `count` datagrams from one machine arrive at the other.
  static size_t Carries(const Machine& from, const Machine& to, bool v6, uint32_t count = 3,
                        size_t size = 200) {
    const Talker sender(from.ns, 0), receiver(to.ns, kPort);
    for (uint32_t i = 0; i < count; ++i) sender.Send(v6 ? to.Inner6() : to.Inner4(), i, size);
    return receiver.Heard(400).size();
  }
  static std::vector<XfrmSaState> Sas(const Machine& m) { return *m.xfrm->Sas(m.if_id); }
  // The SA with that SPI as it is now; all zero if there is none.
  static XfrmSaState Sa(const Machine& m, uint32_t spi) {
    for (const XfrmSaState& state : Sas(m)) {
      if (state.sa.spi == spi) return state;
    }
    return {};
  }

  SystemFiles files_;
  SystemClock clock_;
  std::string top_;
  std::vector<std::string> more_;  // inner addresses that each peer may use besides its own
  Machine a_{false}, b_{true};
};

}  // namespace sluice::testing

#endif  // SLUICE_TUNNEL_XFRM_ROOT_TESTING_H_
