// Rates and history of all links and nodes, from the views that the core gives once a second.
#ifndef SLUICE_CONTROLLER_TELEMETRY_TELEMETRY_H_
#define SLUICE_CONTROLLER_TELEMETRY_TELEMETRY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/telemetry/history.h"
#include "controller/telemetry/rate_meter.h"
#include "model/fleet_view.h"
#include "model/names.h"

namespace sluice {

struct LinkRates {
  std::optional<double> sent_bps;
  std::optional<double> received_bps;
  std::optional<double> refused_pps;  // by the gates of both ends, or of the one that is known
};

// Not thread-safe.
class Telemetry {
 public:
  // `heartbeat` is that of the nodes.
  explicit Telemetry(absl::Duration heartbeat);
  // Takes one reading of all nodes and links, made at `now`; `wall` is for people. What those
  // that are no more in it did is kept for a day.
  void Take(const std::vector<NodeView>& nodes, const std::vector<LinkView>& links, BootTime now,
            absl::Time wall);
  // As of the last Take; nothing known of a link that was not in it.
  LinkRates RatesOf(const LinkName& link) const;
  // None if it was never seen, or not for a day.
  std::optional<std::vector<HistorySeries>> HistoryOf(const LinkName& link) const;
  // Of all links that the node is an end of, and of its gate: what it sent and received, what
  // is leased to it as a sender, what it refused, whether it belongs to a link or to none.
  // Sums are of what is known. None as above.
  std::optional<std::vector<HistorySeries>> HistoryOf(const std::string& node) const;

 private:
  // An end's counters: bytes, then refused packets by reason.
  using EndMeter = RateMeter<1 + SLUICE_DROP_REASON_COUNT>;
  struct Link {
    EndMeter sender;
    EndMeter receiver;
    LinkRates rates;
    History history;
    BootTime seen;
  };
  struct Node {
    RateMeter<SLUICE_DROP_REASON_COUNT> unattributed;
    HistoryPoint point;  // of this Take, while it is summed up
    History history;
    BootTime seen;
  };
  void Begin(const NodeView& view, BootTime now);
  void TakeLink(const LinkView& view, BootTime now, int64_t second, Link& link);
  // Null: unknown.
  const EndMeter::Rates* TakeEnd(const std::optional<EndView>& end, BootTime now,
                                 EndMeter& meter) const;
  // Null if it was not in the reading that was made at `now`.
  Node* NodeIn(const std::string& name, BootTime now);

  const absl::Duration old_;
  std::map<LinkName, Link> links_;
  std::unordered_map<std::string, Node> nodes_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_TELEMETRY_TELEMETRY_H_
