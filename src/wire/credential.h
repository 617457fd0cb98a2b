// The controller's word on whose identity a key is.
#ifndef SLUICE_WIRE_CREDENTIAL_H_
#define SLUICE_WIRE_CREDENTIAL_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/crypto.h"
#include "base/secret.h"
#include "proto/agent.pb.h"

namespace sluice {

struct Credential {
  std::string fleet;
  std::string node;
  PublicKey identity{};
  friend bool operator==(const Credential&, const Credential&) = default;
};

// `signer` has the fleet's lease-signing key.
agent::v1::SignedCredential SignCredential(const Ed25519Signer& signer,
                                           const Credential& credential);

// PermissionDenied if `key` did not sign it; InvalidArgument if it is signed and does not parse.
absl::StatusOr<Credential> VerifyCredential(const PublicKey& key, std::string_view credential,
                                            std::string_view signature);

}  // namespace sluice

#endif  // SLUICE_WIRE_CREDENTIAL_H_
