// Debian builds Abseil with a string_view of its own, which neither comes from
// std::string_view nor turns into it. These bridge the two; the code keeps
// std::string_view throughout.
#ifndef SLUICE_BASE_STRINGS_H_
#define SLUICE_BASE_STRINGS_H_

#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace sluice {

// The same characters, not copied.
inline absl::string_view ToAbsl(std::string_view text) {
  return absl::string_view(text.data(), text.size());
}
inline std::string_view ToStd(absl::string_view text) {
  return std::string_view(text.data(), text.size());
}

namespace strings_internal {
template <typename T>
decltype(auto) Piece(const T& value) {
  if constexpr (std::is_same_v<T, std::string_view>) {
    return ToAbsl(value);
  } else {
    return (value);
  }
}
}  // namespace strings_internal

// absl::StrCat that takes std::string_view too.
template <typename... T>
std::string StrCat(const T&... pieces) {
  return absl::StrCat(strings_internal::Piece(pieces)...);
}

// Text from outside as a message may show it: quoted, at most 40 characters,
// anything but printable ASCII as "?".
std::string ForMessage(std::string_view text);

}  // namespace sluice

#endif  // SLUICE_BASE_STRINGS_H_
