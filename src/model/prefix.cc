#include "model/prefix.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

absl::Status Bad(std::string_view what, std::string_view text, std::string_view problem) {
  return absl::InvalidArgumentError(StrCat(what, " ", ForMessage(text), " ", problem));
}

// A decimal number up to `max`, without sign, spaces or leading zeros.
std::optional<unsigned> ParseNumber(std::string_view text, unsigned max) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

unsigned Bits(const IpAddress& address) { return address.v6 ? 128 : 32; }

// `address` with all bits behind the first `length` zero.
IpAddress Masked(IpAddress address, unsigned length) {
  for (unsigned i = 0; i < address.bytes.size(); ++i) {
    if (i * 8 >= length) address.bytes[i] = 0;
    if (i * 8 < length && length < (i + 1) * 8)
      address.bytes[i] &= static_cast<uint8_t>(0xff << ((i + 1) * 8 - length));
  }
  return address;
}

}  // namespace

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof(text));
  return text;
}

absl::StatusOr<IpAddress> ParseIpAddress(std::string_view text) {
  IpAddress out;
  out.v6 = text.find(':') != std::string_view::npos;
  // inet_pton takes a C string, and would not see what stands behind a NUL.
  const bool is_c_string = text.find('\0') == std::string_view::npos;
  if (!is_c_string || text.size() >= INET6_ADDRSTRLEN ||
      inet_pton(out.v6 ? AF_INET6 : AF_INET, std::string(text).c_str(), out.bytes.data()) != 1)
    return Bad("address", text, "is no IP address; write for example 192.0.2.1 or 2001:db8::1");
  return out;
}

std::string IpPrefix::ToString() const {
  return StrCat(address.ToString(), "/", static_cast<unsigned>(length));
}

bool IpPrefix::Contains(const IpAddress& a) const {
  return a.v6 == address.v6 && Masked(a, length) == address;
}

bool IpPrefix::Overlaps(const IpPrefix& other) const {
  return length <= other.length ? Contains(other.address) : other.Contains(address);
}

absl::StatusOr<IpPrefix> ParseIpPrefix(std::string_view text) {
  size_t slash = text.find('/');
  SLUICE_ASSIGN_OR_RETURN(IpAddress address, ParseIpAddress(text.substr(0, slash)));
  unsigned length = Bits(address);
  if (slash != std::string_view::npos) {
    std::optional<unsigned> parsed = ParseNumber(text.substr(slash + 1), length);
    if (!parsed)
      return Bad("prefix", text, StrCat("has no length from 0 to ", length, " behind its \"/\""));
    length = *parsed;
  }
  IpPrefix out{Masked(address, length), static_cast<uint8_t>(length)};
  if (out.address != address)
    return Bad("prefix", text, StrCat("has host bits; did you mean ", out.ToString(), "?"));
  return out;
}

std::string Endpoint::ToString() const {
  return address.v6 ? StrCat("[", address.ToString(), "]:", port)
                    : StrCat(address.ToString(), ":", port);
}

absl::StatusOr<Endpoint> ParseEndpoint(std::string_view text) {
  constexpr std::string_view kHint =
      "is no endpoint; write for example 192.0.2.1:51820 or [2001:db8::1]:51820";
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Bad("endpoint", text, kHint);
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  absl::StatusOr<IpAddress> address = ParseIpAddress(host);
  if (!address.ok() || address->v6 != bracketed) return Bad("endpoint", text, kHint);
  std::optional<unsigned> port = ParseNumber(text.substr(colon + 1), 65'535);
  if (!port || *port == 0) return Bad("endpoint", text, "has no port from 1 to 65535");
  return Endpoint{*address, static_cast<uint16_t>(*port)};
}

}  // namespace sluice
