#include "base/strings.h"

#include <string>

#include "absl/strings/ascii.h"

namespace sluice {

std::string ForMessage(std::string_view text) {
  constexpr size_t kShown = 40;
  std::string out = "\"";
  for (char c : text.substr(0, kShown)) out += absl::ascii_isprint(c) ? c : '?';
  out += text.size() > kShown ? "...\"" : "\"";
  return out;
}

}  // namespace sluice
