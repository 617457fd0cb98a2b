#include "wire/lease_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

#include "base/crypto.h"
#include "base/strings.h"
#include "model/quota.h"
#include "wire/fixed_bytes.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

Secret32 Seed() {
  Secret32 seed;
  seed.mutable_bytes()[0] = 1;
  return seed;
}

Lease GoodLease() {
  Lease lease;
  lease.fleet = "lab";
  lease.node = "a1";
  lease.boot_nonce.fill(3);
  lease.side = {{"a1", "b1"}, Role::kSend};
  lease.sequence = 7;
  lease.request_id.fill(4);
  lease.rate = BitRate{100'000'000};
  lease.burst = Bytes{125'000};
  lease.volume_limit = Bytes{1'000'000'000};
  lease.anchor = BootTime{5'000'000'000};
  lease.lifetime = absl::Seconds(30);
  return lease;
}

Lease GoodReceive() {
  Lease lease = GoodLease();
  lease.node = "b1";
  lease.side.role = Role::kReceive;
  lease.request_id = {};
  return lease;
}

// What a hostile or broken controller that has the right key could sign.
agent::v1::SignedLease SignProto(const agent::v1::Lease& proto) {
  agent::v1::SignedLease out;
  out.set_lease(proto.SerializeAsString());
  const std::string text = std::string("sluice lease v1\0", 16) + out.lease();
  out.set_signature(ToWireBytes(Ed25519Sign(Seed(), text)));
  return out;
}

absl::Status VerifyChanged(const std::function<void(agent::v1::Lease&)>& change) {
  agent::v1::Lease proto = ToProto(GoodLease());
  change(proto);
  return VerifyLease(Ed25519PublicKey(Seed()), SignProto(proto)).status();
}

void ExpectInvalid(const std::function<void(agent::v1::Lease&)>& change, std::string_view words) {
  absl::Status status = VerifyChanged(change);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr(std::string(words)));
}

void ExpectSame(const Lease& a, const Lease& b) {
  EXPECT_EQ(a.fleet, b.fleet);
  EXPECT_EQ(a.node, b.node);
  EXPECT_EQ(a.boot_nonce, b.boot_nonce);
  EXPECT_EQ(a.side, b.side);
  EXPECT_EQ(a.sequence, b.sequence);
  EXPECT_EQ(a.request_id, b.request_id);
  EXPECT_EQ(a.rate, b.rate);
  EXPECT_EQ(a.burst, b.burst);
  EXPECT_EQ(a.volume_limit, b.volume_limit);
  EXPECT_EQ(a.anchor, b.anchor);
  EXPECT_EQ(a.lifetime, b.lifetime);
}

TEST(LeaseCodecTest, SignedLeasesComeBackWhole) {
  for (const Lease& lease : {GoodLease(), GoodReceive()}) {
    absl::StatusOr<Lease> back = VerifyLease(Ed25519PublicKey(Seed()), SignLease(Seed(), lease));
    ASSERT_TRUE(back.ok()) << back.status();
    ExpectSame(*back, lease);
  }
}

TEST(LeaseCodecTest, TakesTheEndsOfTheRanges) {
  Lease least = GoodLease();
  least.rate = kMinRate;
  least.burst = kMinBurst;
  least.volume_limit = Bytes{0};
  least.sequence = 1;
  least.lifetime = absl::Nanoseconds(1);
  least.anchor = BootTime{1};
  EXPECT_TRUE(FromProto(ToProto(least)).ok());
  Lease most = GoodLease();
  most.rate = kMaxRate;
  most.burst = kMaxBurst;
  most.volume_limit = kMaxVolume;
  most.sequence = std::numeric_limits<uint64_t>::max();
  most.lifetime = kMaxLeaseLifetimeOnWire;
  EXPECT_TRUE(FromProto(ToProto(most)).ok());
}

TEST(LeaseCodecTest, RefusesAnotherKey) {
  Secret32 other;
  other.mutable_bytes()[0] = 2;
  absl::StatusOr<Lease> lease =
      VerifyLease(Ed25519PublicKey(other), SignLease(Seed(), GoodLease()));
  EXPECT_EQ(lease.status().code(), absl::StatusCode::kPermissionDenied);
}

TEST(LeaseCodecTest, RefusesEveryFlippedBitOfTheLease) {
  const agent::v1::SignedLease good = SignLease(Seed(), GoodLease());
  for (size_t bit = 0; bit < good.lease().size() * 8; ++bit) {
    agent::v1::SignedLease bad = good;
    char& byte = (*bad.mutable_lease())[bit / 8];
    byte = static_cast<char>(byte ^ (1 << (bit % 8)));
    EXPECT_EQ(VerifyLease(Ed25519PublicKey(Seed()), bad).status().code(),
              absl::StatusCode::kPermissionDenied)
        << bit;
  }
}

TEST(LeaseCodecTest, RefusesMissingOrCutSignatures) {
  agent::v1::SignedLease lease = SignLease(Seed(), GoodLease());
  lease.mutable_signature()->pop_back();
  EXPECT_FALSE(VerifyLease(Ed25519PublicKey(Seed()), lease).ok());
  lease.clear_signature();
  EXPECT_FALSE(VerifyLease(Ed25519PublicKey(Seed()), lease).ok());
  EXPECT_FALSE(VerifyLease(Ed25519PublicKey(Seed()), {}).ok());
}

TEST(LeaseCodecTest, RefusesASignatureWithoutTheDomain) {
  agent::v1::SignedLease lease;
  lease.set_lease(ToProto(GoodLease()).SerializeAsString());
  lease.set_signature(ToWireBytes(Ed25519Sign(Seed(), lease.lease())));
  EXPECT_EQ(VerifyLease(Ed25519PublicKey(Seed()), lease).status().code(),
            absl::StatusCode::kPermissionDenied);
  // The NUL that ends the domain belongs to it.
  lease.set_signature(ToWireBytes(Ed25519Sign(Seed(), "sluice lease v1" + lease.lease())));
  EXPECT_FALSE(VerifyLease(Ed25519PublicKey(Seed()), lease).ok());
}

TEST(LeaseCodecTest, RefusesSignedGarbage) {
  agent::v1::SignedLease lease;
  lease.set_lease("\xff\xff\xff");
  const std::string domain("sluice lease v1\0", 16);
  lease.set_signature(ToWireBytes(Ed25519Sign(Seed(), domain + lease.lease())));
  EXPECT_THAT(std::string(VerifyLease(Ed25519PublicKey(Seed()), lease).status().message()),
              HasSubstr("do not parse"));
  lease.set_lease(std::string(1025, 'x'));
  EXPECT_THAT(std::string(VerifyLease(Ed25519PublicKey(Seed()), lease).status().message()),
              HasSubstr("too many"));
}

TEST(LeaseCodecTest, RefusesFieldsItDoesNotKnow) {
  ExpectInvalid(
      [](agent::v1::Lease& proto) {
        proto.GetReflection()->MutableUnknownFields(&proto)->AddVarint(99, 1);
      },
      "update the agent");
}

TEST(LeaseCodecTest, RefusesBadFleetsAndNodes) {
  ExpectInvalid([](auto& p) { p.clear_fleet(); }, "fleet");
  ExpectInvalid([](auto& p) { p.set_fleet(std::string(65, 'x')); }, "fleet");
  ExpectInvalid([](auto& p) { p.set_fleet("a\nb"); }, "fleet");
  ExpectInvalid([](auto& p) { p.clear_node(); }, "node");
  ExpectInvalid([](auto& p) { p.set_node("A1"); }, "node");
}

TEST(LeaseCodecTest, RefusesBadNoncesAndRequestIds) {
  ExpectInvalid([](auto& p) { p.clear_boot_nonce(); }, "boot nonce has 0 bytes");
  ExpectInvalid([](auto& p) { p.set_boot_nonce(std::string(15, 'x')); }, "boot nonce has 15 bytes");
  ExpectInvalid([](auto& p) { p.set_boot_nonce(std::string(17, 'x')); }, "boot nonce has 17 bytes");
  ExpectInvalid([](auto& p) { p.set_boot_nonce(std::string(16, '\0')); }, "zeros");
  ExpectInvalid([](auto& p) { p.clear_request_id(); }, "request id");
  ExpectInvalid([](auto& p) { p.set_request_id("x"); }, "request id");
  ExpectInvalid([](auto& p) { p.set_request_id(std::string(16, '\0')); }, "zeros");
}

TEST(LeaseCodecTest, RefusesBadLinksAndRoles) {
  ExpectInvalid([](auto& p) { p.clear_link(); }, "link");
  ExpectInvalid([](auto& p) { p.set_link("a1>a1"); }, "same node");
  ExpectInvalid([](auto& p) { p.clear_role(); }, "role 0");
  ExpectInvalid([](auto& p) { p.set_role(static_cast<agent::v1::Role>(9)); }, "role 9");
}

TEST(LeaseCodecTest, RefusesANodeThatIsNotItsEndOfTheLink) {
  ExpectInvalid([](auto& p) { p.set_node("b1"); }, "does not send");
  ExpectInvalid([](auto& p) { p.set_role(agent::v1::ROLE_RECEIVE); }, "does not receive");
  ExpectInvalid([](auto& p) { p.set_link("a2>b1"); }, "does not send");
}

TEST(LeaseCodecTest, RefusesAmountsOutOfRange) {
  ExpectInvalid([](auto& p) { p.set_sequence(0); }, "sequence");
  ExpectInvalid([](auto& p) { p.set_rate_bps(kMinRate.bps - 1); }, "rate");
  ExpectInvalid([](auto& p) { p.set_rate_bps(kMaxRate.bps + 1); }, "rate");
  ExpectInvalid([](auto& p) { p.set_burst_bytes(kMinBurst.value - 1); }, "burst");
  ExpectInvalid([](auto& p) { p.set_burst_bytes(kMaxBurst.value + 1); }, "burst");
  ExpectInvalid([](auto& p) { p.set_volume_limit(kMaxVolume.value + 1); }, "volume");
  ExpectInvalid([](auto& p) { p.set_volume_limit(uint64_t{1} << 63); }, "volume");
}

TEST(LeaseCodecTest, RefusesTimesOutOfRange) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  ExpectInvalid([](auto& p) { p.set_anchor_ns(0); }, "anchor");
  ExpectInvalid([](auto& p) { p.set_anchor_ns(-1); }, "anchor");
  ExpectInvalid([](auto& p) { p.set_anchor_ns(kMost); }, "overflow");
  ExpectInvalid([](auto& p) { p.set_lifetime_ns(0); }, "lifetime");
  ExpectInvalid([](auto& p) { p.set_lifetime_ns(-1); }, "lifetime");
  ExpectInvalid([](auto& p) { p.set_lifetime_ns(kMost); }, "lifetime");
  ExpectInvalid(
      [](auto& p) { p.set_lifetime_ns(absl::ToInt64Nanoseconds(kMaxLeaseLifetimeOnWire) + 1); },
      "lifetime");
}

TEST(LeaseCodecTest, TakesTheLatestAnchorThatFits) {
  EXPECT_TRUE(VerifyChanged([](auto& p) {
                p.set_anchor_ns(std::numeric_limits<int64_t>::max() - p.lifetime_ns());
              }).ok());
}

}  // namespace
}  // namespace sluice
