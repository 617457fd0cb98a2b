#include "os/sensors/waiter.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace sluice {

Waiter::Waiter() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (event_.valid()) return;
  std::perror("sluice: eventfd");
  std::abort();
}

void Waiter::Wait(const std::vector<int>& descriptors, absl::Duration timeout) {
  std::vector<pollfd> polls{{event_.get(), POLLIN, 0}};
  for (const int fd : descriptors) polls.push_back({fd, POLLIN, 0});
  const absl::Duration wait = std::clamp(timeout, absl::ZeroDuration(), absl::Hours(24));
  const timespec spec = absl::ToTimespec(wait);
  ::ppoll(polls.data(), polls.size(), &spec, nullptr);
  uint64_t calls = 0;
  (void)!::read(event_.get(), &calls, sizeof calls);
}

void Waiter::Wake() {
  const uint64_t one = 1;
  (void)!::write(event_.get(), &one, sizeof one);
}

}  // namespace sluice
