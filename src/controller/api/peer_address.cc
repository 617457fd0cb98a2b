#include "controller/api/peer_address.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "base/strings.h"

namespace sluice {

absl::StatusOr<IpAddress> ParsePeer(std::string_view peer) {
  absl::string_view rest = ToAbsl(peer);
  if (!absl::ConsumePrefix(&rest, "ipv6:") && !absl::ConsumePrefix(&rest, "ipv4:"))
    return absl::InvalidArgumentError(StrCat("caller ", ForMessage(peer), " has no IP address"));
  const std::string text =
      absl::StrReplaceAll(rest, {{"%5B", "["}, {"%5b", "["}, {"%5D", "]"}, {"%5d", "]"}});
  const absl::StatusOr<Endpoint> endpoint = ParseEndpoint(text);
  if (!endpoint.ok())
    return absl::InvalidArgumentError(StrCat("caller ", ForMessage(peer), " is not understood"));
  return endpoint->address;
}

}  // namespace sluice
