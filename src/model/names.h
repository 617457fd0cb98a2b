// Names of the things a fleet has.
#ifndef SLUICE_MODEL_NAMES_H_
#define SLUICE_MODEL_NAMES_H_

#include <compare>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace sluice {

// A node's or enclosure's name: 1 to 32 of [a-z0-9-], starting with a letter or digit.
absl::Status CheckName(std::string_view what, std::string_view name);

// "src>dst": traffic from src's accelerators to dst's accelerators.
struct LinkName {
  std::string src;
  std::string dst;
  friend auto operator<=>(const LinkName&, const LinkName&) = default;
  std::string ToString() const { return src + ">" + dst; }
};

// Errors name the part that is wrong and show "a1>b1".
absl::StatusOr<LinkName> ParseLinkName(std::string_view text);

enum class Role { kSend, kReceive };

std::string_view RoleName(Role role);  // "send", "receive"

// One side of a link: what a lease, a gate slot or a counter belongs to.
struct LinkSide {
  LinkName link;
  Role role = Role::kSend;
  friend auto operator<=>(const LinkSide&, const LinkSide&) = default;
};

}  // namespace sluice

#endif  // SLUICE_MODEL_NAMES_H_
