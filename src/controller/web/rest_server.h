// The operator API and the console: REST/JSON, metrics and server-sent events on a loopback
// port, as docs/openapi.json describes them, and the page. It serves only requests that name a
// loopback host, and everything but health, the description and the page only with the admin token.
#ifndef SLUICE_CONTROLLER_WEB_REST_SERVER_H_
#define SLUICE_CONTROLLER_WEB_REST_SERVER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/grants/core_runner.h"

namespace sluice {

struct RestConfig {
  // Where to listen: a loopback address or "localhost", and a port; port 0 takes a free one.
  std::string listen = "127.0.0.1:8080";
  // If not negative, a listening loopback TCP socket to serve instead of `listen`.
  // The server takes a duplicate; the caller may close this one after Start().
  int listen_fd = -1;
  std::string admin_token;                             // at least 16 characters
  std::string fleet;                                   // shown by /api/v1/status
  std::string version;                                 // shown by /api/v1/status
  absl::Duration heartbeat = absl::Milliseconds(200);  // of the nodes, for the console
  size_t max_body_bytes = size_t{64} << 10;
  size_t max_head_bytes = size_t{16} << 10;  // request line and headers
  size_t workers = 32;                       // requests and streams served at the same time
  size_t max_waiting = 64;  // connections accepted and not yet served; more are closed
  size_t max_streams = 8;   // of each of the two kinds; further ones get 503
  absl::Duration stream_interval = absl::Seconds(1);
  absl::Duration request_timeout = absl::Seconds(10);  // to receive one whole request
};

// Thread-safe.
class RestServer {
 public:
  // Listens and serves in threads of its own, with all signals blocked in them.
  // InvalidArgument: the configuration (an address that is not loopback, …);
  // AlreadyExists: the port is in use. `core` and `clock` outlive the server.
  static absl::StatusOr<std::unique_ptr<RestServer>> Start(const RestConfig& config,
                                                           CoreRunner& core, const Clock& clock);

  virtual ~RestServer() = default;  // stops

  // Ends every connection and thread. Returns within a second if CoreRunner::Run()
  // does; so stop the server before the core's thread. Calling it again does nothing.
  virtual void Stop() = 0;

  // The TCP port that is served.
  virtual uint16_t port() const = 0;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_REST_SERVER_H_
