// The kernel's packet sockets. Opening one needs CAP_NET_RAW.
#ifndef SLUICE_OS_PACKET_PACKET_H_
#define SLUICE_OS_PACKET_PACKET_H_

#include "os/packet/packet_interface.h"

namespace sluice {

class SystemPacketPorts final : public PacketPorts {
 public:
  absl::StatusOr<std::unique_ptr<PacketPort>> Open(const std::string& device, uint16_t ethertype,
                                                   const std::vector<MacAddress>& groups) override;
};

}  // namespace sluice

#endif  // SLUICE_OS_PACKET_PACKET_H_
