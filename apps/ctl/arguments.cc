#include "arguments.h"

#include <utility>

#include "base/status.h"
#include "base/strings.h"

namespace sluice::ctl {

void PrintJson(std::ostream& out, const Json& answer) {
  // ASCII only: the escapes keep control characters off the terminal.
  out << answer.dump(2, ' ', /*ensure_ascii=*/true) << "\n";
}

Action Read(std::string path, std::string (*table)(const Json&)) {
  return [path = std::move(path), table](Context& context) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(Json answer, context.client.Get(path));
    if (context.json) {
      PrintJson(context.out, answer);
    } else {
      context.out << table(answer);
    }
    return absl::OkStatus();
  };
}

void Report(Context& context, const Json& answer, const std::string& done) {
  if (context.json) {
    PrintJson(context.out, answer);
  } else {
    context.out << done << "\n";
  }
}

absl::StatusOr<LinkName> ParseLinkArgument(const std::string& text) {
  absl::StatusOr<LinkName> link = ParseLinkName(text);
  if (link.ok() || text.find('>') != std::string::npos) return link;
  return absl::InvalidArgumentError(StrCat(
      link.status().message(), ", and in quotes: the shell takes a bare > for a redirection"));
}

absl::StatusOr<Scope> ParseScopeArgument(const std::string& text) {
  absl::StatusOr<Scope> scope = ParseScope(text);
  if (scope.ok() || text.find('>') != std::string::npos) return scope;
  return absl::InvalidArgumentError(
      StrCat(scope.status().message(), ", in quotes: the shell takes a bare > for a redirection"));
}

std::string ScopeInPath(const Scope& scope) {
  return scope.is_link() ? LinkInPath(scope.link) : scope.ToString();
}

}  // namespace sluice::ctl
