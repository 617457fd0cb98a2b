// Real tunnels between two network namespaces, by whatever WireGuard this
// machine has.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/strings.h"
#include "os/netlink/route_table.h"
#include "os/netlink/test_namespace.h"
#include "os/process/process.h"
#include "tunnel/wireguard/userspace_backend.h"
#include "tunnel/wireguard/wireguard_tunnel.h"

namespace sluice {
namespace {

// The socket directory does not know namespaces, so names must be unique.
std::string UniqueDevice(char side) {
  return StrCat("slt", static_cast<int>(getpid()) % 1'000'000, std::string(1, side));
}

// One end: a namespace with a veth end "fab0" and a tunnel device.
struct End {
  TestNamespace ns;
  std::string device;
  Secret32 key = NewSecret();
  std::unique_ptr<Tunnel> tunnel;
};

class WireguardRootTest : public ::testing::Test {
 protected:
  WireguardRootTest() {
    a_.device = UniqueDevice('a');
    b_.device = UniqueDevice('b');
    EXPECT_TRUE(
        a_.ns.Shell(StrCat("ip link add fab0 type veth peer name fab0 netns ", b_.ns.Path())));
    EXPECT_TRUE(a_.ns.Shell("ip addr add 10.9.0.1/24 dev fab0 && ip link set fab0 up"));
    EXPECT_TRUE(b_.ns.Shell("ip addr add 10.9.0.2/24 dev fab0 && ip link set fab0 up"));
  }
  ~WireguardRootTest() override {
    for (End* end : {&a_, &b_}) {
      if (end->tunnel == nullptr) continue;
      EXPECT_TRUE(end->ns.In([&] { return end->tunnel->Destroy(); }).ok());
      EXPECT_FALSE(end->ns.Shell(StrCat("ip link show ", end->device, " >/dev/null 2>&1")));
      EXPECT_FALSE(UserspaceWireguard(end->device).Answers());
    }
  }

  void Open(End& end, bool adopted) {
    end.ns.In([&] {
      auto opened = factory_.Open(end.device);
      ASSERT_TRUE(opened.ok()) << opened.status();
      EXPECT_EQ(opened->adopted, adopted);
      end.tunnel = std::move(opened->tunnel);
    });
  }
  void Up(End& end, const std::string& address) {
    Open(end, false);
    end.ns.In([&] {
      TunnelConfig config;
      config.private_key = end.key;
      config.listen_port = 51820;
      config.mark = 0x51;
      config.mtu = 1400;
      const absl::Status status = end.tunnel->Configure(config);
      ASSERT_TRUE(status.ok()) << status;
    });
    ASSERT_TRUE(end.ns.Shell(StrCat("ip addr add ", address, "/24 dev ", end.device)));
  }
  static TunnelPeer PeerOf(const End& end, const std::string& endpoint,
                           const std::string& allowed) {
    TunnelPeer peer;
    peer.key = X25519PublicKey(end.key);
    if (!endpoint.empty()) peer.endpoint = *ParseEndpoint(endpoint);
    peer.allowed = {*ParseIpPrefix(allowed)};
    return peer;
  }
  void Connect() {
    Up(a_, "10.7.0.1");
    Up(b_, "10.7.0.2");
    ASSERT_TRUE(SetPeer(a_, PeerOf(b_, "10.9.0.2:51820", "10.7.0.2/32")).ok());
    ASSERT_TRUE(SetPeer(b_, PeerOf(a_, "", "10.7.0.1/32")).ok());
  }
  static absl::Status SetPeer(End& end, const TunnelPeer& peer) {
    return end.ns.In([&] { return end.tunnel->SetPeer(peer); });
  }
  bool Pings() { return a_.ns.Shell("ping -q -c 1 -W 5 10.7.0.2 >/dev/null"); }

  PosixProcessRunner runner_;
  WireguardTunnelFactory factory_{runner_};
  End a_, b_;
};

TEST_F(WireguardRootTest, CarriesPacketsBetweenTwoNamespaces) {
  Connect();
  ASSERT_TRUE(Pings());
  const auto peers = a_.ns.In([&] { return a_.tunnel->Peers(); });
  ASSERT_TRUE(peers.ok()) << peers.status();
  ASSERT_EQ(peers->size(), 1U);
  EXPECT_GT((*peers)[0].sent_bytes, 0U);
  EXPECT_GT((*peers)[0].received_bytes, 0U);
  EXPECT_TRUE((*peers)[0].last_handshake.has_value());
  const auto learnt = b_.ns.In([&] { return b_.tunnel->Peers(); });
  ASSERT_TRUE(learnt.ok());
  ASSERT_TRUE((*learnt)[0].peer.endpoint.has_value()) << "learnt from a's first packet";
  EXPECT_EQ((*learnt)[0].peer.endpoint->ToString(), "10.9.0.1:51820");
  EXPECT_TRUE(a_.ns.Shell(StrCat("ip link show ", a_.device, " | grep -q 'mtu 1400'")));
}

TEST_F(WireguardRootTest, RemovesAPeerForGood) {
  Connect();
  ASSERT_TRUE(Pings());
  const absl::Status removed =
      b_.ns.In([&] { return b_.tunnel->RemovePeer(X25519PublicKey(a_.key)); });
  ASSERT_TRUE(removed.ok()) << removed;
  EXPECT_TRUE(b_.ns.In([&] { return b_.tunnel->Peers(); })->empty());
  EXPECT_FALSE(a_.ns.Shell("ping -q -c 3 -i 0.1 -W 1 10.7.0.2 >/dev/null"));
}

TEST_F(WireguardRootTest, TakesARunningTunnelOver) {
  Connect();
  ASSERT_TRUE(Pings());
  a_.tunnel.reset();  // as if the agent had been killed
  ASSERT_TRUE(Pings()) << "the tunnel needs no agent";
  Open(a_, true);
  a_.ns.In([&] {
    TunnelConfig config;  // the agent need not know the private key any more
    config.listen_port = 51820;
    config.mark = 0x51;
    config.mtu = 1400;
    const absl::Status status = a_.tunnel->Configure(config);
    EXPECT_TRUE(status.ok()) << status;
    EXPECT_EQ(*a_.tunnel->public_key(), X25519PublicKey(a_.key));
    EXPECT_EQ(a_.tunnel->Peers()->size(), 1U) << "peers stay";
  });
  EXPECT_TRUE(Pings());
}

TEST_F(WireguardRootTest, ReplacesAPeersAddresses) {
  Connect();
  ASSERT_TRUE(SetPeer(a_, PeerOf(b_, "10.9.0.2:51820", "10.7.0.9/32")).ok());
  EXPECT_FALSE(a_.ns.Shell("ping -q -c 2 -i 0.1 -W 1 10.7.0.2 >/dev/null 2>&1"));
  ASSERT_TRUE(SetPeer(a_, PeerOf(b_, "10.9.0.2:51820", "10.7.0.2/32")).ok());
  EXPECT_TRUE(Pings());
}

TEST_F(WireguardRootTest, RefusesAPortInUse) {
  a_.ns.In([&] {
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(51820);
    ASSERT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    auto opened = factory_.Open(a_.device);
    ASSERT_TRUE(opened.ok()) << opened.status();
    a_.tunnel = std::move(opened->tunnel);
    TunnelConfig config;
    config.private_key = a_.key;
    config.listen_port = 51820;
    const absl::Status status = a_.tunnel->Configure(config);
    EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
    close(fd);
    EXPECT_TRUE(a_.tunnel->Configure(config).ok()) << "and takes it once it is free";
  });
}

TEST_F(WireguardRootTest, ClearsAStaleSocketAway) {
  const UserspaceWireguard stale(a_.device);
  ASSERT_TRUE(a_.ns.Shell(StrCat("mkdir -p ", kWireguardSocketDirectory)));
  ASSERT_TRUE(
      a_.ns.Shell(StrCat("python3 -c \"import socket; "
                         "socket.socket(socket.AF_UNIX).bind('",
                         stale.socket_path(), "')\"")));
  EXPECT_FALSE(stale.Answers());
  Open(a_, false);
}

TEST_F(WireguardRootTest, TellsANameThatAnotherNamespaceHas) {
  Open(a_, false);
  if (a_.tunnel->backend() != "wireguard (wireguard-go)") GTEST_SKIP() << "only for wireguard-go";
  b_.ns.In([&] {
    const auto opened = factory_.Open(a_.device);
    EXPECT_TRUE(absl::IsAlreadyExists(opened.status())) << opened.status();
  });
}

}  // namespace
}  // namespace sluice
