// WireGuard's cross-platform userspace API: the text that goes over the unix
// socket of wireguard-go (https://www.wireguard.com/xplatform/). Pure.
#ifndef SLUICE_TUNNEL_WIREGUARD_UAPI_H_
#define SLUICE_TUNNEL_WIREGUARD_UAPI_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tunnel/wireguard/wireguard_state.h"

namespace sluice {

// A text that may hold keys: wiped on destruction and whenever it moves to a
// larger buffer.
class SecretText {
 public:
  SecretText() = default;
  ~SecretText() { Wipe(text_.data(), text_.size()); }
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  SecretText(SecretText&& other) noexcept { text_.swap(other.text_); }
  SecretText& operator=(SecretText&& other) noexcept {
    text_.swap(other.text_);
    return *this;
  }
  void Append(std::string_view piece);
  std::string_view view() const { return text_; }

 private:
  std::string text_;
};

// "get=1": ask for everything.
inline constexpr std::string_view kUapiGet = "get=1\n\n";

SecretText UapiSetDevice(const WireguardChange& change);
// With `replace_allowed` the peer's allowed addresses become `peer.allowed`;
// without, they stay. An endpoint that is not set stays too.
SecretText UapiSetPeer(const TunnelPeer& peer, bool replace_allowed);
SecretText UapiRemovePeer(const PublicKey& key);

// The answer to kUapiGet, up to the empty line that ends it. An answer that
// reports an error, breaks off or cannot be read is an error that quotes no key.
absl::StatusOr<WireguardState> ParseUapiState(std::string_view answer);
// The answer to a set: the error it reports.
absl::Status ParseUapiResult(std::string_view answer);

}  // namespace sluice

#endif  // SLUICE_TUNNEL_WIREGUARD_UAPI_H_
