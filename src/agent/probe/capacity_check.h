// Measures what a port's cable carries at least.
#ifndef SLUICE_AGENT_PROBE_CAPACITY_CHECK_H_
#define SLUICE_AGENT_PROBE_CAPACITY_CHECK_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "agent/probe/nonce_memory.h"
#include "base/clock.h"
#include "model/wiring.h"
#include "os/packet/packet_interface.h"

namespace sluice {

inline constexpr size_t kEthernetHeader = 14;

// What went before a question.
struct SentLoad {
  BootTime began;      // right before the first frame
  uint64_t bytes = 0;  // that the port took, Ethernet headers included
  BootTime asked;      // right before the question: what answers sooner has not read it
};

// A measurement is a number of tries, a tenth of a second apart, each of what the declared speed
// carries in a millisecond.
class CapacityCheck {
 public:
  void Begin(BitRate speed, BootTime now);
  bool Due(BootTime now) const { return tries_left_ > 0 && now >= next_try_; }
  // Counts a try. How many bytes it is to send.
  uint64_t Try(BootTime now);
  // Sends that much for the question `nonce`; what the port does not take is not counted, and
  // nothing if it takes none. `asked` is left open.
  static std::optional<SentLoad> SendLoad(PacketPort& port, const MacAddress& to,
                                          const ProbeNonce& nonce, uint64_t bytes);
  // `to` has proved that it got `claimed` bytes; its answer came at `at`. Neither what it claims
  // nor how long it says it held the frame makes more of it than we sent and timed.
  void Take(const PortName& to, uint64_t claimed, const SentLoad& sent, BootTime at);
  // True when a measurement has come to its end.
  bool Finish(BootTime now);
  // Of another cable nothing is known.
  void Clear();
  const std::optional<PortCapacity>& result() const { return result_; }

 private:
  int tries_left_ = 0;
  BitRate speed_;
  BootTime next_try_;
  std::optional<PortCapacity> best_;
  std::optional<PortCapacity> result_;
  uint64_t measurements_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_CAPACITY_CHECK_H_
