#include "agent/tamper/integrity_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto.h"
#include "os/files/files_fake.h"
#include "os/netlink/route_table_fake.h"
#include "tunnel/fake/tunnel_fake.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

class IntegrityCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    routes_.AddDevice("slu0", "wireguard");
    files_.files["/run/boot"] = "nonce";
    NewKey();
    check_.Settle();
  }
  void NewKey() {
    TunnelConfig config;
    config.private_key = NewSecret();
    ASSERT_TRUE(tunnel_.Configure(config).ok());
  }
  auto Look(const absl::Status& gate = {}) { return check_.Look(gate, BootTime{7}); }
  static auto From(const std::string& source) {
    return ElementsAre(Field(&TamperEvent::source, source));
  }

  RouteTableFake routes_;
  FilesFake files_;
  std::shared_ptr<TunnelDeviceFake> device_ = std::make_shared<TunnelDeviceFake>();
  TunnelFake tunnel_{"slu0", device_};
  ClockReading clocks_;
  IntegrityCheck check_{{tunnel_, routes_, files_, [this] { return clocks_; }}, "/run/boot"};
};

TEST_F(IntegrityCheckTest, NothingChangedIsNothing) { EXPECT_THAT(Look(), IsEmpty()); }

TEST_F(IntegrityCheckTest, AnAlteredGateIsTampering) {
  EXPECT_THAT(Look(absl::InternalError("detached")),
              ElementsAre(TamperEvent{"gate", "detached", BootTime{7}}));
}

TEST_F(IntegrityCheckTest, AnotherTunnelKeyIsTampering) {
  NewKey();
  EXPECT_THAT(Look(), From("tunnel"));
  check_.Settle();
  EXPECT_THAT(Look(), IsEmpty());
}

TEST_F(IntegrityCheckTest, AnotherTunnelDeviceIsTampering) {
  routes_.AddDevice("slu0", "wireguard");
  routes_.AddDevice("other", "veth");
  device_->fail_with = absl::NotFoundError("gone");
  EXPECT_THAT(Look(), From("tunnel"));
}

TEST_F(IntegrityCheckTest, AnotherAgentsBootFileIsTampering) {
  files_.files["/run/boot"] = "another";
  EXPECT_THAT(Look(), From("run directory"));
}

TEST_F(IntegrityCheckTest, ASteppedClockIsTampering) {
  ASSERT_THAT(Look(), IsEmpty());
  clocks_.monotonic += absl::Seconds(3);
  clocks_.boot += absl::Seconds(3);
  EXPECT_THAT(Look(), From("clock"));
}

}  // namespace
}  // namespace sluice
