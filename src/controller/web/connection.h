// One accepted connection, as httplib reads and writes it. It carries one request.
#ifndef SLUICE_CONTROLLER_WEB_CONNECTION_H_
#define SLUICE_CONTROLLER_WEB_CONNECTION_H_

#include <httplib.h>

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/time/time.h"
#include "controller/web/file_descriptor.h"

namespace sluice {

// Not thread-safe. Every wait ends soon after `stop_fd` becomes readable: reading
// fails at once, writing may go on for kLastWrite.
class Connection final : public httplib::Stream {
 public:
  static constexpr absl::Duration kWriteTimeout = absl::Seconds(5);
  static constexpr absl::Duration kLastWrite = absl::Milliseconds(200);

  // `timeout` is for receiving the whole request.
  Connection(FileDescriptor fd, int stop_fd, absl::Duration timeout);

  // Receives the request line and headers, at most `max_bytes`; httplib bounds
  // neither their number nor their sum. read() then begins with them. A Range
  // header is left out: no reply is served in parts, and httplib matches it by a
  // recursion as deep as the header is long.
  enum class Head { kComplete, kTooLarge, kGone };
  Head ReadHead(size_t max_bytes);

  // Sends `text` as a whole; false if that fails.
  bool WriteAll(std::string_view text);

  // Ends sending and reads away a little of what the client still sends: to close
  // with unread bytes would reset the connection and lose the reply.
  void Finish();

  bool is_readable() const override;
  bool is_writable() const override;
  ssize_t read(char* data, size_t size) override;
  ssize_t write(const char* data, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  socket_t socket() const override { return fd_.get(); }

 private:
  // Waits for `events`; false on timeout, or when stopped.
  bool WaitReadable() const;
  ssize_t Receive(char* data, size_t size);

  FileDescriptor fd_;
  FileDescriptor deadline_;  // a timer, readable when the time is over
  const int stop_fd_;
  std::string head_;  // received and not yet read
  size_t head_read_ = 0;
  mutable bool last_write_used_ = false;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_CONNECTION_H_
