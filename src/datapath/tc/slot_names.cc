#include "datapath/tc/slot_names.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/status.h"
#include "base/strings.h"
#include "datapath/gate_words.h"

namespace sluice {
namespace {

constexpr uint64_t kFree = 0;
constexpr uint64_t kSend = 1;
constexpr uint64_t kReceive = 2;

std::string Text(const char (&field)[SLUICE_NAME_SIZE]) {
  return std::string(field, strnlen(field, sizeof(field)));
}

void SetText(char (&field)[SLUICE_NAME_SIZE], const std::string& text) {
  std::memset(field, 0, sizeof(field));
  std::memcpy(field, text.data(), text.size());
}

}  // namespace

void SlotNames::Load(GateKernel* kernel) {
  kernel_ = kernel;
  slots_.clear();
  for (next_ = 1; next_ < SLUICE_MAX_SLOTS; ++next_) {
    const sluice_name& name = kernel->name(next_);
    const uint64_t state = LoadWord(name.state);
    if (state != kSend && state != kReceive) break;
    slots_[{{Text(name.src), Text(name.dst)}, state == kSend ? Role::kSend : Role::kReceive}] =
        next_;
  }
}

std::optional<uint32_t> SlotNames::Find(const LinkSide& side) const {
  const auto found = slots_.find(side);
  if (found == slots_.end()) return std::nullopt;
  return found->second;
}

std::optional<LinkSide> SlotNames::SideOf(uint32_t slot) const {
  if (slot == 0 || slot >= next_) return std::nullopt;
  const sluice_name& name = kernel_->name(slot);
  return LinkSide{{Text(name.src), Text(name.dst)},
                  LoadWord(name.state) == kSend ? Role::kSend : Role::kReceive};
}

absl::StatusOr<uint32_t> SlotNames::FindOrAdd(const LinkSide& side) {
  if (const auto known = Find(side)) return *known;
  if (std::max(side.link.src.size(), side.link.dst.size()) >= SLUICE_NAME_SIZE)
    return absl::InvalidArgumentError(
        StrCat("link ", ForMessage(side.link.ToString()), " has a name that is too long"));
  if (next_ >= SLUICE_MAX_SLOTS)
    return absl::ResourceExhaustedError(
        StrCat("all ", SLUICE_MAX_SLOTS - 1, " slots of the gate are taken by links that this ",
               "node has had since it booted; restart the node to give back those of old links"));
  const uint32_t slot = next_;
  CloseSlot(kernel_->slot(slot));
  sluice_name& name = kernel_->name(slot);
  StoreWord(name.state, kFree);
  SetText(name.src, side.link.src);
  SetText(name.dst, side.link.dst);
  StoreWord(name.state, side.role == Role::kSend ? kSend : kReceive);
  slots_[side] = slot;
  ++next_;
  return slot;
}

}  // namespace sluice
