// The controller's REST API as sluicectl uses it.
#ifndef SLUICE_APPS_CTL_CLIENT_H_
#define SLUICE_APPS_CTL_CLIENT_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "json_view.h"
#include "model/names.h"

namespace httplib {
class Client;
}

namespace sluice::ctl {

struct ClientOptions {
  std::string api;                             // "http://127.0.0.1:8080"
  std::string token;                           // sent as a bearer token
  std::string token_file;                      // where it came from, for messages
  absl::Duration timeout = absl::Seconds(10);  // to connect, and for each answer
};

// Blocking calls, for one thread. Errors are ready for people: Unavailable if
// nobody answers, Unauthenticated for a wrong token, and the API's own message
// with its field otherwise.
class ApiClient {
 public:
  // InvalidArgument if `api` is not http://HOST[:PORT] (or https://).
  static absl::StatusOr<std::unique_ptr<ApiClient>> Create(ClientOptions options);
  ~ApiClient();

  absl::StatusOr<Json> Get(const std::string& path);
  absl::StatusOr<Json> Put(const std::string& path, const Json& body);
  absl::StatusOr<Json> Post(const std::string& path, const Json& body);
  absl::StatusOr<Json> Delete(const std::string& path);

  const std::string& api() const { return options_.api; }

 private:
  explicit ApiClient(ClientOptions options);

  ClientOptions options_;
  std::unique_ptr<httplib::Client> http_;
};

// "a1%3Eb1".
std::string LinkInPath(const LinkName& link);

// What an answer means; apart from the network for tests.
absl::StatusOr<Json> JudgeAnswer(const ClientOptions& options, int http_status,
                                 const std::string& body);

}  // namespace sluice::ctl

#endif  // SLUICE_APPS_CTL_CLIENT_H_
