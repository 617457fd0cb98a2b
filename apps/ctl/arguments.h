// What commands share: arguments as people type them, and answers as they print them.
#ifndef SLUICE_APPS_CTL_ARGUMENTS_H_
#define SLUICE_APPS_CTL_ARGUMENTS_H_

#include <ostream>
#include <string>

#include "absl/status/statusor.h"
#include "commands.h"
#include "model/names.h"
#include "model/scope.h"

namespace sluice::ctl {

// Errors say that a link wants quotes where the shell has eaten the rest.
absl::StatusOr<LinkName> ParseLinkArgument(const std::string& text);
absl::StatusOr<Scope> ParseScopeArgument(const std::string& text);
// As a path's part: "a1%3Eb1", "enclosure:east".
std::string ScopeInPath(const Scope& scope);

void PrintJson(std::ostream& out, const Json& answer);
// With -o json what the API answered, otherwise one line that says what was done.
void Report(Context& context, const Json& answer, const std::string& done);
// GET of `path`, as JSON or as a table.
Action Read(std::string path, std::string (*table)(const Json&));

}  // namespace sluice::ctl

#endif  // SLUICE_APPS_CTL_ARGUMENTS_H_
