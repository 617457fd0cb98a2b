// The controller's signature under a version of the plan.
#ifndef SLUICE_WIRE_PLAN_SIGNATURE_H_
#define SLUICE_WIRE_PLAN_SIGNATURE_H_

#include <cstdint>
#include <string_view>

#include "base/crypto.h"

namespace sluice {

// Ed25519 over "sluice plan v1\0", the version (8 bytes, big endian), the fleet's name, a zero
// byte and the plan's text.
Signature SignPlan(const Ed25519Signer& signer, std::string_view fleet, uint64_t version,
                   std::string_view text);
bool VerifyPlan(const PublicKey& key, std::string_view fleet, uint64_t version,
                std::string_view text, const Signature& signature);

}  // namespace sluice

#endif  // SLUICE_WIRE_PLAN_SIGNATURE_H_
