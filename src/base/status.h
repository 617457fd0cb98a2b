// Status propagation. One status type in the whole project: absl::Status.
#ifndef SLUICE_BASE_STATUS_H_
#define SLUICE_BASE_STATUS_H_

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sluice {

// The same code with `context: ` in front of the message. OK stays OK.
absl::Status Annotate(const absl::Status& status, std::string_view context);

// A status for errno `error` (absl::ErrnoToStatus) that names what was tried.
absl::Status ErrnoStatus(int error, std::string_view context);

}  // namespace sluice

#define SLUICE_RETURN_IF_ERROR(expr)                                                       \
  do {                                                                                     \
    if (absl::Status sluice_status_ = (expr); !sluice_status_.ok()) return sluice_status_; \
  } while (false)

#define SLUICE_CONCAT_INNER_(a, b) a##b
#define SLUICE_CONCAT_(a, b) SLUICE_CONCAT_INNER_(a, b)

// SLUICE_ASSIGN_OR_RETURN(auto x, F()): x is F()'s value, or F()'s error is returned.
#define SLUICE_ASSIGN_OR_RETURN(lhs, expr) \
  SLUICE_ASSIGN_OR_RETURN_IMPL_(SLUICE_CONCAT_(sluice_or_, __LINE__), lhs, expr)
#define SLUICE_ASSIGN_OR_RETURN_IMPL_(tmp, lhs, expr) \
  auto tmp = (expr);                                  \
  if (!tmp.ok()) return tmp.status();                 \
  lhs = std::move(tmp).value()

#endif  // SLUICE_BASE_STATUS_H_
