// Sends UDP packets as fast as one CPU can, round-robin over many destinations:
// raw frames past the sender's own IP stack, so that what is measured is the
// machine behind the wire. Prints JSON on stdout.
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr size_t kEthernetHeader = 14;
constexpr size_t kBatch = 64;
constexpr uint32_t kNetSize = 256;  // destination i is .1 of the i-th /24
// Destinations are visited in steps of this prime, not in the order of any table.
constexpr uint32_t kStep = 7919;

struct Options {
  std::string interface;
  std::string to_mac;
  std::string source = "10.0.0.2";
  std::string base = "20.0.0.0";
  uint32_t destinations = 1;
  size_t bytes = 64;  // of the IP packet
  double seconds = 1;
  int cpu = 0;
};

void Put16(char* at, uint32_t value) {
  at[0] = static_cast<char>(value >> 8);
  at[1] = static_cast<char>(value);
}

void Put32(char* at, uint32_t value) {
  Put16(at, value >> 16);
  Put16(at + 2, value & 0xffff);
}

uint32_t HeaderChecksum(const char* ip) {
  uint32_t sum = 0;
  for (int i = 0; i < 20; i += 2)
    sum +=
        static_cast<uint32_t>(static_cast<uint8_t>(ip[i])) << 8 | static_cast<uint8_t>(ip[i + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

// The frame to the i-th destination: IPv4, UDP without checksum, port 9 (discard).
std::string Frame(const Options& o, const std::string& ethernet, uint32_t source, uint32_t base,
                  uint32_t i) {
  std::string frame = ethernet;
  frame.resize(kEthernetHeader + o.bytes);
  char* ip = frame.data() + kEthernetHeader;
  ip[0] = 0x45;
  Put16(ip + 2, static_cast<uint32_t>(o.bytes));
  ip[8] = 64;
  ip[9] = IPPROTO_UDP;
  Put32(ip + 12, source);
  Put32(ip + 16, base + i * kNetSize + 1);
  Put16(ip + 10, HeaderChecksum(ip));
  Put16(ip + 20, 9);
  Put16(ip + 22, 9);
  Put16(ip + 24, static_cast<uint32_t>(o.bytes) - 20);
  return frame;
}

bool ParseMac(const std::string& text, std::string& out) {
  std::array<unsigned, 6> parts{};
  if (std::sscanf(text.c_str(), "%x:%x:%x:%x:%x:%x", &parts[0], &parts[1], &parts[2], &parts[3],
                  &parts[4], &parts[5]) != 6)
    return false;
  for (const unsigned part : parts) out.push_back(static_cast<char>(part));
  return true;
}

bool MakeFrames(const Options& o, std::vector<std::string>& frames) {
  std::string ethernet;
  in_addr source{};
  in_addr base{};
  if (!ParseMac(o.to_mac, ethernet) || inet_pton(AF_INET, o.source.c_str(), &source) != 1 ||
      inet_pton(AF_INET, o.base.c_str(), &base) != 1)
    return false;
  ethernet += std::string("\x02\0\0\0\0\x01\x08\x00", 8);
  for (uint32_t i = 0; i < o.destinations; ++i) {
    const auto at = static_cast<uint32_t>(uint64_t{i} * kStep % o.destinations);
    frames.push_back(Frame(o, ethernet, ntohl(source.s_addr), ntohl(base.s_addr), at));
  }
  return true;
}

int OpenSocket(const std::string& interface) {
  const int fd = socket(AF_PACKET, SOCK_RAW, 0);
  if (fd < 0) return -1;
  const int one = 1;
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
  if (address.sll_ifindex == 0 ||
      setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) != 0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

// Sends until the time is over; returns how many packets went out, or -1.
int64_t Flood(int fd, std::vector<std::string>& frames, double seconds) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                   std::chrono::duration<double>(seconds));
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> parts{};
  size_t next = 0;
  int64_t sent = 0;
  while (Clock::now() < end) {
    for (size_t i = 0; i < kBatch; ++i) {
      std::string& frame = frames[next];
      next = next + 1 == frames.size() ? 0 : next + 1;
      parts[i] = {frame.data(), frame.size()};
      messages[i].msg_hdr.msg_iov = &parts[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = sendmmsg(fd, messages.data(), kBatch, 0);
    if (count < 0 && errno != ENOBUFS && errno != EAGAIN) return -1;
    if (count > 0) sent += count;
  }
  return sent;
}

void Pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(cpu), &set);
  sched_setaffinity(0, sizeof(set), &set);  // without it the figures only wander more
}

int Main(int argc, char** argv) {
  Options o;
  CLI::App app("Floods an interface with UDP packets; JSON on stdout.");
  app.add_option("--interface", o.interface)->required();
  app.add_option("--to-mac", o.to_mac, "of the next hop")->required();
  app.add_option("--source", o.source);
  app.add_option("--base", o.base, "destination i (from 0) is .1 of the i-th /24 behind this");
  app.add_option("--destinations", o.destinations)->check(CLI::Range(1u, 65'536u));
  app.add_option("--bytes", o.bytes, "of the IP packet")
      ->check(CLI::Range(size_t{28}, size_t{9000}));
  app.add_option("--seconds", o.seconds)->check(CLI::Range(0.01, 3600.0));
  app.add_option("--cpu", o.cpu)->check(CLI::Range(0, CPU_SETSIZE - 1));
  CLI11_PARSE(app, argc, argv);
  std::vector<std::string> frames;
  if (!MakeFrames(o, frames)) {
    std::cerr << "sluice-udp-flood: --to-mac, --source or --base is no address\n";
    return 2;
  }
  const int fd = OpenSocket(o.interface);
  if (fd < 0) {
    std::cerr << "sluice-udp-flood: cannot send on " << o.interface << ": " << std::strerror(errno)
              << "\n";
    return 1;
  }
  Pin(o.cpu);
  const int64_t sent = Flood(fd, frames, o.seconds);
  if (sent < 0) {
    std::cerr << "sluice-udp-flood: " << std::strerror(errno) << "\n";
    return 1;
  }
  std::cout << "{\"sent\": " << sent << "}\n";
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return Main(argc, argv); }
