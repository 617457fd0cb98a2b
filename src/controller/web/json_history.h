// The history of a link or a node as JSON, as docs/openapi.json describes it.
#ifndef SLUICE_CONTROLLER_WEB_JSON_HISTORY_H_
#define SLUICE_CONTROLLER_WEB_JSON_HISTORY_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "controller/telemetry/history.h"
#include "model/names.h"

namespace sluice {

std::string EncodeHistory(const LinkName& link, const std::vector<HistorySeries>& all,
                          absl::Time at);
std::string EncodeHistory(const std::string& node, const std::vector<HistorySeries>& all,
                          absl::Time at);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_JSON_HISTORY_H_
