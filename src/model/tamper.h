// Tamper events: evidence that somebody was at a node.
#ifndef SLUICE_MODEL_TAMPER_H_
#define SLUICE_MODEL_TAMPER_H_

#include <array>
#include <cstdint>
#include <string>

#include "base/clock.h"

namespace sluice {

// Names one event: random, so that what lifts one event lifts no other.
using TamperId = std::array<uint8_t, 16>;

struct TamperEvent {
  std::string source;  // what noticed it: "socket /run/lid.sock"
  std::string words;   // what happened, for people
  BootTime at;         // when, as far as the source knows
  friend bool operator==(const TamperEvent&, const TamperEvent&) = default;
};

}  // namespace sluice

#endif  // SLUICE_MODEL_TAMPER_H_
