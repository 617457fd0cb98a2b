// Byte fields of fixed size (keys, nonces, ids) to and from protobuf.
#ifndef SLUICE_WIRE_FIXED_BYTES_H_
#define SLUICE_WIRE_FIXED_BYTES_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/strings.h"

namespace sluice {

inline std::string ToWireBytes(std::span<const uint8_t> bytes) {
  return std::string(bytes.begin(), bytes.end());
}

// `what` names the field in the error. Refuses any other size, and all zeros:
// no key, nonce or id that anybody made is that.
template <size_t kSize>
absl::StatusOr<std::array<uint8_t, kSize>> FromWireBytes(std::string_view what,
                                                         std::string_view bytes) {
  if (bytes.size() != kSize)
    return absl::InvalidArgumentError(StrCat(what, " has ", bytes.size(), " bytes, not ", kSize));
  std::array<uint8_t, kSize> out;
  std::copy(bytes.begin(), bytes.end(), out.begin());
  if (out == std::array<uint8_t, kSize>{})
    return absl::InvalidArgumentError(StrCat(what, " is all zeros"));
  return out;
}

}  // namespace sluice

#endif  // SLUICE_WIRE_FIXED_BYTES_H_
