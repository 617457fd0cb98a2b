#include "model/scope.h"

#include <utility>

#include "absl/strings/strip.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {

std::string_view KindName(Scope::Kind kind) {
  switch (kind) {
    case Scope::Kind::kFleet:
      return "fleet";
    case Scope::Kind::kEnclosure:
      return "enclosure";
    case Scope::Kind::kNode:
      return "node";
    case Scope::Kind::kLink:
      return "link";
  }
  return "unknown";
}

std::string Scope::ToString() const {
  if (kind == Kind::kFleet) return "fleet";
  if (kind == Kind::kLink) return link.ToString();
  return StrCat(KindName(kind), ":", name);
}

absl::StatusOr<Scope> ParseScope(std::string_view text) {
  if (text == "fleet") return Scope::Fleet();
  for (const Scope::Kind kind : {Scope::Kind::kEnclosure, Scope::Kind::kNode}) {
    absl::string_view rest = ToAbsl(text);
    if (!absl::ConsumePrefix(&rest, StrCat(KindName(kind), ":"))) continue;
    std::string name(rest);
    SLUICE_RETURN_IF_ERROR(CheckName(StrCat("scope: the ", KindName(kind)), name));
    return Scope{kind, std::move(name), {}};
  }
  if (text.find('>') == std::string_view::npos)
    return absl::InvalidArgumentError(
        StrCat("scope: ", ForMessage(text),
               " is no scope; write fleet, enclosure:east, node:a1 or a link such as a1>b1"));
  SLUICE_ASSIGN_OR_RETURN(LinkName link, ParseLinkName(text));
  return Scope::Link(std::move(link));
}

}  // namespace sluice
