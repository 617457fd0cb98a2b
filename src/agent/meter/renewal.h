// When the sender of a link asks for its next lease. Pure: times in, decisions out.
#ifndef SLUICE_AGENT_METER_RENEWAL_H_
#define SLUICE_AGENT_METER_RENEWAL_H_

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/units.h"
#include "model/lease.h"

namespace sluice {

// The lease that a link has, and how far it is used up.
struct LeaseProgress {
  BootTime anchor;
  absl::Duration lifetime;
  Bytes slice_start;   // the cumulative count when the lease came
  Bytes volume_limit;  // the ceiling on that count
  Bytes admitted;      // the count now
  BitRate rate;
  // The lease came without more volume than the one before it: what the budget
  // still holds is already granted, so asking early brings nothing.
  bool brought_no_volume = false;
};

// Due at 80 % of the slice or two thirds of the lifetime, whichever is first.
// A lease that brought no volume is due by volume at most once a second.
bool RenewalDue(const LeaseProgress& lease, BootTime now);

// The first instant at which RenewalDue may become true, if the link carries
// no more than its rate; when to look at the counter again.
BootTime RenewalCheckAt(const LeaseProgress& lease, BootTime now);

// The conversation of one link with the controller. A request stays
// outstanding until it is answered, and is repeated under the same id with
// growing pauses; after an answer the next request has a new id.
class RenewalConversation {
 public:
  enum class Ask { kNothing, kNewRequest, kRepeat };

  // What to send now. `lease` is none when the link has no lease that is alive.
  Ask Decide(const std::optional<LeaseProgress>& lease, BootTime now) const;
  // The next instant at which Decide may say otherwise, without further events.
  BootTime NextAt(const std::optional<LeaseProgress>& lease, BootTime now) const;

  // The request was handed to the session.
  void Sent(const RequestId& id, BootTime now);
  // A lease came; `id` is the one it carries. Returns whether it answers us.
  bool Granted(const RequestId& id);
  // The lease that answered us could not be used: as if denied without advice.
  void Unusable(BootTime now);
  // The controller said no and when to ask again.
  void Denied(const RequestId& id, absl::Duration retry_after, BootTime now);
  // Something changed that may change the answer: ask at once.
  void Hurry();
  // The session came up anew: repeat what is outstanding at once.
  void Reconnected();

  const RequestId& request_id() const { return id_; }
  bool outstanding() const { return outstanding_; }

 private:
  void BackOff(absl::Duration at_least, BootTime now);

  bool outstanding_ = false;
  bool hurry_ = false;
  RequestId id_{};
  int repeats_ = 0;
  int denials_ = 0;
  BootTime repeat_at_;   // while outstanding
  BootTime not_before_;  // after a denial
};

}  // namespace sluice

#endif  // SLUICE_AGENT_METER_RENEWAL_H_
