// The conversations of all links that this node sends on.
#ifndef SLUICE_AGENT_APPLY_RENEWALS_H_
#define SLUICE_AGENT_APPLY_RENEWALS_H_

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "agent/meter/renewal.h"
#include "agent/reconcile/node_config.h"
#include "base/clock.h"
#include "model/lease.h"

namespace sluice {

// Not thread-safe.
class Renewals {
 public:
  // Fills with random bytes; for request ids.
  using Random = std::function<void(std::span<uint8_t>)>;
  explicit Renewals(Random random) : random_(std::move(random)) {}

  // Begins and ends conversations. A link whose quota version changed, or
  // whose peer came up or moved, asks at once.
  void Configure(const NodeConfig& before, const NodeConfig& after);
  // A new session: what is outstanding is repeated.
  void Reconnected();

  // A lease was taken, with the link's cumulative count at that moment.
  void Accepted(const Lease& lease, Bytes admitted);
  // A lease came but could not be used.
  void Refused(const RequestId& id, const LinkSide& side, BootTime now);
  void Denied(const LinkSide& side, const RequestId& id, absl::Duration retry_after, BootTime now);
  // The side has no lease any more.
  void Ended(const LinkSide& side);

  struct Request {
    LinkSide side;
    RequestId id{};
  };
  // What to ask now. `admitted` gives a side's cumulative count. The caller sends all of it.
  using Admitted = std::function<Bytes(const LinkSide&)>;
  std::vector<Request> Take(const Admitted& admitted, BootTime now);
  // When Take may next have something, without further events.
  std::optional<BootTime> NextAt(const Admitted& admitted, BootTime now) const;

 private:
  struct Link {
    RenewalConversation talk;
    std::optional<LeaseProgress> lease;
  };
  std::optional<LeaseProgress> Progress(const LinkSide& side, const Link& link,
                                        const Admitted& admitted) const;

  Random random_;
  std::map<LinkSide, Link> links_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_RENEWALS_H_
