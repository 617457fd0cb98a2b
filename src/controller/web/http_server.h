// Accepts connections and lets httplib speak HTTP on them, one request each.
#ifndef SLUICE_CONTROLLER_WEB_HTTP_SERVER_H_
#define SLUICE_CONTROLLER_WEB_HTTP_SERVER_H_

#include <httplib.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/queue.h"
#include "controller/web/file_descriptor.h"

namespace sluice {

struct HttpLimits {
  size_t max_head_bytes = 0;
  size_t max_body_bytes = 0;
  size_t workers = 0;
  size_t max_waiting = 0;
  absl::Duration request_timeout;
};

// httplib's own accept loop cannot be used: it stops by shutdown(2), which would also
// end a listening socket that another process shares, it waits for idle clients, and
// it bounds neither headers nor queue. So the sockets are ours and HTTP is httplib's.
class HttpServer final : private httplib::Server {
 public:
  // Both are called by several threads at once.
  // Sees the request before its body is read; true: the response is complete.
  using Check = std::function<bool(const httplib::Request&, httplib::Response&)>;
  // Answers it. `target` of the request is what the client asked for; `path` is "/".
  using Handler = std::function<void(const httplib::Request&, httplib::Response&)>;

  // Serves from now on. `listening` is non-blocking.
  static absl::StatusOr<std::unique_ptr<HttpServer>> Start(FileDescriptor listening,
                                                           const HttpLimits& limits, Check check,
                                                           const Handler& handler);
  ~HttpServer() override;

  // Wakes everything that waits on a client; handlers must return by themselves.
  // Afterwards no thread runs. Once only.
  void Stop();

 private:
  HttpServer(FileDescriptor listening, FileDescriptor stop, const HttpLimits& limits);

  void Configure(Check check, const Handler& handler);
  void StartThreads();
  void AcceptLoop();
  void Accept();
  void WorkLoop();
  void Serve(FileDescriptor fd);

  const FileDescriptor listening_;
  const FileDescriptor stop_;  // an eventfd, readable from Stop() on
  const HttpLimits limits_;
  BoundedQueue<FileDescriptor> waiting_;
  std::vector<std::thread> threads_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_HTTP_SERVER_H_
