// Signed leases: no bytes crash the check, and none without the signature pass.
// The input is also signed with the right key, to reach what lies behind the
// signature; what passes then, is within every range and comes back the same.
#include <google/protobuf/stubs/logging.h>

#include "base/crypto.h"
#include "base/strings.h"
#include "fuzz/fuzz.h"
#include "model/quota.h"
#include "wire/fixed_bytes.h"
#include "wire/lease_codec.h"
#include "wire/report_codec.h"

using namespace sluice;

namespace {

const Secret32& Seed() {
  static const Secret32 seed = HkdfSha256("fuzz", "", "");
  return seed;
}

void CheckRanges(const Lease& lease) {
  Require(lease.rate >= kMinRate && lease.rate <= kMaxRate);
  Require(lease.burst >= kMinBurst && lease.burst <= kMaxBurst);
  Require(lease.volume_limit <= kMaxVolume && lease.sequence > 0);
  Require(lease.ExpiresAt() > lease.anchor);
  Require(lease.node ==
          (lease.side.role == Role::kSend ? lease.side.link.src : lease.side.link.dst));
}

void CheckReport(std::string_view bytes) {
  agent::v1::LinkReport proto;
  if (!proto.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  auto report = FromProto(proto);
  if (!report.ok()) return;
  auto again = FromProto(ToProto(*report));
  Require(again.ok() && again->admitted == report->admitted && again->drops == report->drops &&
          again->fault == report->fault && again->side == report->side);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);  // it would log every input that is not UTF-8
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const PublicKey key = Ed25519PublicKey(Seed());
  std::string_view bytes = AsText(data, size);
  agent::v1::SignedLease raw;
  if (raw.ParseFromArray(data, static_cast<int>(size))) Require(!VerifyLease(key, raw).ok());
  CheckReport(bytes);

  agent::v1::SignedLease good;
  good.set_lease(std::string(bytes));
  const std::string domain("sluice lease v1\0", 16);
  good.set_signature(ToWireBytes(Ed25519Sign(Seed(), domain + good.lease())));
  auto lease = VerifyLease(key, good);
  if (!lease.ok()) return 0;
  CheckRanges(*lease);
  auto again = VerifyLease(key, SignLease(Seed(), *lease));
  Require(again.ok() && again->ExpiresAt() == lease->ExpiresAt() && again->side == lease->side);
  return 0;
}
