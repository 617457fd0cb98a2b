#include "controller/grants/control_net.h"

namespace sluice {
namespace {

IpAddress Address(uint8_t group, uint32_t n) {
  IpAddress address;
  address.v6 = true;
  address.bytes = {0xfd, 0x73, 0x6c, 0x75, 0x69, 0x63, 0x65, 0x00};
  address.bytes[13] = group;
  address.bytes[14] = static_cast<uint8_t>(n >> 8);
  address.bytes[15] = static_cast<uint8_t>(n);
  return address;
}

}  // namespace

IpAddress ControllerAddress() { return Address(0, 1); }
IpAddress NodeControlAddress(uint32_t n) { return Address(1, n); }
IpAddress TokenControlAddress(uint32_t n) { return Address(2, n); }

}  // namespace sluice
