#include "agent/deadman/deadman.h"

namespace sluice {

void Deadman::Watch(const LinkSide& side, BootTime expires_at) {
  Forget(side);
  ends_[side] = expires_at;
  by_end_.insert({expires_at, side});
}

void Deadman::Forget(const LinkSide& side) {
  const auto it = ends_.find(side);
  if (it == ends_.end()) return;
  by_end_.erase({it->second, side});
  ends_.erase(it);
}

std::optional<BootTime> Deadman::NextDeadline() const {
  if (by_end_.empty()) return std::nullopt;
  return by_end_.begin()->first;
}

std::vector<LinkSide> Deadman::Due(BootTime now) const {
  std::vector<LinkSide> due;
  for (const auto& [end, side] : by_end_) {
    if (end > now) break;
    due.push_back(side);
  }
  return due;
}

}  // namespace sluice
