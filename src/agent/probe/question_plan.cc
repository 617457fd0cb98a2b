#include "agent/probe/question_plan.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

constexpr absl::Duration kAskNearest = absl::Milliseconds(100);
constexpr absl::Duration kAskTarget = absl::Milliseconds(200);
constexpr absl::Duration kAskTargetEach = absl::Milliseconds(4);
constexpr absl::Duration kAskAll = absl::Milliseconds(400);
constexpr absl::Duration kAskAllEach = absl::Milliseconds(20);

absl::Duration AllInterval(size_t count) {
  return std::max(kAskAll, kAskAllEach * static_cast<int64_t>(count));
}

// Targets take turns, at once and from then on.
absl::Duration Turn(const Asking& asking) {
  return asking.number * (asking.heard ? kAskTargetEach : kAskAllEach);
}

}  // namespace

void QuestionPlan::Update(uint64_t terms, const std::set<std::string>& targets,
                          const NeighbourTable& known, BootTime now) {
  if (terms_ == terms && changes_ == known.changes()) return;
  if (terms_ != terms) Renew(targets, now);
  terms_ = terms;
  changes_ = known.changes();
  Repace(known, now);
}

void QuestionPlan::Renew(const std::set<std::string>& targets, BootTime now) {
  if (!nearest_) {
    nearest_ = {"", true, kAskNearest, now, {}};
    all_ = {"", false, kAskAll, now, {}};
  }
  std::map<std::string, Asking> old = std::exchange(targets_, {});
  int64_t number = 0;
  for (const std::string& target : targets) {
    Asking asking{target, false, kAskAll, now, {}, false, number++};
    asking.next = now + Turn(asking);
    if (const auto before = old.find(target); before != old.end()) {
      asking.next = before->second.next;
      asking.last = before->second.last;
      asking.heard = before->second.heard;
    }
    targets_.emplace(target, std::move(asking));
  }
}

void QuestionPlan::Repace(const NeighbourTable& known, BootTime now) {
  places_ = 0;
  for (const auto& [name, asking] : targets_) places_ += std::max<size_t>(1, known.PortsOf(name));
  target_interval_ = std::max(kAskTarget, kAskTargetEach * static_cast<int64_t>(places_));
  all_->interval = AllInterval(known.size());
  all_->next = std::min(all_->next, now + all_->interval);
  const absl::Duration unheard = AllInterval(std::max(known.size(), targets_.size()));
  for (auto& [name, asking] : targets_) {
    const bool before = std::exchange(asking.heard, known.Knows(name));
    asking.interval = asking.heard ? target_interval_ : unheard;
    const bool at_last = asking.heard && !before;
    asking.next = std::min(asking.next, now + (at_last ? Turn(asking) : asking.interval));
  }
}

std::vector<Asking> QuestionPlan::Due(BootTime now) {
  std::vector<Asking> due;
  const auto look = [&](Asking& asking) {
    if (now < asking.next) return;
    // After a pause all are overdue, and would be asked in one breath from then on.
    if (now - asking.next >= asking.interval) asking.next = now + Turn(asking);
    if (now < asking.next) return;
    asking.next = asking.next + asking.interval;
    asking.last = now;
    due.push_back(asking);
  };
  if (nearest_) look(*nearest_);
  if (all_) look(*all_);
  for (auto& [name, asking] : targets_) look(asking);
  return due;
}

std::optional<Asking> QuestionPlan::AskBack(const std::string& node, BootTime now) {
  const auto it = targets_.find(node);
  if (it == targets_.end() || it->second.heard || now - it->second.last < kAskAll ||
      now - asked_back_ < kAskAllEach)
    return std::nullopt;
  it->second.last = asked_back_ = now;
  return it->second;
}

BootTime QuestionPlan::Next() const {
  BootTime next{INT64_MAX};
  if (nearest_) next = std::min(nearest_->next, all_->next);
  for (const auto& [name, asking] : targets_) next = std::min(next, asking.next);
  return next;
}

}  // namespace sluice
