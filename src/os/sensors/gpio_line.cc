// A GPIO line through libgpiod 1.6. Compiled where the library is; it has never run on
// real hardware, only the logic above it against a fake chip.
#include "base/status.h"
#include "base/strings.h"
#include "os/sensors/sensors.h"

#ifdef SLUICE_GPIOD
#include <gpiod.h>

#include <cerrno>
#include <ctime>
#endif

namespace sluice {

#ifdef SLUICE_GPIOD
namespace {

class GpiodLine final : public GpioLine {
 public:
  GpiodLine(gpiod_chip* chip, gpiod_line* line) : chip_(chip), line_(line) {}
  ~GpiodLine() override { gpiod_chip_close(chip_); }  // lets the line go too
  GpiodLine(const GpiodLine&) = delete;
  GpiodLine& operator=(const GpiodLine&) = delete;

  int fd() const override { return gpiod_line_event_get_fd(line_); }

  absl::StatusOr<State> Read() override {
    State state;
    const timespec no_wait{};
    int waiting = 0;
    while ((waiting = gpiod_line_event_wait(line_, &no_wait)) > 0) {
      gpiod_line_event event{};
      if (gpiod_line_event_read(line_, &event) != 0) waiting = -1;
      if (waiting < 0) break;
      state.changed = true;
    }
    const int value = waiting < 0 ? -1 : gpiod_line_get_value(line_);
    if (value < 0) return ErrnoStatus(errno, "cannot read the line");
    state.high = value == 1;
    return state;
  }

 private:
  gpiod_chip* const chip_;
  gpiod_line* const line_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<GpioLine>> RequestGpioLine(const std::string& chip, unsigned line) {
  gpiod_chip* opened = gpiod_chip_open_lookup(chip.c_str());
  if (opened == nullptr) return ErrnoStatus(errno, StrCat("cannot open GPIO chip ", chip));
  gpiod_line* found = gpiod_chip_get_line(opened, line);
  if (found == nullptr || gpiod_line_request_both_edges_events(found, "sluice-agent") != 0) {
    const absl::Status s =
        ErrnoStatus(errno, StrCat("cannot take line ", line, " of GPIO chip ", chip));
    gpiod_chip_close(opened);
    return s;
  }
  return std::make_unique<GpiodLine>(opened, found);
}
#else
absl::StatusOr<std::unique_ptr<GpioLine>> RequestGpioLine(const std::string&, unsigned) {
  return absl::UnimplementedError("this sluice-agent was built without libgpiod");
}
#endif

}  // namespace sluice
