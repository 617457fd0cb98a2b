// Memory for keys: wiped when it goes.
#ifndef SLUICE_BASE_SECRET_H_
#define SLUICE_BASE_SECRET_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace sluice {

// Overwrites memory in a way that the compiler must keep (explicit_bzero(3)).
void Wipe(void* data, size_t size);

// 32 secret bytes. Not printable, comparable only in constant time, wiped on
// destruction and when moved from.
class Secret32 {
 public:
  Secret32() = default;
  explicit Secret32(std::span<const uint8_t, 32> bytes);
  Secret32(const Secret32&) = default;
  Secret32& operator=(const Secret32&) = default;
  Secret32(Secret32&& other) noexcept;
  Secret32& operator=(Secret32&& other) noexcept;
  ~Secret32();

  std::span<const uint8_t, 32> bytes() const { return bytes_; }
  std::span<uint8_t, 32> mutable_bytes() { return bytes_; }
  bool IsZero() const;

 private:
  std::array<uint8_t, 32> bytes_{};
};

// 32 public bytes: an Ed25519 or Curve25519 public key.
using PublicKey = std::array<uint8_t, 32>;

std::string ToBase64(std::span<const uint8_t> bytes);  // RFC 4648 §4, padded
absl::StatusOr<std::string> FromBase64(std::string_view text);
std::string ToHex(std::span<const uint8_t> bytes);
absl::StatusOr<std::string> FromHex(std::string_view text);
absl::StatusOr<PublicKey> PublicKeyFromBase64(std::string_view text);

// Fills from the kernel's random source (getrandom(2)); never fails to fill, or aborts.
void RandomBytes(std::span<uint8_t> out);

}  // namespace sluice

#endif  // SLUICE_BASE_SECRET_H_
