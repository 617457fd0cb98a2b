// An operator's word that a tampered node may work again, signed by the controller.
#ifndef SLUICE_WIRE_READMISSION_H_
#define SLUICE_WIRE_READMISSION_H_

#include <string>

#include "absl/status/statusor.h"
#include "base/crypto.h"
#include "base/secret.h"
#include "model/tamper.h"
#include "proto/agent.pb.h"

namespace sluice {

struct Readmission {
  std::string fleet;
  std::string node;
  TamperId tamper_id{};  // the event that it ends, and no other
  friend bool operator==(const Readmission&, const Readmission&) = default;
};

// `signer` has the fleet's lease-signing key.
agent::v1::SignedReadmission SignReadmission(const Ed25519Signer& signer,
                                             const Readmission& readmission);

// PermissionDenied if `key` did not sign it; InvalidArgument if it is signed and does
// not parse. It does not say whether it is for this node or this event.
absl::StatusOr<Readmission> VerifyReadmission(const PublicKey& key,
                                              const agent::v1::SignedReadmission& signed_words);

}  // namespace sluice

#endif  // SLUICE_WIRE_READMISSION_H_
