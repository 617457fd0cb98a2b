#include "base/status.h"

#include <string>

#include "base/strings.h"

namespace sluice {

absl::Status Annotate(const absl::Status& status, std::string_view context) {
  if (status.ok()) return status;
  return absl::Status(status.code(), StrCat(context, ": ", status.message()));
}

absl::Status ErrnoStatus(int error, std::string_view context) {
  return absl::ErrnoToStatus(error, ToAbsl(context));
}

}  // namespace sluice
