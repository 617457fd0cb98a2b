#include "wire/plan_signature.h"

#include <string>

#include "base/strings.h"

namespace sluice {
namespace {

constexpr char kPlanDomain[] = "sluice plan v1";

std::string PlanSigned(std::string_view fleet, uint64_t version, std::string_view text) {
  std::string number;
  for (int shift = 56; shift >= 0; shift -= 8) number += static_cast<char>(version >> shift);
  return StrCat(std::string_view(kPlanDomain, sizeof(kPlanDomain)), number, fleet,
                std::string_view("\0", 1), text);
}

}  // namespace

Signature SignPlan(const Ed25519Signer& signer, std::string_view fleet, uint64_t version,
                   std::string_view text) {
  return signer.Sign(PlanSigned(fleet, version, text));
}

bool VerifyPlan(const PublicKey& key, std::string_view fleet, uint64_t version,
                std::string_view text, const Signature& signature) {
  return Ed25519Verify(
      key, PlanSigned(fleet, version, text),
      std::string_view(reinterpret_cast<const char*>(signature.data()), signature.size()));
}

}  // namespace sluice
