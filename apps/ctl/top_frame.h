// One picture of `sluicectl top`. Pure: samples in, lines out.
#ifndef SLUICE_APPS_CTL_TOP_FRAME_H_
#define SLUICE_APPS_CTL_TOP_FRAME_H_

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "json_view.h"

namespace sluice::ctl {

// What GET /api/v1/links answered, and when.
struct LinkSample {
  BootTime at;
  Json links = Json::array();  // the array itself
};

struct TopInput {
  std::string api;
  std::optional<LinkSample> last;
  std::optional<LinkSample> before;  // for rates
  BootTime now;
  std::string error;  // why there is no newer sample; empty when all is well
  size_t columns = 100;
  size_t lines = 30;
  bool color = false;
};

// At most `lines` lines of at most `columns` characters (colours not counted).
std::vector<std::string> TopFrame(const TopInput& input);

// Bit/s that the link's sender admitted between the samples, by the times at
// which the sender reported; nothing if that cannot be told.
std::optional<uint64_t> RateBetween(const LinkSample& before, const LinkSample& last,
                                    const std::string& link);

}  // namespace sluice::ctl

#endif  // SLUICE_APPS_CTL_TOP_FRAME_H_
