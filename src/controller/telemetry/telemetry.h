// Rates and history of all links, from the views that the core gives once a second.
#ifndef SLUICE_CONTROLLER_TELEMETRY_TELEMETRY_H_
#define SLUICE_CONTROLLER_TELEMETRY_TELEMETRY_H_

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/telemetry/history.h"
#include "model/fleet_view.h"
#include "model/names.h"

namespace sluice {

// What a counter did between its last two reports.
class RateMeter {
 public:
  // `count` as it stood `age` before `now`. The rate per second since the report before;
  // the same again while no newer report comes, none once it is older than `old`, and after
  // a start or a step back of the counter.
  std::optional<double> Take(uint64_t count, BootTime now, absl::Duration age, absl::Duration old);

 private:
  std::optional<uint64_t> count_;
  BootTime at_;
  std::optional<double> rate_;
};

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
  // Takes one reading of all links, made at `now`; `wall` is for people. What links that are
  // no more in it did is kept for a day.
  void Take(const std::vector<LinkView>& links, BootTime now, absl::Time wall);
  // As of the last Take; nothing known of a link that was not in it.
  LinkRates RatesOf(const LinkName& link) const;
  // None if it was never seen, or not for a day.
  std::optional<std::vector<HistorySeries>> HistoryOf(const LinkName& link) const;

 private:
  struct Link {
    RateMeter sent;
    RateMeter received;
    RateMeter sender_refused;
    RateMeter receiver_refused;
    LinkRates rates;
    History history;
    BootTime seen;
  };
  LinkRates RatesFrom(const LinkView& view, BootTime now, Link& link) const;

  const absl::Duration old_;
  std::map<LinkName, Link> links_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_TELEMETRY_TELEMETRY_H_
