// The few primitives Sluice needs: Ed25519 from libsodium, which signs twice as fast, the
// rest from OpenSSL 3.
#ifndef SLUICE_BASE_CRYPTO_H_
#define SLUICE_BASE_CRYPTO_H_

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/secret.h"

namespace sluice {

using Signature = std::array<uint8_t, 64>;

// An Ed25519 (RFC 8032) private key, expanded from its 32-byte seed, which takes as long
// as a signature. Wiped when it goes. Thread-safe.
class Ed25519Signer {
 public:
  Ed25519Signer(const Secret32& seed);  // not explicit: a seed is a key
  ~Ed25519Signer();
  Ed25519Signer(const Ed25519Signer&) = delete;
  Ed25519Signer& operator=(const Ed25519Signer&) = delete;

  const PublicKey& public_key() const { return public_key_; }
  Signature Sign(std::string_view message) const;

 private:
  PublicKey public_key_{};
  std::array<uint8_t, 64> key_{};
};

PublicKey Ed25519PublicKey(const Secret32& seed);
Signature Ed25519Sign(const Secret32& seed, std::string_view message);
// False for any signature or key that does not verify, malformed ones included.
bool Ed25519Verify(const PublicKey& key, std::string_view message, std::string_view signature);

// X25519 (RFC 7748): the public key of a WireGuard private key. The secret is
// clamped as RFC 7748 §5 says when it is used.
PublicKey X25519PublicKey(const Secret32& secret);

// What both ends of a Diffie-Hellman exchange share. Refuses a public key that makes it
// all zeros, as RFC 7748 §6.1 has it.
absl::StatusOr<Secret32> X25519Shared(const Secret32& secret, const PublicKey& other);

// HKDF-SHA-256 (RFC 5869).
Secret32 HkdfSha256(std::string_view key, std::string_view salt, std::string_view info);

std::array<uint8_t, 32> Sha256(std::string_view data);

// HMAC-SHA-256 (RFC 2104).
std::array<uint8_t, 32> HmacSha256(const Secret32& key, std::string_view data);
// In a time that does not tell where they differ.
bool SameBytes(std::span<const uint8_t> a, std::span<const uint8_t> b);

// A fresh random secret.
Secret32 NewSecret();

}  // namespace sluice

#endif  // SLUICE_BASE_CRYPTO_H_
