#include "model/lease.h"

#include <array>
#include <cstddef>

namespace sluice {
namespace {

struct ReasonText {
  std::string_view name;
  std::string_view words;
};

constexpr std::array<ReasonText, SLUICE_DROP_REASON_COUNT> kReasons = {{
#define SLUICE_DROP_TEXT(constant, name, words) {name, words},
    SLUICE_DROP_REASONS(SLUICE_DROP_TEXT)
#undef SLUICE_DROP_TEXT
}};

}  // namespace

std::string_view DropReasonName(sluice_drop_reason reason) {
  return reason < kReasons.size() ? kReasons[reason].name : "unknown";
}

std::string_view DropReasonWords(sluice_drop_reason reason) {
  return reason < kReasons.size() ? kReasons[reason].words : "a reason that this version lacks";
}

}  // namespace sluice
