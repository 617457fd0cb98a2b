// IP prefixes and endpoints.
#ifndef SLUICE_MODEL_PREFIX_H_
#define SLUICE_MODEL_PREFIX_H_

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace sluice {

// An IPv4 or IPv6 address in network byte order; IPv4 uses the first 4 bytes.
struct IpAddress {
  bool v6 = false;
  std::array<uint8_t, 16> bytes{};
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
  std::string ToString() const;
};
absl::StatusOr<IpAddress> ParseIpAddress(std::string_view text);

// An address and a length; host bits are zero.
struct IpPrefix {
  IpAddress address;
  uint8_t length = 0;
  friend auto operator<=>(const IpPrefix&, const IpPrefix&) = default;
  std::string ToString() const;
  bool Contains(const IpAddress& a) const;
  bool Overlaps(const IpPrefix& other) const;
};
// "10.1.0.0/24", "fd00::/64", or an address alone. Host bits must be zero.
absl::StatusOr<IpPrefix> ParseIpPrefix(std::string_view text);

// "192.0.2.1:51820", "[2001:db8::1]:51820".
struct Endpoint {
  IpAddress address;
  uint16_t port = 0;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
  std::string ToString() const;
};
absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text);

}  // namespace sluice

#endif  // SLUICE_MODEL_PREFIX_H_
