// The admin token that lets sluicectl speak to the controller.
#ifndef SLUICE_APPS_CTL_TOKEN_FILE_H_
#define SLUICE_APPS_CTL_TOKEN_FILE_H_

#include <string>

#include "absl/status/statusor.h"

namespace sluice::ctl {

// The token in the file, without white space around. FailedPrecondition if the
// file is not a regular one, belongs to somebody else than the caller or root,
// or may be read or written by group or others; InvalidArgument if it holds no
// token. Errors say what to do.
absl::StatusOr<std::string> ReadTokenFile(const std::string& path);

}  // namespace sluice::ctl

#endif  // SLUICE_APPS_CTL_TOKEN_FILE_H_
