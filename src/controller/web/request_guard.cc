#include "controller/web/request_guard.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/crypto.h"
#include "base/strings.h"
#include "model/prefix.h"

namespace sluice {
namespace {

constexpr std::string_view kScheme = "bearer ";

bool IsPort(std::string_view text) {
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c); });
}

}  // namespace

bool IsLoopbackHost(std::string_view host) {
  const size_t name_end = host.starts_with('[') ? host.find(']') : 0;
  if (name_end == std::string_view::npos) return false;
  const size_t colon = host.find(':', name_end);
  if (colon != std::string_view::npos && !IsPort(host.substr(colon + 1))) return false;
  const std::string_view name = host.substr(0, colon);
  if (name == "[::1]" || absl::EqualsIgnoreCase(ToAbsl(name), "localhost")) return true;
  absl::StatusOr<IpAddress> address = ParseIpAddress(name);
  return address.ok() && !address->v6 && address->bytes[0] == 127;
}

TokenCheck::TokenCheck(std::string_view token) : digest_(Sha256(token)) {}

bool TokenCheck::Allows(std::string_view authorization) const {
  if (!absl::StartsWithIgnoreCase(ToAbsl(authorization), ToAbsl(kScheme))) return false;
  // Digests have one length and no order that a guess could follow.
  const std::array<uint8_t, 32> given = Sha256(authorization.substr(kScheme.size()));
  unsigned difference = 0;
  for (size_t i = 0; i < given.size(); ++i)
    difference |= static_cast<unsigned>(given[i] ^ digest_[i]);
  return difference == 0;
}

}  // namespace sluice
