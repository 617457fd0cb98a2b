// What a quota applies to: fleet ⊃ enclosure ⊃ node ⊃ link.
#ifndef SLUICE_MODEL_SCOPE_H_
#define SLUICE_MODEL_SCOPE_H_

#include <compare>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "model/names.h"

namespace sluice {

// A node's quota counts what its accelerators send; an enclosure's what leaves it.
struct Scope {
  enum class Kind { kFleet, kEnclosure, kNode, kLink };
  Kind kind = Kind::kFleet;
  std::string name;  // of an enclosure or a node
  LinkName link;     // of kLink

  static Scope Fleet() { return {}; }
  static Scope Enclosure(std::string name) { return {Kind::kEnclosure, std::move(name), {}}; }
  static Scope Node(std::string name) { return {Kind::kNode, std::move(name), {}}; }
  static Scope Link(LinkName link) { return {Kind::kLink, "", std::move(link)}; }

  bool is_link() const { return kind == Kind::kLink; }
  // "fleet", "enclosure:east", "node:a1", "a1>b1".
  std::string ToString() const;
  friend auto operator<=>(const Scope&, const Scope&) = default;
};

std::string_view KindName(Scope::Kind kind);  // "fleet", "enclosure", "node", "link"

// Reads what ToString writes. Errors name the part that is wrong and show what to write.
absl::StatusOr<Scope> ParseScope(std::string_view text);

}  // namespace sluice

#endif  // SLUICE_MODEL_SCOPE_H_
