#include "agent/apply/fault_board.h"

#include "base/strings.h"

namespace sluice {
namespace {
// Words of events can carry text from outside; no more kinds than this are kept.
constexpr size_t kMaxEvents = 32;
}  // namespace

void FaultBoard::Update(const std::string& name, const absl::Status& status) {
  if (status.ok()) return Clear(name);
  Set(name, StrCat(name, ": ", ToStd(status.message())));
}

void FaultBoard::Event(const std::string& words, BootTime now) {
  std::erase_if(events_, [&](const auto& e) { return now - e.second.last > kEventLife; });
  if (events_.size() >= kMaxEvents && !events_.contains(words)) return;
  Happened& happened = events_[words];
  ++happened.count;
  happened.last = now;
}

std::vector<std::string> FaultBoard::List(BootTime now) const {
  std::vector<std::string> list;
  for (const auto& [name, words] : states_) list.push_back(words);
  for (const auto& [words, happened] : events_) {
    if (now - happened.last > kEventLife) continue;
    list.push_back(happened.count == 1 ? words : StrCat(words, " (", happened.count, " times)"));
  }
  return list;
}

}  // namespace sluice
