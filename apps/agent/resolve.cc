#include "apps/agent/resolve.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <charconv>
#include <cstring>
#include <memory>

#include "base/status.h"
#include "base/strings.h"
#include "wire/join_token.h"

namespace sluice {

absl::StatusOr<Endpoint> ResolveEndpoint(const std::string& host_port) {
  if (auto literal = ParseEndpoint(host_port); literal.ok()) return literal;
  SLUICE_RETURN_IF_ERROR(CheckHostPort("endpoint", host_port));
  const size_t colon = host_port.rfind(':');
  const std::string host = host_port.substr(0, colon);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (error != 0 || found == nullptr) {
    return absl::UnavailableError(StrCat("cannot look up the controller's name ", ForMessage(host),
                                         ": ", gai_strerror(error),
                                         "; check this node's name servers, or use an address"));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, ::freeaddrinfo);
  Endpoint endpoint;
  std::from_chars(host_port.data() + colon + 1, host_port.data() + host_port.size(), endpoint.port);
  endpoint.address.v6 = found->ai_family == AF_INET6;
  if (endpoint.address.v6) {
    std::memcpy(endpoint.address.bytes.data(),
                &reinterpret_cast<const sockaddr_in6*>(found->ai_addr)->sin6_addr, 16);
  } else {
    std::memcpy(endpoint.address.bytes.data(),
                &reinterpret_cast<const sockaddr_in*>(found->ai_addr)->sin_addr, 4);
  }
  return endpoint;
}

}  // namespace sluice
