#include "tunnel/wireguard/uapi.h"

#include <array>
#include <charconv>
#include <cstring>
#include <limits>

#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr size_t kKeySize = 32;

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Straight into place, so that no copy of a private key is left behind.
bool DecodeKey(std::string_view hex, std::span<uint8_t, kKeySize> out) {
  if (hex.size() != 2 * kKeySize) return false;
  for (size_t i = 0; i < kKeySize; ++i) {
    const int high = HexDigit(hex[2 * i]);
    const int low = HexDigit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

void AppendHex(SecretText& text, std::span<const uint8_t> bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const uint8_t b : bytes) {
    const char pair[2] = {kDigits[b >> 4], kDigits[b & 15]};
    text.Append(std::string_view(pair, 2));
  }
}

template <typename T>
bool DecodeNumber(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

absl::StatusOr<Endpoint> DecodeEndpoint(std::string_view text) {
  // "[fe80::1%eth0]:51820": the zone is not ours to keep.
  const size_t zone = text.find('%');
  const size_t bracket = text.find(']');
  if (zone == std::string_view::npos || bracket == std::string_view::npos || bracket < zone) {
    return ParseEndpoint(text);
  }
  return ParseEndpoint(StrCat(text.substr(0, zone), text.substr(bracket)));
}

// Reads one answer line by line.
class Reader {
 public:
  // The handshake times and counters of a peer come on lines of their own.
  absl::Status Line(std::string_view key, std::string_view value) {
    if (key == "errno") return Error(value);
    if (key == "public_key") return BeginPeer(value);
    return state_.peers.empty() ? DeviceLine(key, value) : PeerLine(key, value);
  }
  bool ended() const { return ended_; }
  WireguardState Take() && {
    FinishPeer();
    return std::move(state_);
  }

 private:
  static absl::Status Bad(std::string_view key) {
    return absl::InvalidArgumentError(StrCat("wireguard answers with a bad value for ", key));
  }
  absl::Status Error(std::string_view value) {
    int error = 0;
    if (!DecodeNumber(value, error)) return Bad("errno");
    ended_ = true;
    // wireguard-go reports errno negated in some versions.
    if (error != 0) return ErrnoStatus(error < 0 ? -error : error, "wireguard refuses");
    return absl::OkStatus();
  }
  absl::Status BeginPeer(std::string_view value) {
    FinishPeer();
    TunnelPeerState& peer = state_.peers.emplace_back();
    return DecodeKey(value, peer.peer.key) ? absl::OkStatus() : Bad("public_key");
  }
  absl::Status DeviceLine(std::string_view key, std::string_view value) {
    bool good = true;
    if (key == "private_key") {
      Secret32 secret;
      good = DecodeKey(value, secret.mutable_bytes());
      if (good && !secret.IsZero()) state_.public_key = X25519PublicKey(secret);
    } else if (key == "listen_port") {
      good = DecodeNumber(value, state_.listen_port);
    } else if (key == "fwmark") {
      good = DecodeNumber(value, state_.mark);
    }
    return good ? absl::OkStatus() : Bad(key);
  }
  absl::Status PeerLine(std::string_view key, std::string_view value) {
    TunnelPeerState& state = state_.peers.back();
    bool good = true;
    if (key == "endpoint") {
      auto endpoint = DecodeEndpoint(value);
      good = endpoint.ok();
      if (good) state.peer.endpoint = *endpoint;
    } else if (key == "allowed_ip") {
      auto prefix = ParseIpPrefix(value);
      good = prefix.ok();
      if (good) state.peer.allowed.push_back(*prefix);
    } else if (key == "persistent_keepalive_interval") {
      uint16_t seconds = 0;
      good = DecodeNumber(value, seconds);
      state.peer.keepalive = absl::Seconds(seconds);
    } else if (key == "preshared_key") {
      Secret32 secret;
      good = DecodeKey(value, secret.mutable_bytes());
      if (good) SetPreshared(state.peer, std::move(secret));
    } else if (key == "rx_bytes") {
      good = DecodeNumber(value, state.received_bytes);
    } else if (key == "tx_bytes") {
      good = DecodeNumber(value, state.sent_bytes);
    } else if (key == "last_handshake_time_sec") {
      good = DecodeNumber(value, handshake_s_);
    } else if (key == "last_handshake_time_nsec") {
      good = DecodeNumber(value, handshake_ns_);
    }
    return good ? absl::OkStatus() : Bad(key);
  }
  void FinishPeer() {
    if (!state_.peers.empty() && (handshake_s_ != 0 || handshake_ns_ != 0)) {
      state_.peers.back().last_handshake =
          absl::FromUnixSeconds(handshake_s_) + absl::Nanoseconds(handshake_ns_);
    }
    handshake_s_ = 0;
    handshake_ns_ = 0;
  }

  WireguardState state_;
  int64_t handshake_s_ = 0;
  int64_t handshake_ns_ = 0;
  bool ended_ = false;
};

absl::Status ReadLines(std::string_view answer, Reader& reader) {
  while (!answer.empty() && answer.front() != '\n') {
    const size_t end = answer.find('\n');
    if (end == std::string_view::npos) break;
    const std::string_view line = answer.substr(0, end);
    answer.remove_prefix(end + 1);
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos) {
      return absl::InvalidArgumentError("wireguard answers with a line without \"=\"");
    }
    SLUICE_RETURN_IF_ERROR(reader.Line(line.substr(0, equals), line.substr(equals + 1)));
  }
  if (reader.ended()) return absl::OkStatus();
  return absl::InvalidArgumentError("wireguard's answer breaks off");
}

}  // namespace

void SecretText::Append(std::string_view piece) {
  if (text_.size() + piece.size() > text_.capacity()) {
    std::string larger;
    larger.reserve(2 * (text_.size() + piece.size()));
    larger.assign(text_);
    Wipe(text_.data(), text_.size());
    text_.swap(larger);
  }
  text_.append(piece);
}

SecretText UapiSetDevice(const WireguardChange& change) {
  SecretText text;
  text.Append("set=1\n");
  if (change.private_key) {
    text.Append("private_key=");
    AppendHex(text, change.private_key->bytes());
    text.Append("\n");
  }
  if (change.mark) text.Append(StrCat("fwmark=", *change.mark, "\n"));
  if (change.listen_port) text.Append(StrCat("listen_port=", *change.listen_port, "\n"));
  text.Append("\n");
  return text;
}

SecretText UapiSetPeer(const TunnelPeer& peer, bool replace_allowed) {
  SecretText text;
  text.Append("set=1\npublic_key=");
  AppendHex(text, peer.key);
  text.Append("\n");
  if (const Secret32* preshared = PresharedOf(peer)) {
    text.Append("preshared_key=");
    AppendHex(text, preshared->bytes());
    text.Append("\n");
  }
  if (peer.endpoint) text.Append(StrCat("endpoint=", peer.endpoint->ToString(), "\n"));
  text.Append(StrCat("persistent_keepalive_interval=", absl::ToInt64Seconds(peer.keepalive), "\n"));
  if (replace_allowed) {
    text.Append("replace_allowed_ips=true\n");
    for (const IpPrefix& prefix : peer.allowed) {
      text.Append(StrCat("allowed_ip=", prefix.ToString(), "\n"));
    }
  }
  text.Append("\n");
  return text;
}

SecretText UapiRemovePeer(const PublicKey& key) {
  SecretText text;
  text.Append("set=1\npublic_key=");
  AppendHex(text, key);
  text.Append("\nremove=true\n\n");
  return text;
}

absl::StatusOr<WireguardState> ParseUapiState(std::string_view answer) {
  Reader reader;
  SLUICE_RETURN_IF_ERROR(ReadLines(answer, reader));
  return std::move(reader).Take();
}

absl::Status ParseUapiResult(std::string_view answer) {
  Reader reader;
  return ReadLines(answer, reader);
}

}  // namespace sluice
