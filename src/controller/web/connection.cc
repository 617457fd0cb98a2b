#include "controller/web/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/match.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr int kFinishWaitMs = 100;
constexpr int kFinishReads = 256;

FileDescriptor StartTimer(absl::Duration timeout) {
  FileDescriptor timer(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  itimerspec spec{};
  spec.it_value = absl::ToTimespec(std::max(timeout, absl::Milliseconds(1)));
  timerfd_settime(timer.get(), 0, &spec, nullptr);
  return timer;
}

// `head` without the lines that begin with `name` (as "range:").
std::string WithoutHeader(std::string_view head, std::string_view name) {
  std::string out;
  while (!head.empty()) {
    const size_t end = std::min(head.find('\n'), head.size() - 1) + 1;
    const std::string_view line = head.substr(0, end);
    if (!absl::StartsWithIgnoreCase(ToAbsl(line), ToAbsl(name))) out.append(line);
    head.remove_prefix(end);
  }
  return out;
}

}  // namespace

Connection::Connection(FileDescriptor fd, int stop_fd, absl::Duration timeout)
    : fd_(std::move(fd)), deadline_(StartTimer(timeout)), stop_fd_(stop_fd) {}

Connection::Head Connection::ReadHead(size_t max_bytes) {
  std::array<char, 2'048> buffer{};
  std::string received;
  size_t end = std::string::npos;
  while ((end = received.find(kHeadEnd)) == std::string::npos) {
    if (received.size() > max_bytes) return Head::kTooLarge;
    const ssize_t got = Receive(buffer.data(), buffer.size());
    if (got <= 0) return Head::kGone;
    received.append(buffer.data(), static_cast<size_t>(got));
  }
  end += kHeadEnd.size();
  if (end > max_bytes) return Head::kTooLarge;
  head_ = WithoutHeader(std::string_view(received).substr(0, end), "range:");
  head_ += received.substr(end);
  return Head::kComplete;
}

bool Connection::WaitReadable() const {
  std::array<pollfd, 3> wait = {
      {{fd_.get(), POLLIN, 0}, {deadline_.get(), POLLIN, 0}, {stop_fd_, POLLIN, 0}}};
  while (poll(wait.data(), wait.size(), -1) < 0)
    if (errno != EINTR) return false;
  return wait[1].revents == 0 && wait[2].revents == 0;
}

bool Connection::is_readable() const { return head_read_ < head_.size() || WaitReadable(); }

bool Connection::is_writable() const {
  std::array<pollfd, 2> wait = {{{fd_.get(), POLLOUT, 0}, {stop_fd_, POLLIN, 0}}};
  const int timeout = static_cast<int>(absl::ToInt64Milliseconds(kWriteTimeout));
  int ready = 0;
  while ((ready = poll(wait.data(), wait.size(), timeout)) < 0 && errno == EINTR) {
  }
  if (ready <= 0) return false;
  if (wait[0].revents != 0) return true;
  // Stopped, and the client is not reading: one short wait, so that an answer that is
  // half on its way may still arrive.
  if (std::exchange(last_write_used_, true)) return false;
  return poll(wait.data(), 1, static_cast<int>(absl::ToInt64Milliseconds(kLastWrite))) > 0;
}

ssize_t Connection::Receive(char* data, size_t size) {
  while (WaitReadable()) {
    const ssize_t got = recv(fd_.get(), data, size, MSG_DONTWAIT);
    if (got >= 0) return got;
    if (errno != EAGAIN && errno != EINTR) return -1;
  }
  return -1;
}

ssize_t Connection::read(char* data, size_t size) {
  if (head_read_ == head_.size()) return Receive(data, size);
  const size_t count = std::min(size, head_.size() - head_read_);
  std::memcpy(data, head_.data() + head_read_, count);
  head_read_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t Connection::write(const char* data, size_t size) {
  while (is_writable()) {
    const ssize_t sent = send(fd_.get(), data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    if (errno != EAGAIN && errno != EINTR) return -1;
  }
  return -1;
}

bool Connection::WriteAll(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = write(text.data(), text.size());
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

void Connection::Finish() {
  shutdown(fd_.get(), SHUT_WR);
  std::array<char, 16'384> buffer{};
  std::array<pollfd, 2> wait = {{{fd_.get(), POLLIN, 0}, {stop_fd_, POLLIN, 0}}};
  for (int i = 0; i < kFinishReads; ++i) {
    if (poll(wait.data(), wait.size(), kFinishWaitMs) <= 0 || wait[1].revents != 0) return;
    if (recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT) <= 0) return;
  }
}

void Connection::get_remote_ip_and_port(std::string& ip, int& port) const {
  ip = "loopback";
  port = 0;
}

void Connection::get_local_ip_and_port(std::string& ip, int& port) const {
  ip = "loopback";
  port = 0;
}

}  // namespace sluice
