#include "wire/readmission.h"

#include "base/status.h"
#include "base/strings.h"
#include "wire/fixed_bytes.h"

namespace sluice {
namespace {

constexpr char kReadmitDomain[] = "sluice readmit v1";

std::string ReadmitText(std::string_view readmission) {
  return StrCat(std::string_view(kReadmitDomain, sizeof(kReadmitDomain)), readmission);
}

}  // namespace

agent::v1::SignedReadmission SignReadmission(const Ed25519Signer& signer,
                                             const Readmission& readmission) {
  agent::v1::Readmission proto;
  proto.set_fleet(readmission.fleet);
  proto.set_node(readmission.node);
  proto.set_tamper_id(ToWireBytes(readmission.tamper_id));
  agent::v1::SignedReadmission out;
  out.set_readmission(proto.SerializeAsString());
  out.set_signature(ToWireBytes(signer.Sign(ReadmitText(out.readmission()))));
  return out;
}

absl::StatusOr<Readmission> VerifyReadmission(const PublicKey& key,
                                              const agent::v1::SignedReadmission& signed_words) {
  if (!Ed25519Verify(key, ReadmitText(signed_words.readmission()), signed_words.signature()))
    return absl::PermissionDeniedError("the readmission is not signed by the controller");
  agent::v1::Readmission proto;
  if (!proto.ParseFromString(signed_words.readmission()))
    return absl::InvalidArgumentError("the readmission does not parse");
  Readmission out{proto.fleet(), proto.node(), {}};
  SLUICE_ASSIGN_OR_RETURN(out.tamper_id, FromWireBytes<16>("the tamper id", proto.tamper_id()));
  return out;
}

}  // namespace sluice
