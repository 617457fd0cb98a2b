// Both ends of a link count, and what they count must agree. Values in, values out.
#ifndef SLUICE_CONTROLLER_POLICY_MISMATCH_H_
#define SLUICE_CONTROLLER_POLICY_MISMATCH_H_

#include <optional>

#include "absl/time/time.h"
#include "base/units.h"
#include "model/ledger.h"

namespace sluice {

// What both ends have counted since the receiver's counter began, as of one moment but
// for what is on its way.
struct EndCounts {
  Bytes sent;
  Bytes received;
  friend bool operator==(const EndCounts&, const EndCounts&) = default;
};

// What the controller remembers of a link's counts.
struct Comparison {
  // Where the window begins over which loss is judged; none before the first counts.
  std::optional<EndCounts> window;
  LedgerTime window_start;
  std::optional<LedgerTime> differs_since;
};

// What both ends count within a second, and so what a report may lag behind by.
Bytes InFlight(BitRate rate, Bytes burst);

// Takes in new counts. They differ if the receiver is ahead of the sender by more than
// `in_flight` and 1/32 (headers of packets that were fragmented behind the sender's
// gate), ever since; or if in the last window of 10 s the sender is ahead by more than
// `in_flight` and a quarter, which is more loss than any transfer lives with.
Comparison Compared(Comparison before, const EndCounts& counts, Bytes in_flight, LedgerTime now);

// What lasts shorter is the difference of two reports' ages.
inline constexpr absl::Duration kMismatchSettles = absl::Seconds(1);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_POLICY_MISMATCH_H_
