#include "top.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <optional>
#include <string>
#include <utility>

#include "base/status.h"
#include "base/system_clock.h"
#include "json_view.h"
#include "top_frame.h"

namespace sluice::ctl {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);
constexpr char kLinksPath[] = "/api/v1/links";

std::atomic<bool> stop_asked{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler writes it");

void OnSignal(int) { stop_asked = true; }

// Ctrl-C and its kind set stop_asked, and only while the program waits in
// ppoll(): so none is missed, and none interrupts a half-drawn screen.
class StopSignals {
 public:
  StopSignals() {
    struct sigaction action {};
    action.sa_handler = OnSignal;
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < std::size(kSignals); ++i) {
      sigaction(kSignals[i], &action, &old_actions_[i]);
      sigaddset(&blocked, kSignals[i]);
    }
    sigprocmask(SIG_BLOCK, &blocked, &old_mask_);
  }
  ~StopSignals() {
    sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
    for (size_t i = 0; i < std::size(kSignals); ++i)
      sigaction(kSignals[i], &old_actions_[i], nullptr);
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  const sigset_t& mask_while_waiting() const { return old_mask_; }

 private:
  static constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
  struct sigaction old_actions_[std::size(kSignals)];
  sigset_t old_mask_;
};

void WriteAll(std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = write(STDOUT_FILENO, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    // The terminal is gone; there is nobody left to draw for.
    if (wrote <= 0) return stop_asked.store(true);
    text.remove_prefix(wrote);
  }
}

// The alternate screen, without cursor and echo, for as long as it lives.
class Screen {
 public:
  Screen() : has_keys_(tcgetattr(STDIN_FILENO, &old_) == 0) {
    if (has_keys_) {
      termios quiet = old_;
      quiet.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
      // Suspended, it would leave the shell on the alternate screen.
      quiet.c_cc[VSUSP] = _POSIX_VDISABLE;
      tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
    }
    WriteAll("\x1b[?1049h\x1b[?25l");
  }
  ~Screen() {
    WriteAll("\x1b[?25h\x1b[?1049l");
    if (has_keys_) tcsetattr(STDIN_FILENO, TCSANOW, &old_);
  }
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  void Draw(const std::vector<std::string>& lines) {
    std::string text = "\x1b[H";
    for (size_t i = 0; i < lines.size(); ++i) text += (i == 0 ? "" : "\r\n") + lines[i] + "\x1b[K";
    WriteAll(text + "\x1b[J");
  }

  // Waits for `d`, a key or a signal. q and the end of the input ask to stop.
  void Wait(absl::Duration d, const sigset_t& mask) {
    pollfd keys{STDIN_FILENO, POLLIN, 0};
    const timespec timeout = absl::ToTimespec(std::max(d, absl::ZeroDuration()));
    if (ppoll(&keys, has_keys_ ? 1 : 0, &timeout, &mask) <= 0) return;
    char key = 0;
    const ssize_t got = read(STDIN_FILENO, &key, 1);
    if (got == 0 || (got == 1 && (key == 'q' || key == 'Q'))) stop_asked = true;
  }

 private:
  termios old_{};
  const bool has_keys_;  // stdin is a terminal too
};

absl::StatusOr<LinkSample> TakeSample(ApiClient& client, const Clock& clock) {
  SLUICE_ASSIGN_OR_RETURN(Json answer, client.Get(kLinksPath));
  return LinkSample{clock.Now(), Items(answer, "links")};
}

void AddSample(LinkSample sample, TopInput& input) {
  input.before = std::exchange(input.last, std::move(sample));
  input.error.clear();
}

bool IsRefusal(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status);
}

void MeasureTerminal(TopInput& input) {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return;
  input.columns = size.ws_col;
  input.lines = size.ws_row;
}

bool WantsColor() {
  const char* term = std::getenv("TERM");
  return std::getenv("NO_COLOR") == nullptr && term != nullptr && std::string_view(term) != "dumb";
}

absl::Status RunLive(Context& context) {
  if (isatty(STDOUT_FILENO) == 0)
    return absl::FailedPreconditionError("top needs a terminal; print one frame with top --once");
  SystemClock clock;
  TopInput input;
  input.api = context.client.api();
  input.color = WantsColor();
  stop_asked = false;
  StopSignals signals;
  Screen screen;
  while (!stop_asked) {
    const BootTime began = clock.Now();
    absl::StatusOr<LinkSample> sample = TakeSample(context.client, clock);
    if (IsRefusal(sample.status())) return sample.status();
    if (sample.ok()) {
      AddSample(*std::move(sample), input);
    } else {
      input.error = std::string(sample.status().message());
    }
    input.now = clock.Now();
    MeasureTerminal(input);
    screen.Draw(TopFrame(input));
    screen.Wait(kInterval - (clock.Now() - began), signals.mask_while_waiting());
  }
  return absl::OkStatus();
}

absl::Status RunOnce(Context& context) {
  SystemClock clock;
  TopInput input;
  input.api = context.client.api();
  SLUICE_ASSIGN_OR_RETURN(LinkSample first, TakeSample(context.client, clock));
  const timespec pause = absl::ToTimespec(kInterval);
  nanosleep(&pause, nullptr);
  SLUICE_ASSIGN_OR_RETURN(LinkSample second, TakeSample(context.client, clock));
  if (context.json) {
    context.out << Json{{"links", second.links}}.dump(2, ' ', /*ensure_ascii=*/true) << "\n";
    return absl::OkStatus();
  }
  AddSample(std::move(first), input);
  AddSample(std::move(second), input);
  input.now = clock.Now();
  input.columns = 1'000;
  input.lines = input.last->links.size() + 4;
  for (const std::string& line : TopFrame(input)) context.out << line << "\n";
  return absl::OkStatus();
}

}  // namespace

Action Top(bool once) { return once ? RunOnce : RunLive; }

}  // namespace sluice::ctl
