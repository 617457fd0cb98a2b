// What the link tunnels of a fleet are made of.
#ifndef SLUICE_MODEL_TUNNEL_KIND_H_
#define SLUICE_MODEL_TUNNEL_KIND_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace sluice {

enum class TunnelKind { kWireguard, kXfrm };

inline std::string TunnelKindName(TunnelKind kind) {
  return kind == TunnelKind::kXfrm ? "xfrm" : "wireguard";
}

inline absl::StatusOr<TunnelKind> ParseTunnelKind(std::string_view text) {
  if (text == "wireguard") return TunnelKind::kWireguard;
  if (text == "xfrm") return TunnelKind::kXfrm;
  return absl::InvalidArgumentError("a tunnel is wireguard or xfrm");
}

}  // namespace sluice

#endif  // SLUICE_MODEL_TUNNEL_KIND_H_
