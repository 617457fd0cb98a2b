#include "agent/session/join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/crypto.h"
#include "os/files/files_fake.h"
#include "os/netlink/route_table_fake.h"
#include "tunnel/fake/tunnel_fake.h"
#include "wire/fixed_bytes.h"
#include "wire/join_token.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class JoinTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* device : {"acc0", "fab0"}) routes_.AddDevice(device, "veth");
    routes_.AddDevice("slc0", "wireguard");
    ASSERT_TRUE(routes_.AddAddress("acc0", {ParseIpAddress("10.1.0.1").value(), 24}).ok());
    token_.node = "a1";
    token_.endpoint = "192.0.2.9:51819";
    token_.controller_key = {2};
    token_.secret.mutable_bytes()[3] = 9;
    token_.address = ParseIpAddress("fd73:6c75:6963:6500::2:1").value();
    token_.controller = ParseEndpoint("[fd73:6c75:6963:6500::1]:7443").value();
    token_.expires = absl::FromUnixSeconds(1'800'000'000);
    reply_.set_fleet("f1");
    reply_.set_node("a1");
    reply_.set_enclosure("east");
    reply_.set_control_address("fd73:6c75:6963:6500::1:1");
    reply_.set_lease_key(std::string(32, 'k'));
  }

  absl::StatusOr<Enrolment> Run() { return Run(EncodeJoinToken(token_)); }
  absl::StatusOr<Enrolment> Run(const std::string& text) {
    NodePorts ports{.accelerator_port = "acc0",
                    .fabric_ports = {"fab0"},
                    .tunnel_device = "slu0",
                    .tunnel_port = 51820,
                    .control_device = "slc0",
                    .control_port = 51821,
                    .pin_directory = "/pins",
                    .shaper = "auto"};
    NodeSetup setup(ports, {routes_, tunnels_, files_});
    IdentityStore store(files_, "/state");
    return Join(text, setup, store, ParseEndpointText,
                [this](const Endpoint& controller, const agent::v1::EnrolRequest& request,
                       absl::Duration) -> absl::StatusOr<agent::v1::EnrolReply> {
                  called_ = controller;
                  requests_.push_back(request);
                  tunnel_during_call_ = tunnels_.device("slc0")->config;
                  if (during_call_) during_call_();
                  if (!failure_.ok()) return failure_;
                  return reply_;
                });
  }
  static absl::StatusOr<Endpoint> ParseEndpointText(const std::string& text) {
    return ParseEndpoint(text);
  }

  JoinToken token_;
  agent::v1::EnrolReply reply_;
  absl::Status failure_;
  std::function<void()> during_call_;
  std::optional<Endpoint> called_;
  std::vector<agent::v1::EnrolRequest> requests_;
  TunnelConfig tunnel_during_call_;
  RouteTableFake routes_;
  TunnelFactoryFake tunnels_;
  FilesFake files_;
};

TEST_F(JoinTest, EnrolsThroughTheTokensTunnelAndTakesItAway) {
  const auto enrolment = Run();
  ASSERT_TRUE(enrolment.ok()) << enrolment.status();
  EXPECT_EQ(enrolment->node, "a1");
  EXPECT_EQ(enrolment->controller, token_.controller);
  EXPECT_EQ(called_, token_.controller);
  EXPECT_TRUE(std::ranges::equal(tunnel_during_call_.private_key.bytes(),
                                 JoinTunnelKey(token_.secret).bytes()));
  EXPECT_EQ(tunnels_.device("slc0"), nullptr);
  EXPECT_THAT(requests_[0].accelerator_prefixes(), ElementsAre("10.1.0.0/24"));
  EXPECT_TRUE(IdentityStore(files_, "/state").Load().ok());
}

TEST_F(JoinTest, RegistersTheKeysThatItKeeps) {
  ASSERT_TRUE(Run().ok());
  const auto keys = IdentityStore(files_, "/state").Keys();
  ASSERT_TRUE(keys.ok());
  EXPECT_EQ(requests_[0].identity_key(), ToWireBytes(Ed25519PublicKey(keys->identity)));
  EXPECT_EQ(requests_[0].control_key(), ToWireBytes(X25519PublicKey(keys->control)));
}

TEST_F(JoinTest, AJoinThatWasCutShortIsRepeatedWithTheSameKeys) {
  // The reply was sent, but what it said could not be stored.
  during_call_ = [this] { files_.FailWrites(absl::ResourceExhaustedError("no space left")); };
  EXPECT_FALSE(Run().ok());
  files_.FailWrites(absl::OkStatus());
  during_call_ = nullptr;
  ASSERT_TRUE(Run().ok());
  ASSERT_EQ(requests_.size(), 2u);
  EXPECT_EQ(requests_[0].identity_key(), requests_[1].identity_key());
  EXPECT_EQ(requests_[0].control_key(), requests_[1].control_key());
}

TEST_F(JoinTest, WithoutAPlaceForKeysTheTokenIsNotUsedUp) {
  files_.FailWrites(absl::PermissionDeniedError("read-only file system"));
  EXPECT_THAT(std::string(Run().status().message()), HasSubstr("read-only"));
  EXPECT_TRUE(requests_.empty());
}

TEST_F(JoinTest, AMistypedTokenIsRefusedWithoutTheNetwork) {
  std::string text = EncodeJoinToken(token_);
  text[20] = text[20] == 'A' ? 'B' : 'A';
  const absl::Status s = Run(text).status();
  EXPECT_TRUE(absl::IsInvalidArgument(s)) << s;
  EXPECT_TRUE(requests_.empty());
}

TEST_F(JoinTest, TheControllersWordsReachTheOperator) {
  failure_ = absl::PermissionDeniedError(
      "this token was used at 2026-01-01; make a new one with `sluicectl node add`");
  const absl::Status s = Run().status();
  EXPECT_THAT(std::string(s.message()), HasSubstr("this token was used at 2026-01-01"));
  EXPECT_EQ(tunnels_.device("slc0"), nullptr);
  EXPECT_TRUE(absl::IsNotFound(IdentityStore(files_, "/state").Load().status()));
}

TEST_F(JoinTest, NoHandshakeMeansUnreachableOrUnknownToken) {
  failure_ = absl::UnavailableError("the controller was not reached");
  const std::string message(Run().status().message());
  EXPECT_THAT(message, HasSubstr("no answer from the controller at 192.0.2.9:51819 within 10s"));
  EXPECT_THAT(message, HasSubstr("does not know this token"));
}

TEST_F(JoinTest, AHandshakeWithoutServiceIsTheControllersFault) {
  failure_ = absl::UnavailableError("the controller was not reached");
  during_call_ = [this] {
    for (auto& [key, peer] : tunnels_.device("slc0")->peers)
      peer.last_handshake = absl::UnixEpoch();
  };
  EXPECT_THAT(std::string(Run().status().message()), HasSubstr("its service does not answer"));
}

TEST_F(JoinTest, AnEnrolledNodeDoesNotJoinAgain) {
  ASSERT_TRUE(Run().ok());
  const absl::Status s = Run().status();
  EXPECT_TRUE(absl::IsAlreadyExists(s));
  EXPECT_THAT(std::string(s.message()), HasSubstr("sluice-agent leave"));
}

TEST_F(JoinTest, ARepliesNonsenseIsNotStored) {
  reply_.set_lease_key("short");
  EXPECT_THAT(std::string(Run().status().message()), HasSubstr("lease key"));
  EXPECT_TRUE(absl::IsNotFound(IdentityStore(files_, "/state").Load().status()));
}

}  // namespace
}  // namespace sluice
