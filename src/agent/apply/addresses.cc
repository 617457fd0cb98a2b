#include "agent/apply/addresses.h"

namespace sluice {

IpPrefix NetworkOf(const InterfaceAddress& address) {
  IpPrefix network{address.address, address.prefix_length};
  for (unsigned i = 0; i < network.address.bytes.size(); ++i) {
    const unsigned bit = i * 8;
    uint8_t& byte = network.address.bytes[i];
    if (bit >= network.length) {
      byte = 0;
    } else if (network.length - bit < 8) {
      byte &= static_cast<uint8_t>(0xff << (8 - (network.length - bit)));
    }
  }
  return network;
}

}  // namespace sluice
