#include "wire/credential.h"

#include <gtest/gtest.h>

#include "wire/plan_signature.h"

namespace sluice {
namespace {

class CredentialTest : public ::testing::Test {
 protected:
  const Ed25519Signer controller_{NewSecret()};
  const Credential credential_{"lab", "a1", Ed25519PublicKey(NewSecret())};
};

TEST_F(CredentialTest, ComesBackAsItWasSigned) {
  const auto words = SignCredential(controller_, credential_);
  const auto read =
      VerifyCredential(controller_.public_key(), words.credential(), words.signature());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, credential_);
}

TEST_F(CredentialTest, NobodyElseCanMakeOrChangeOne) {
  const auto words = SignCredential(Ed25519Signer(NewSecret()), credential_);
  EXPECT_EQ(VerifyCredential(controller_.public_key(), words.credential(), words.signature())
                .status()
                .code(),
            absl::StatusCode::kPermissionDenied);
  auto own = SignCredential(controller_, credential_);
  own.mutable_credential()->back() ^= 1;
  EXPECT_FALSE(VerifyCredential(controller_.public_key(), own.credential(), own.signature()).ok());
}

TEST_F(CredentialTest, ASignedOneThatMakesNoSenseIsRefused) {
  Credential bad = credential_;
  bad.node = "no name";
  const auto words = SignCredential(controller_, bad);
  EXPECT_EQ(VerifyCredential(controller_.public_key(), words.credential(), words.signature())
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(CredentialTest, ThePlansSignatureCoversFleetVersionAndText) {
  const Signature signature = SignPlan(controller_, "lab", 3, "graph f {}");
  const PublicKey& key = controller_.public_key();
  EXPECT_TRUE(VerifyPlan(key, "lab", 3, "graph f {}", signature));
  EXPECT_FALSE(VerifyPlan(key, "lab", 4, "graph f {}", signature));
  EXPECT_FALSE(VerifyPlan(key, "lob", 3, "graph f {}", signature));
  EXPECT_FALSE(VerifyPlan(key, "lab", 3, "graph f { }", signature));
}

}  // namespace
}  // namespace sluice
