// The few primitives Sluice needs, from OpenSSL 3.
#ifndef SLUICE_BASE_CRYPTO_H_
#define SLUICE_BASE_CRYPTO_H_

#include <array>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/secret.h"

namespace sluice {

using Signature = std::array<uint8_t, 64>;

// Ed25519 (RFC 8032). The secret is the 32-byte seed.
PublicKey Ed25519PublicKey(const Secret32& seed);
Signature Ed25519Sign(const Secret32& seed, std::string_view message);
// False for any signature or key that does not verify, malformed ones included.
bool Ed25519Verify(const PublicKey& key, std::string_view message, std::string_view signature);

// X25519 (RFC 7748): the public key of a WireGuard private key. The secret is
// clamped as RFC 7748 §5 says when it is used.
PublicKey X25519PublicKey(const Secret32& secret);

// HKDF-SHA-256 (RFC 5869).
Secret32 HkdfSha256(std::string_view key, std::string_view salt, std::string_view info);

std::array<uint8_t, 32> Sha256(std::string_view data);

// A fresh random secret.
Secret32 NewSecret();

}  // namespace sluice

#endif  // SLUICE_BASE_CRYPTO_H_
