#include "model/names.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr size_t kMaxNameLength = 32;
constexpr std::string_view kExample = "write it as SOURCE>DESTINATION, for example \"a1>b1\"";

bool IsNameStart(char c) { return absl::ascii_islower(c) || absl::ascii_isdigit(c); }
bool IsNameChar(char c) { return IsNameStart(c) || c == '-'; }

}  // namespace

absl::Status CheckName(std::string_view what, std::string_view name) {
  if (name.empty()) return absl::InvalidArgumentError(StrCat(what, " is empty"));
  if (name.size() > kMaxNameLength)
    return absl::InvalidArgumentError(
        StrCat(what, " has ", name.size(), " characters; use at most ", kMaxNameLength));
  if (!IsNameStart(name[0]) || !std::all_of(name.begin(), name.end(), IsNameChar))
    return absl::InvalidArgumentError(StrCat(what, " ", ForMessage(name),
                                             " is not a name; use a-z, 0-9 and -, starting with a "
                                             "letter or digit"));
  return absl::OkStatus();
}

absl::StatusOr<LinkName> ParseLinkName(std::string_view text) {
  size_t arrow = text.find('>');
  if (arrow == std::string_view::npos)
    return absl::InvalidArgumentError(
        StrCat("link ", ForMessage(text), " has no \">\"; ", kExample));
  LinkName link{std::string(text.substr(0, arrow)), std::string(text.substr(arrow + 1))};
  const std::string context = StrCat("link ", ForMessage(text), ": ");
  SLUICE_RETURN_IF_ERROR(CheckName(context + "the source", link.src));
  SLUICE_RETURN_IF_ERROR(CheckName(context + "the destination", link.dst));
  if (link.src == link.dst)
    return absl::InvalidArgumentError(context + "source and destination are the same node");
  return link;
}

std::string_view RoleName(Role role) { return role == Role::kSend ? "send" : "receive"; }

}  // namespace sluice
