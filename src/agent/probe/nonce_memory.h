// What belongs to nonces, remembered for a while.
#ifndef SLUICE_AGENT_PROBE_NONCE_MEMORY_H_
#define SLUICE_AGENT_PROBE_NONCE_MEMORY_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "base/clock.h"

namespace sluice {

using ProbeNonce = std::array<uint8_t, 16>;

// All zeros, which nobody uses, for what is none.
inline ProbeNonce NonceOf(const std::string& bytes) {
  ProbeNonce nonce{};
  if (bytes.size() == nonce.size()) std::copy(bytes.begin(), bytes.end(), nonce.begin());
  return nonce;
}

inline std::string NonceText(const ProbeNonce& nonce) { return {nonce.begin(), nonce.end()}; }

// Holds at most `most`, and forgets the oldest for a new one. Forgetting costs what is forgotten,
// however much is remembered.
template <typename Value>
class NonceMemory {
 public:
  explicit NonceMemory(size_t most) : most_(most) {}

  // Nothing if the nonce is known already. `now` never goes back.
  Value* Add(const ProbeNonce& nonce, Value value, BootTime now) {
    const auto [it, added] = values_.try_emplace(nonce, std::move(value));
    if (!added) return nullptr;
    order_.emplace_back(now, nonce);
    while (values_.size() > most_) ForgetOldest();
    return &it->second;
  }
  Value* Find(const ProbeNonce& nonce) {
    const auto it = values_.find(nonce);
    return it == values_.end() ? nullptr : &it->second;
  }
  void ForgetUntil(BootTime time) {
    while (!order_.empty() && order_.front().first <= time) ForgetOldest();
  }
  size_t size() const { return values_.size(); }

 private:
  void ForgetOldest() {
    values_.erase(order_.front().second);
    order_.pop_front();
  }

  const size_t most_;
  std::map<ProbeNonce, Value> values_;
  std::deque<std::pair<BootTime, ProbeNonce>> order_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_NONCE_MEMORY_H_
