#include "tunnel/xfrm/xfrm_book.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr std::string_view kFirstWord = "sluice-xfrm-1";

bool SameSa(const XfrmSa& a, const XfrmSa& b) {
  return a.if_id == b.if_id && a.source == b.source && a.destination == b.destination &&
         a.spi == b.spi && a.reqid == b.reqid;
}

// Cuts off and returns what comes before `end`; all of it if there is no `end`.
std::string_view Cut(std::string_view& text, char end) {
  const size_t at = std::min(text.find(end), text.size());
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(std::min(at + 1, text.size()));
  return head;
}

template <typename T>
std::optional<T> Number(std::string_view word) {
  T value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

// The three kinds of lines. False: not one of them.
bool TakeDevice(std::string_view line, XfrmBook& book) {
  const auto if_id = Number<uint32_t>(Cut(line, ' '));
  const auto id = PublicKeyFromBase64(line);
  if (!if_id || *if_id == 0 || !id.ok()) return false;
  book.if_id = *if_id;
  book.id = *id;
  return true;
}

XfrmBook::Peer* TakePeer(std::string_view line, XfrmBook& book) {
  const auto key = PublicKeyFromBase64(Cut(line, ' '));
  const auto reqid = Number<uint32_t>(Cut(line, ' '));
  const auto endpoint = ParseEndpoint(Cut(line, ' '));
  const auto local = ParseIpAddress(Cut(line, ' '));
  const auto newest = Number<uint64_t>(line);
  if (!key.ok() || !reqid || *reqid == 0 || !endpoint.ok() || !local.ok() || !newest) {
    return nullptr;
  }
  const auto [it, added] = book.peers.try_emplace(*key);
  if (!added) return nullptr;
  it->second = {*reqid, *endpoint, *local, *newest, {}};
  return &it->second;
}

bool TakeEpoch(std::string_view line, XfrmBook::Peer& peer) {
  const auto number = Number<uint64_t>(Cut(line, ' '));
  const auto send_spi = Number<uint32_t>(Cut(line, ' '));
  const auto receive_spi = Number<uint32_t>(line);
  if (!number || !send_spi || !receive_spi) return false;
  const uint64_t before = peer.epochs.empty() ? 0 : peer.epochs.back().number;
  if (*number <= before || *number > peer.newest) return false;
  peer.epochs.push_back({*number, *send_spi, *receive_spi});
  return true;
}

}  // namespace

const XfrmBook::Epoch* XfrmBook::Peer::Find(uint64_t number) const {
  const auto it = std::ranges::find(epochs, number, &Epoch::number);
  return it == epochs.end() ? nullptr : &*it;
}

XfrmOwners::XfrmOwners(const XfrmBook& book) : book_(book) {
  for (const auto& [key, peer] : book.peers) peers_[peer.reqid] = &peer;
}

const XfrmBook::Peer* XfrmOwners::Of(const XfrmSa& sa) const {
  const auto peer = peers_.find(sa.reqid);
  if (peer == peers_.end()) return nullptr;
  const auto is_its = [&](const XfrmBook::Epoch& epoch) {
    return SameSa(sa, SendingSa(book_, *peer->second, epoch)) ||
           SameSa(sa, ReceivingSa(book_, *peer->second, epoch));
  };
  return std::ranges::any_of(peer->second->epochs, is_its) ? peer->second : nullptr;
}

const XfrmBook::Peer* XfrmOwners::Of(const XfrmPolicy& policy) const {
  const auto peer = peers_.find(policy.reqid);
  if (peer == peers_.end()) return nullptr;
  const bool out = policy.direction == XfrmDirection::kOut;
  const IpAddress& near = out ? policy.outer_source : policy.outer_destination;
  const IpAddress& far = out ? policy.outer_destination : policy.outer_source;
  const bool its = near == peer->second->local && far == peer->second->endpoint.address;
  return its ? peer->second : nullptr;
}

XfrmSa SendingSa(const XfrmBook& book, const XfrmBook::Peer& peer, const XfrmBook::Epoch& epoch) {
  XfrmSa sa;
  sa.if_id = book.if_id;
  sa.source = peer.local;
  sa.destination = peer.endpoint.address;
  sa.spi = epoch.send_spi;
  sa.reqid = peer.reqid;
  return sa;
}

XfrmSa ReceivingSa(const XfrmBook& book, const XfrmBook::Peer& peer, const XfrmBook::Epoch& epoch) {
  XfrmSa sa = SendingSa(book, peer, epoch);
  std::swap(sa.source, sa.destination);
  sa.spi = epoch.receive_spi;
  return sa;
}

std::string EncodeXfrmBook(const XfrmBook& book) {
  std::string text = StrCat(kFirstWord, "\n", book.if_id, " ", ToBase64(book.id), "\n");
  for (const auto& [key, peer] : book.peers) {
    text += StrCat("peer ", ToBase64(key), " ", peer.reqid, " ", peer.endpoint.ToString(), " ",
                   peer.local.ToString(), " ", peer.newest, "\n");
    for (const XfrmBook::Epoch& epoch : peer.epochs) {
      text += StrCat("epoch ", epoch.number, " ", epoch.send_spi, " ", epoch.receive_spi, "\n");
    }
  }
  return text;
}

absl::StatusOr<XfrmBook> DecodeXfrmBook(std::string_view text) {
  XfrmBook book;
  XfrmBook::Peer* peer = nullptr;
  bool good =
      text.ends_with('\n') && Cut(text, '\n') == kFirstWord && TakeDevice(Cut(text, '\n'), book);
  while (good && !text.empty()) {
    std::string_view line = Cut(text, '\n');
    const std::string_view word = Cut(line, ' ');
    if (word == "peer") {
      peer = TakePeer(line, book);
      good = peer != nullptr;
    } else {
      good = word == "epoch" && peer != nullptr && TakeEpoch(line, *peer);
    }
  }
  if (good) return book;
  return absl::DataLossError("it is not the state of an xfrm tunnel, or not whole");
}

}  // namespace sluice
