#include "wire/link_keys.h"

#include <cstring>

#include "base/status.h"
#include "base/strings.h"
#include "wire/fixed_bytes.h"

namespace sluice {
namespace {

constexpr char kOfferDomain[] = "sluice key offer v1";
constexpr char kKeyDomain[] = "sluice link key v1";
constexpr char kStateDomain[] = "sluice key state v1";

// The zero at its end divides a domain from what follows.
template <size_t kSize>
std::string_view Domain(const char (&text)[kSize]) {
  return {text, kSize};
}

std::string_view View(const std::span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string OfferText(std::string_view offer) { return StrCat(Domain(kOfferDomain), offer); }

// With its length before it, so that no two lists of fields look alike.
void Add(std::string& text, std::string_view field) {
  const uint64_t size = field.size();
  for (int shift = 56; shift >= 0; shift -= 8) text.push_back(static_cast<char>(size >> shift));
  text.append(field);
}

void Add(std::string& text, const KeyOffer& offer, const PublicKey& identity) {
  Add(text, offer.fleet);
  Add(text, offer.from);
  Add(text, offer.to);
  Add(text, StrCat(offer.epoch));
  Add(text, View(offer.ephemeral));
  Add(text, View(offer.tunnel_key));
  Add(text, StrCat(offer.spi));
  Add(text, View(identity));
}

// What was said, the same at both ends.
std::array<uint8_t, 32> Transcript(const KeyExchange& exchange) {
  std::string text;
  const bool first = exchange.ours.from < exchange.theirs.from;
  if (first) Add(text, exchange.ours, exchange.our_identity);
  Add(text, exchange.theirs, exchange.their_identity);
  if (!first) Add(text, exchange.ours, exchange.our_identity);
  return Sha256(text);
}

uint32_t SaltOf(const Secret32& secret) {
  uint32_t salt = 0;
  std::memcpy(&salt, secret.bytes().data(), sizeof(salt));
  return salt;
}

}  // namespace

agent::v1::KeyOffer SignKeyOffer(const Ed25519Signer& identity, const KeyOffer& offer) {
  agent::v1::SignedKeyOffer proto;
  proto.set_fleet(offer.fleet);
  proto.set_from(offer.from);
  proto.set_to(offer.to);
  proto.set_epoch(offer.epoch);
  proto.set_ephemeral(ToWireBytes(offer.ephemeral));
  proto.set_tunnel_key(ToWireBytes(offer.tunnel_key));
  proto.set_spi(offer.spi);
  agent::v1::KeyOffer out;
  out.set_peer(offer.to);
  out.set_offer(proto.SerializeAsString());
  out.set_signature(ToWireBytes(identity.Sign(OfferText(out.offer()))));
  return out;
}

absl::StatusOr<KeyOffer> VerifyKeyOffer(const PublicKey& identity,
                                        const agent::v1::KeyOffer& words) {
  if (!Ed25519Verify(identity, OfferText(words.offer()), words.signature()))
    return absl::PermissionDeniedError("the key offer is not signed by the node's identity");
  agent::v1::SignedKeyOffer proto;
  if (!proto.ParseFromString(words.offer()))
    return absl::InvalidArgumentError("the key offer does not parse");
  KeyOffer out{proto.fleet(), proto.from(), proto.to(), proto.epoch(), {}, {}, proto.spi()};
  SLUICE_ASSIGN_OR_RETURN(out.ephemeral, FromWireBytes<32>("the ephemeral key", proto.ephemeral()));
  SLUICE_ASSIGN_OR_RETURN(out.tunnel_key, FromWireBytes<32>("the tunnel key", proto.tunnel_key()));
  return out;
}

absl::StatusOr<LinkKeys> MakeLinkKeys(const KeyExchange& exchange) {
  SLUICE_ASSIGN_OR_RETURN(const Secret32 shared,
                          X25519Shared(exchange.ephemeral, exchange.theirs.ephemeral));
  const std::array<uint8_t, 32> transcript = Transcript(exchange);
  const auto key = [&](std::string_view what, std::string_view from) {
    std::string info(Domain(kKeyDomain));
    Add(info, what);
    Add(info, from);
    Add(info, View(transcript));
    return HkdfSha256(View(shared.bytes()), View(exchange.secret.bytes()), info);
  };
  LinkKeys keys;
  TunnelEpoch& epoch = keys.epoch;
  epoch.number = exchange.ours.epoch;
  epoch.preshared = key("wireguard preshared key", "");
  epoch.send_key = key("esp key", exchange.ours.from);
  epoch.receive_key = key("esp key", exchange.theirs.from);
  epoch.send_salt = SaltOf(key("esp salt", exchange.ours.from));
  epoch.receive_salt = SaltOf(key("esp salt", exchange.theirs.from));
  epoch.send_spi = exchange.theirs.spi;
  epoch.receive_spi = exchange.ours.spi;
  keys.confirm = key("confirm", "");
  return keys;
}

std::array<uint8_t, 32> KeyStateCode(const Secret32& confirm, const std::string& from,
                                     uint64_t epoch, agent::v1::KeyStage stage) {
  std::string text(Domain(kStateDomain));
  Add(text, from);
  Add(text, StrCat(epoch));
  Add(text, StrCat(static_cast<int>(stage)));
  return HmacSha256(confirm, text);
}

}  // namespace sluice
