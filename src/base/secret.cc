#include "base/secret.h"

#include <openssl/crypto.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "base/strings.h"

namespace sluice {

void Wipe(void* data, size_t size) { explicit_bzero(data, size); }

Secret32::Secret32(std::span<const uint8_t, 32> bytes) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

Secret32::Secret32(Secret32&& other) noexcept : bytes_(other.bytes_) {
  Wipe(other.bytes_.data(), other.bytes_.size());
}

Secret32& Secret32::operator=(Secret32&& other) noexcept {
  if (this == &other) return *this;
  bytes_ = other.bytes_;
  Wipe(other.bytes_.data(), other.bytes_.size());
  return *this;
}

Secret32::~Secret32() { Wipe(bytes_.data(), bytes_.size()); }

bool Secret32::IsZero() const {
  static constexpr std::array<uint8_t, 32> kZero{};
  return CRYPTO_memcmp(bytes_.data(), kZero.data(), kZero.size()) == 0;
}

std::string ToBase64(std::span<const uint8_t> bytes) {
  return absl::Base64Escape(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

absl::StatusOr<std::string> FromBase64(std::string_view text) {
  std::string out;
  // Re-encoding refuses what the lenient decoder lets pass: missing padding,
  // white space, and bits behind the last byte.
  if (!absl::Base64Unescape(ToAbsl(text), &out) || absl::Base64Escape(out) != ToAbsl(text))
    return absl::InvalidArgumentError("not base64 (RFC 4648 section 4, with padding)");
  return out;
}

std::string ToHex(std::span<const uint8_t> bytes) {
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

absl::StatusOr<std::string> FromHex(std::string_view text) {
  if (text.size() % 2 != 0 || !std::all_of(text.begin(), text.end(), absl::ascii_isxdigit))
    return absl::InvalidArgumentError("not hexadecimal: an even number of 0-9 and a-f is wanted");
  return absl::HexStringToBytes(ToAbsl(text));
}

absl::StatusOr<PublicKey> PublicKeyFromBase64(std::string_view text) {
  absl::StatusOr<std::string> bytes = FromBase64(text);
  if (!bytes.ok()) return bytes.status();
  PublicKey key;
  if (bytes->size() != key.size())
    return absl::InvalidArgumentError("not a public key: 32 bytes in base64 are wanted");
  std::memcpy(key.data(), bytes->data(), key.size());
  return key;
}

void RandomBytes(std::span<uint8_t> out) {
  while (!out.empty()) {
    ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      // Going on without randomness would make guessable keys.
      std::perror("sluice: getrandom");
      std::abort();
    }
    out = out.subspan(static_cast<size_t>(got));
  }
}

}  // namespace sluice
