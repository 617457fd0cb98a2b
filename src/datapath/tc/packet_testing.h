// Packets for tests of the gate, and the gate loaded for test runs.
#ifndef SLUICE_DATAPATH_TC_PACKET_TESTING_H_
#define SLUICE_DATAPATH_TC_PACKET_TESTING_H_

#include <gtest/gtest.h>
#include <linux/pkt_cls.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/system_clock.h"
#include "datapath/gate_words.h"
#include "datapath/tc/gate_kernel.h"
#include "datapath/tc/gate_routes.h"
#include "model/prefix.h"

namespace sluice::testing {

inline std::string Be16(uint32_t v) {
  return {static_cast<char>(v >> 8 & 0xff), static_cast<char>(v & 0xff)};
}

inline std::string AddressBytes(std::string_view text) {
  const IpAddress a = ParseIpAddress(text).value();
  return std::string(reinterpret_cast<const char*>(a.bytes.data()), a.v6 ? 16 : 4);
}

// A frame to the station that test runs take for their own.
inline std::string Ethernet(uint16_t type, const std::string& payload) {
  return std::string(12, '\0') + Be16(type) + payload;
}

struct IpOptions {
  uint8_t protocol = 17;
  uint8_t ttl = 64;
  uint8_t tos = 0;
  uint16_t fragment = 0;
  std::string options = {};  // IPv4: a multiple of 4 bytes
  int length_error = 0;      // added to the length field
};

inline std::string Ipv4(std::string_view from, std::string_view to, const std::string& payload,
                        const IpOptions& o = {}) {
  const size_t header = 20 + o.options.size();
  const size_t total = header + payload.size() + static_cast<size_t>(o.length_error);
  return std::string(1, static_cast<char>(0x40 | header / 4)) + static_cast<char>(o.tos) +
         Be16(static_cast<uint32_t>(total)) + Be16(0) + Be16(o.fragment) +
         static_cast<char>(o.ttl) + static_cast<char>(o.protocol) + Be16(0) + AddressBytes(from) +
         AddressBytes(to) + o.options + payload;
}

inline std::string Ipv6(std::string_view from, std::string_view to, const std::string& payload,
                        const IpOptions& o = {}) {
  const size_t length = payload.size() + static_cast<size_t>(o.length_error);
  return std::string(1, static_cast<char>(0x60 | o.tos >> 4)) + static_cast<char>(o.tos << 4) +
         Be16(0) + Be16(static_cast<uint32_t>(length)) + static_cast<char>(o.protocol) +
         static_cast<char>(o.ttl) + AddressBytes(from) + AddressBytes(to) + payload;
}

inline std::string Udp(uint16_t from, uint16_t to, size_t payload) {
  return Be16(from) + Be16(to) + Be16(static_cast<uint32_t>(payload + 8)) + Be16(0) +
         std::string(payload, 'x');
}

// `header` is the TCP header's length, a multiple of 4, at least 20.
inline std::string Tcp(size_t payload, size_t header = 20) {
  std::string tcp(header, '\0');
  tcp[12] = static_cast<char>(header / 4 << 4);
  return tcp + std::string(payload, 'x');
}

inline constexpr uint16_t kIpv4Type = 0x0800;
inline constexpr uint16_t kIpv6Type = 0x86dd;
inline constexpr uint16_t kArpType = 0x0806;
inline constexpr uint32_t kTunnelIndex = 77;
inline constexpr uint16_t kTunnelPort = 51820;
inline constexpr uint16_t kControlPort = 51821;
inline constexpr uint32_t kTunnelMark = 0x1510;

// The gate's programs loaded but attached to nothing. Own prefixes are
// 10.1.0.0/24 and fd00:1::/64; slot 5 sends to 10.2.0.0/24 and fd00:2::/64, slot
// 6 receives from there. No slot has a lease.
class GateTest : public ::testing::Test {
 protected:
  static constexpr uint32_t kSend = 5;
  static constexpr uint32_t kReceive = 6;

  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "loading BPF programs needs root";
    auto kernel = GateKernel::Load({.pin_directory = "", .tunnel_header = 14});
    ASSERT_TRUE(kernel.ok()) << kernel.status();
    kernel_ = std::move(*kernel);
    sluice_config& config = kernel_->config();
    config.shaper_mode = SLUICE_SHAPER_HTB;
    config.tunnel_ifindex = kTunnelIndex;
    config.tunnel_port = kTunnelPort;
    config.control_port = kControlPort;
    config.tunnel_mark = kTunnelMark;
    for (const char* own : {"10.1.0.0/24", "fd00:1::/64"}) Route(SLUICE_ROUTE_OWN, own, 1);
    for (const char* far : {"10.2.0.0/24", "fd00:2::/64"}) {
      Route(SLUICE_ROUTE_SEND, far, kSend);
      Route(SLUICE_ROUTE_RECEIVE, far, kReceive);
    }
  }

  void Route(sluice_route_role role, std::string_view prefix, uint32_t slot) {
    const sluice_route_key key = RouteKey(role, ParseIpPrefix(prefix).value());
    ASSERT_TRUE(PutElement(kernel_->routes_fd(), &key, &slot).ok());
    kernel_->NextGeneration();
  }

  void Open(uint32_t slot, uint64_t volume, absl::Duration lifetime = absl::Hours(1),
            const ClockWords& clock = {}) {
    GateLease lease;
    lease.sequence = 1;
    lease.rate = BitRate{1'000'000};
    lease.volume_limit = Bytes{volume};
    lease.expires_at = clock_.Now() + lifetime;
    WriteLease(kernel_->slot(slot), lease, clock);
  }

  BpfTestRun Run(const char* program, const std::string& frame, const __sk_buff& context = {}) {
    auto run = TestRun(kernel_->ProgramFd(program).value(), frame, context);
    EXPECT_TRUE(run.ok()) << run.status();
    return run.ok() ? *run : BpfTestRun{};
  }
  bool Passes(const char* program, const std::string& frame, const __sk_buff& context = {}) {
    return Run(program, frame, context).verdict == TC_ACT_OK;
  }

  // Whether the frame is refused, and counted for just this reason.
  ::testing::AssertionResult Refused(const char* program, const std::string& frame, uint32_t slot,
                                     sluice_drop_reason reason, const __sk_buff& context = {}) {
    const Drops before = ReadDrops(kernel_->drops(slot));
    const int verdict = Run(program, frame, context).verdict;
    Drops after = ReadDrops(kernel_->drops(slot));
    if (verdict != TC_ACT_SHOT) return ::testing::AssertionFailure() << "verdict " << verdict;
    if (after[reason].packets == before[reason].packets) {
      for (size_t i = 0; i < after.size(); ++i)
        if (after[i].packets != before[i].packets)
          return ::testing::AssertionFailure()
                 << "counted as " << DropReasonName(static_cast<sluice_drop_reason>(i));
      return ::testing::AssertionFailure() << "not counted";
    }
    if (after[reason].bytes <= before[reason].bytes)
      return ::testing::AssertionFailure() << "bytes not counted";
    return ::testing::AssertionSuccess();
  }

  static __sk_buff FromTunnel() {
    __sk_buff context{};
    context.ingress_ifindex = kTunnelIndex;
    return context;
  }
  static __sk_buff Marked(uint32_t mark) {
    __sk_buff context{};
    context.mark = mark;
    return context;
  }

  uint64_t Admitted(uint32_t slot) {
    return LoadWord(kernel_->slot(slot).admitted) & ~SLUICE_CLOSED;
  }
  uint64_t Packets(uint32_t slot) { return LoadWord(kernel_->slot(slot).packets); }

  static std::string V4(size_t payload = 100, const IpOptions& o = {}) {
    return Ethernet(kIpv4Type, Ipv4("10.1.0.2", "10.2.0.2", Udp(1, 2, payload), o));
  }
  static std::string V6(size_t payload = 100, const IpOptions& o = {}) {
    return Ethernet(kIpv6Type, Ipv6("fd00:1::2", "fd00:2::2", Udp(1, 2, payload), o));
  }
  static std::string BackV4(size_t payload = 100) {
    return Ethernet(kIpv4Type, Ipv4("10.2.0.2", "10.1.0.2", Udp(1, 2, payload)));
  }
  static std::string BackV6(size_t payload = 100) {
    return Ethernet(kIpv6Type, Ipv6("fd00:2::2", "fd00:1::2", Udp(1, 2, payload)));
  }

  SystemClock clock_;
  std::unique_ptr<GateKernel> kernel_;
};

}  // namespace sluice::testing

#endif  // SLUICE_DATAPATH_TC_PACKET_TESTING_H_
