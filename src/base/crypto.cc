#include "base/crypto.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <sodium.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace sluice {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* p) const {
    kFree(p);
  }
};
using Pkey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using MdContext = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Kdf = std::unique_ptr<EVP_KDF, Free<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, Free<EVP_KDF_CTX_free>>;

// For calls that fail only without memory or with a broken library; a wrong
// key or signature must not come of that.
void Must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "sluice: cryptography failed: %s\n", what);
  std::abort();
}

// Picks the fastest code for this CPU, once.
bool SodiumReady() {
  static const bool ready = sodium_init() >= 0;
  return ready;
}

const uint8_t* Data(std::string_view text) { return reinterpret_cast<const uint8_t*>(text.data()); }

Pkey PrivateKey(int type, const Secret32& secret) {
  Pkey key(EVP_PKEY_new_raw_private_key(type, nullptr, secret.bytes().data(), 32));
  Must(key != nullptr, "EVP_PKEY_new_raw_private_key");
  return key;
}

PublicKey PublicOf(int type, const Secret32& secret) {
  Pkey key = PrivateKey(type, secret);
  PublicKey out{};
  size_t size = out.size();
  Must(EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) == 1 && size == out.size(),
       "EVP_PKEY_get_raw_public_key");
  return out;
}

OSSL_PARAM OctetParam(const char* name, std::string_view value) {
  // The library takes a non-const pointer and does not write through it.
  return OSSL_PARAM_construct_octet_string(name, const_cast<char*>(value.data()), value.size());
}

}  // namespace

Ed25519Signer::Ed25519Signer(const Secret32& seed) {
  Must(SodiumReady() &&
           crypto_sign_seed_keypair(public_key_.data(), key_.data(), seed.bytes().data()) == 0,
       "crypto_sign_seed_keypair");
}

Ed25519Signer::~Ed25519Signer() { Wipe(key_.data(), key_.size()); }

Signature Ed25519Signer::Sign(std::string_view message) const {
  Signature out{};
  Must(crypto_sign_detached(out.data(), nullptr, Data(message), message.size(), key_.data()) == 0,
       "crypto_sign_detached");
  return out;
}

PublicKey Ed25519PublicKey(const Secret32& seed) { return Ed25519Signer(seed).public_key(); }

Signature Ed25519Sign(const Secret32& seed, std::string_view message) {
  return Ed25519Signer(seed).Sign(message);
}

bool Ed25519Verify(const PublicKey& key, std::string_view message, std::string_view signature) {
  return signature.size() == Signature{}.size() && SodiumReady() &&
         crypto_sign_verify_detached(Data(signature), Data(message), message.size(), key.data()) ==
             0;
}

PublicKey X25519PublicKey(const Secret32& secret) { return PublicOf(EVP_PKEY_X25519, secret); }

absl::StatusOr<Secret32> X25519Shared(const Secret32& secret, const PublicKey& other) {
  Secret32 shared;
  if (crypto_scalarmult(shared.mutable_bytes().data(), secret.bytes().data(), other.data()) != 0)
    return absl::InvalidArgumentError("the public key is of no use: the shared secret is zero");
  return shared;
}

Secret32 HkdfSha256(std::string_view key, std::string_view salt, std::string_view info) {
  Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  Must(kdf != nullptr, "EVP_KDF_fetch");
  KdfContext context(EVP_KDF_CTX_new(kdf.get()));
  Must(context != nullptr, "EVP_KDF_CTX_new");
  char digest[] = "SHA256";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                         OctetParam(OSSL_KDF_PARAM_KEY, key), OctetParam(OSSL_KDF_PARAM_SALT, salt),
                         OctetParam(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  Secret32 out;
  Must(EVP_KDF_derive(context.get(), out.mutable_bytes().data(), out.bytes().size(), params) == 1,
       "EVP_KDF_derive");
  return out;
}

std::array<uint8_t, 32> Sha256(std::string_view data) {
  std::array<uint8_t, 32> out{};
  unsigned size = 0;
  Must(EVP_Digest(data.data(), data.size(), out.data(), &size, EVP_sha256(), nullptr) == 1 &&
           size == out.size(),
       "EVP_Digest");
  return out;
}

std::array<uint8_t, 32> HmacSha256(const Secret32& key, std::string_view data) {
  std::array<uint8_t, 32> out{};
  unsigned size = 0;
  Must(HMAC(EVP_sha256(), key.bytes().data(), static_cast<int>(key.bytes().size()), Data(data),
            data.size(), out.data(), &size) != nullptr &&
           size == out.size(),
       "HMAC");
  return out;
}

bool SameBytes(std::span<const uint8_t> a, std::span<const uint8_t> b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Secret32 NewSecret() {
  Secret32 out;
  RandomBytes(out.mutable_bytes());
  return out;
}

}  // namespace sluice
