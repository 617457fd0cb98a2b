// Epochs and peers for tests.
#ifndef SLUICE_TUNNEL_XFRM_TEST_EPOCHS_H_
#define SLUICE_TUNNEL_XFRM_TEST_EPOCHS_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "tunnel/tunnel_interface.h"

namespace sluice {

inline Secret32 TestSecret(uint8_t fill) {
  Secret32 secret;
  std::ranges::fill(secret.mutable_bytes(), fill);
  return secret;
}

// An epoch as one end has it; the other end has it with `far`.
inline TunnelEpoch TestEpoch(uint64_t number, bool far = false) {
  TunnelEpoch epoch;
  epoch.number = number;
  epoch.send_key = TestSecret(static_cast<uint8_t>(2 * number));
  epoch.receive_key = TestSecret(static_cast<uint8_t>(2 * number + 1));
  epoch.send_salt = 0x01020304;
  epoch.receive_salt = 0x05060708;
  epoch.send_spi = static_cast<uint32_t>(0x100 * number + 1);
  epoch.receive_spi = static_cast<uint32_t>(0x100 * number + 2);
  if (far) {
    std::swap(epoch.send_key, epoch.receive_key);
    std::swap(epoch.send_salt, epoch.receive_salt);
    std::swap(epoch.send_spi, epoch.receive_spi);
  }
  return epoch;
}

// Only the number: what is installed.
inline TunnelEpoch KnownEpoch(uint64_t number) {
  TunnelEpoch epoch;
  epoch.number = number;
  return epoch;
}

}  // namespace sluice

#endif  // SLUICE_TUNNEL_XFRM_TEST_EPOCHS_H_
