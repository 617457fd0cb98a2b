#include "wire/credential.h"

#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "model/names.h"
#include "wire/fixed_bytes.h"

namespace sluice {
namespace {

constexpr char kCredentialDomain[] = "sluice node v1";

std::string CredentialText(std::string_view credential) {
  return StrCat(std::string_view(kCredentialDomain, sizeof(kCredentialDomain)), credential);
}

}  // namespace

agent::v1::SignedCredential SignCredential(const Ed25519Signer& signer,
                                           const Credential& credential) {
  agent::v1::Credential proto;
  proto.set_fleet(credential.fleet);
  proto.set_node(credential.node);
  proto.set_identity_key(ToWireBytes(credential.identity));
  agent::v1::SignedCredential out;
  out.set_credential(proto.SerializeAsString());
  out.set_signature(ToWireBytes(signer.Sign(CredentialText(out.credential()))));
  return out;
}

absl::StatusOr<Credential> VerifyCredential(const PublicKey& key, std::string_view credential,
                                            std::string_view signature) {
  if (!Ed25519Verify(key, CredentialText(credential), signature))
    return absl::PermissionDeniedError("the credential is not signed by the controller");
  agent::v1::Credential proto;
  if (!proto.ParseFromArray(credential.data(), static_cast<int>(credential.size())))
    return absl::InvalidArgumentError("the credential does not parse");
  SLUICE_RETURN_IF_ERROR(CheckName("node", proto.node()));
  Credential out{proto.fleet(), proto.node(), {}};
  SLUICE_ASSIGN_OR_RETURN(out.identity,
                          FromWireBytes<32>("the identity key", proto.identity_key()));
  return out;
}

}  // namespace sluice
