#include "agent/probe/lldp.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/ascii.h"
#include "base/strings.h"

namespace sluice {
namespace {

// TLV types and the subtypes whose value is text (802.1AB-2016, 8.5).
enum Tlv { kEnd = 0, kChassis = 1, kPort = 2, kTtl = 3, kDescription = 4, kSystem = 5 };
constexpr int kChassisMac = 4;
constexpr int kChassisAddress = 5;
constexpr int kPortMac = 3;
constexpr int kPortAddress = 4;
constexpr size_t kMostClaimed = 16;  // senders that are remembered
constexpr size_t kMostText = 63;

std::string Printable(std::string_view text) {
  std::string out(text.substr(0, kMostText));
  for (char& c : out)
    if (!absl::ascii_isprint(c)) c = '?';
  return out;
}

std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes.substr(0, 20)) {
    const auto byte = static_cast<uint8_t>(c);
    if (!out.empty()) out += ':';
    out += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

// A chassis or port id: a subtype, then what it says.
std::string IdOf(std::string_view value, int mac, int address) {
  if (value.size() < 2) return "";
  const int subtype = static_cast<uint8_t>(value[0]);
  value.remove_prefix(1);
  return subtype == mac || subtype == address ? Hex(value) : Printable(value);
}

struct Reader {
  std::string_view rest;
  struct Item {
    int type = 0;
    std::string_view value;
  };
  // Nothing at the end, and where a length leads beyond it.
  std::optional<Item> Next() {
    if (rest.size() < 2) return std::nullopt;
    const auto high = static_cast<uint8_t>(rest[0]);
    const size_t size = static_cast<size_t>(high & 1) << 8 | static_cast<uint8_t>(rest[1]);
    if (rest.size() < 2 + size) return std::nullopt;
    Item item{high >> 1, rest.substr(2, size)};
    rest.remove_prefix(2 + size);
    return item;
  }
};

}  // namespace

absl::StatusOr<LldpMessage> ParseLldp(std::string_view payload) {
  LldpMessage message;
  Reader reader{payload};
  // The first three are of these types, in this order.
  for (const int type : {kChassis, kPort, kTtl}) {
    const auto item = reader.Next();
    if (!item || item->type != type)
      return absl::InvalidArgumentError("LLDP without chassis, port or lifetime");
    if (type == kChassis) message.claim.chassis = IdOf(item->value, kChassisMac, kChassisAddress);
    if (type == kPort) message.claim.port = IdOf(item->value, kPortMac, kPortAddress);
    if (type == kTtl && item->value.size() >= 2)
      message.ttl = absl::Seconds(static_cast<uint8_t>(item->value[0]) * 256 +
                                  static_cast<uint8_t>(item->value[1]));
  }
  if (message.claim.chassis.empty() || message.claim.port.empty())
    return absl::InvalidArgumentError("LLDP with an empty chassis or port");
  while (const auto item = reader.Next()) {
    if (item->type == kEnd) break;
    if (item->type == kDescription) message.claim.description = Printable(item->value);
    if (item->type == kSystem) message.claim.system = Printable(item->value);
  }
  return message;
}

void LldpTable::Take(const MacAddress& sender, const LldpMessage& message, BootTime now) {
  const Key key{sender, message.claim};
  if (message.ttl == absl::ZeroDuration()) {
    std::erase_if(entries_, [&](const auto& entry) {
      return entry.first.sender == sender && entry.first.claim.port == message.claim.port &&
             entry.first.claim.chassis == message.claim.chassis;
    });
    return;
  }
  const auto it = entries_.find(key);
  if (it == entries_.end() && entries_.size() >= kMostClaimed) {
    entries_.erase(std::ranges::min_element(entries_, {},
                                            [](const auto& entry) { return entry.second.last; }));
  }
  Entry& entry = entries_.try_emplace(key, Entry{now, now, message.ttl}).first->second;
  entry.last = now;
  entry.ttl = message.ttl;
}

std::vector<LldpClaim> LldpTable::Claims(BootTime now) {
  std::erase_if(entries_,
                [&](const auto& entry) { return now - entry.second.last >= entry.second.ttl; });
  BootTime newest{};
  for (const auto& [key, entry] : entries_) newest = std::max(newest, entry.first);
  std::vector<LldpClaim> claims;
  for (const auto& [key, entry] : entries_) {
    if (entry.first == newest || entry.last > newest) claims.push_back(key.claim);
  }
  return claims;
}

}  // namespace sluice
