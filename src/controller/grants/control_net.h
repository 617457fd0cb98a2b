// Addresses inside the control tunnel: fd73:6c75:6963:6500::/64.
#ifndef SLUICE_CONTROLLER_GRANTS_CONTROL_NET_H_
#define SLUICE_CONTROLLER_GRANTS_CONTROL_NET_H_

#include <cstdint>

#include "model/prefix.h"

namespace sluice {

inline constexpr uint8_t kControlPrefixLength = 64;
// The largest index that an address has room for.
inline constexpr uint32_t kMaxControlIndex = 0xffff;

IpAddress ControllerAddress();              // ::1
IpAddress NodeControlAddress(uint32_t n);   // ::1:n
IpAddress TokenControlAddress(uint32_t n);  // ::2:n

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_GRANTS_CONTROL_NET_H_
