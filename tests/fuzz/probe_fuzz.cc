// Frames from the wire, probes and LLDP: no input crashes, proves a neighbour or makes a report
// that cannot be sent.
#include <memory>
#include <string>

#include "agent/probe/prober.h"
#include "fuzz/fuzz.h"
#include "os/packet/packet_fake.h"
#include "wire/probe_frame.h"
#include "wire/wiring_codec.h"

using namespace sluice;

namespace {

// The first byte of each frame says what it is, the second how long it is.
void Deliver(std::string_view text, FakeDevice& device, const Clock& clock) {
  while (text.size() > 2) {
    const uint16_t type = (text[0] & 1) != 0 ? kLldpEtherType : kProbeEtherType;
    const size_t size = std::min<size_t>(static_cast<uint8_t>(text[1]), text.size() - 2);
    std::string payload(text.substr(2, size));
    if ((text[0] & 2) != 0) {
      const std::string message = payload;
      payload = {1, 0, static_cast<char>(message.size())};
      payload += message;
    }
    device.waiting[type].push_back({{2, 0, 0, 0, 0, 1}, kNearestGroup, payload, clock.Now(), true});
    text.remove_prefix(2 + size);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FakeClock clock;
  PacketPortsFake packets(clock);
  const auto device = std::make_shared<FakeDevice>();
  packets.devices["fab0"] = device;
  const Secret32 seed;
  Prober prober({"lab",
                 "a1",
                 seed,
                 Ed25519PublicKey(seed),
                 {"fab0"},
                 [](std::span<uint8_t> out) { std::fill(out.begin(), out.end(), uint8_t{7}); }},
                clock, packets);
  ProbeTerms terms;
  terms.credential.set_credential("x");
  prober.SetTerms(terms);
  Deliver(AsText(data, size), *device, clock);
  for (int i = 0; i < 4; ++i) {
    clock.Advance(absl::Milliseconds(60));
    const auto report = prober.Run();
    if (!report) continue;
    for (const PortWiring& port : report->ports) Require(port.neighbours.empty());
    Require(WiringFromProto(ToProto(*report)).ok());
  }
  return 0;
}
