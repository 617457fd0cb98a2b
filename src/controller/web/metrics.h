// The fleet as OpenMetrics text (https://prometheus.io/docs/specs/om/open_metrics_spec/,
// version 1.0.0). docs/metrics.md names every metric.
#ifndef SLUICE_CONTROLLER_WEB_METRICS_H_
#define SLUICE_CONTROLLER_WEB_METRICS_H_

#include <string>
#include <string_view>
#include <vector>

#include "controller/grants/controller_core.h"
#include "model/fleet_view.h"

namespace sluice {

inline constexpr std::string_view kOpenMetricsType =
    "application/openmetrics-text; version=1.0.0; charset=utf-8";

struct MetricsView {
  std::string fleet;
  std::string version;
  ControllerStatus controller;
  std::vector<NodeView> nodes;
  std::vector<LinkView> links;
  std::vector<QuotaView> quotas;
  uint64_t last_event = 0;
};

std::string EncodeMetrics(const MetricsView& view);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_METRICS_H_
