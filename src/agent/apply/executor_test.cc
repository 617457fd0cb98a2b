#include "agent/apply/executor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datapath/fake/fake_datapath.h"
#include "os/netlink/route_table_fake.h"
#include "tunnel/fake/tunnel_fake.h"

namespace sluice {
namespace {

class ExecutorTest : public ::testing::Test {
 protected:
  bool Unanswered() {
    EXPECT_TRUE(executor_.ReadPeers().ok());
    return executor_.actual().peers.at(0).unanswered;
  }

  ExecutorTest() { RandomBytes(device_->config.private_key.mutable_bytes()); }
  static PublicKey AfterOwn() {
    PublicKey key;
    key.fill(0xff);
    return key;
  }

  FakeClock clock_;
  FakeGate kernel_{clock_};
  FakeDatapath gate_{kernel_};
  std::shared_ptr<TunnelDeviceFake> device_ = std::make_shared<TunnelDeviceFake>();
  TunnelFake tunnel_{"slu0", device_};
  RouteTableFake routes_;
  Executor executor_{gate_, tunnel_, routes_};
};

TEST_F(ExecutorTest, APeerThatIsAskedAndSilentIsUnanswered) {
  const PublicKey key = AfterOwn();
  TunnelPeer added;
  added.key = key;
  ASSERT_TRUE(tunnel_.SetPeer(added).ok());
  TunnelPeerState& peer = device_->peers[key];
  EXPECT_FALSE(Unanswered());
  EXPECT_FALSE(Unanswered()) << "nobody has asked it";
  peer.sent_bytes = 148;
  EXPECT_FALSE(Unanswered()) << "the answer may be on its way";
  EXPECT_TRUE(Unanswered());
  peer.last_handshake = absl::Now();
  EXPECT_FALSE(Unanswered());
}

TEST_F(ExecutorTest, OfTwoThatAskEachOtherOneIsMorePatient) {
  const PublicKey key{};  // before any other
  TunnelPeer added;
  added.key = key;
  ASSERT_TRUE(tunnel_.SetPeer(added).ok());
  device_->peers[key].sent_bytes = 148;
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(Unanswered());
  EXPECT_TRUE(Unanswered());
}

}  // namespace
}  // namespace sluice
