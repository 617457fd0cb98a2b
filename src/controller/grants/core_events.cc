// What happened, for people to read later.
#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "controller/policy/ledger.h"

namespace sluice {
namespace {

// A node that says something else all the time fills no timeline.
constexpr absl::Duration kFaultsEvery = absl::Seconds(10);

}  // namespace

FleetEvent CoreImpl::Event(std::string_view kind, Severity severity, const Scope& scope,
                           std::string text) {
  return {next_event_++,  absl::ToUnixMillis(clock_.WallNow()), std::string(kind), severity, scope,
          std::move(text)};
}

void CoreImpl::Note(std::string_view kind, Severity severity, const Scope& scope,
                    std::string text) {
  FleetEvent event = Event(kind, severity, scope, std::move(text));
  unstored_events_.insert(event.id);
  events_.emplace(event.id, std::move(event));
  // While the store refuses them too: the oldest go.
  if (events_.size() <= 2 * kMostEvents) return;
  unstored_events_.erase(events_.begin()->first);
  events_.erase(events_.begin());
}

void CoreImpl::AddEvents(Batch& batch) const {
  const size_t all = events_.size() + batch.events.size();
  for (const uint64_t id : unstored_events_) batch.events.push_back(events_.at(id));
  if (batch.events.empty() || all <= kMostEvents) return;
  const size_t surplus = std::min(all - kMostEvents, events_.size());
  batch.deleted_events = std::next(events_.begin(), static_cast<ptrdiff_t>(surplus) - 1)->first;
}

void CoreImpl::KeepEvents(const Batch& batch) {
  for (const FleetEvent& event : batch.events) {
    unstored_events_.erase(event.id);
    events_.emplace(event.id, event);
  }
  events_.erase(events_.begin(), events_.upper_bound(batch.deleted_events));
}

void CoreImpl::NoteFaults(Node& node, const std::vector<std::string>& before) {
  const auto is_new = [&](const std::string& fault) {
    return std::ranges::find(before, fault) == before.end();
  };
  const auto fault = std::ranges::find_if(node.faults, is_new);
  if (fault == node.faults.end()) return;
  if (node.fault_noted_at && clock_.Now() - *node.fault_noted_at < kFaultsEvery) return;
  node.fault_noted_at = clock_.Now();
  Note("fault", Severity::kError, Scope::Node(node.record.name), *fault);
}

void CoreImpl::NoteExhausted() {
  for (auto& [name, link] : links_) {
    const LinkRecord& record = link.record;
    const auto why = MayLease(record)
                         ? WhyExhausted(link, Rolled(*record.quota, record.account, Now()))
                         : std::nullopt;
    if (why.has_value() == std::exchange(link.exhausted, why.has_value()) || !why) continue;
    Note("exhausted", Severity::kWarning, Scope::Link(name), *why);
  }
}

void CoreImpl::NoteSilent(const Revocation& revocation) {
  const RevocationView view = ViewOf(revocation);
  Note("silent", Severity::kInfo, revocation.scope,
       view.ends.empty()
           ? "no lease was in force"
           : StrCat("silent at all ends after ", absl::FormatDuration(view.silent_after)));
}

bool CoreImpl::IsAbout(const FleetEvent& event, const Scope& scope) const {
  if (event.scope == scope || scope.kind == Scope::Kind::kFleet) return true;
  if (event.scope.is_link()) return !scope.is_link() && Covers(scope, event.scope.link);
  if (scope.kind != Scope::Kind::kEnclosure || event.scope.kind != Scope::Kind::kNode) return false;
  const Node* node = FindNode(event.scope.name);
  return node != nullptr && node->record.enclosure == scope.name;
}

EventPage CoreImpl::Events(const EventFilter& filter) const {
  EventPage page;
  auto it = filter.before == 0 ? events_.end() : events_.lower_bound(filter.before);
  while (it != events_.begin()) {
    const FleetEvent& event = (--it)->second;
    const bool kind = filter.kinds.empty() || std::ranges::count(filter.kinds, event.kind) > 0;
    if (!kind || (filter.scope && !IsAbout(event, *filter.scope))) continue;
    if (page.events.size() == filter.limit) {
      page.more = true;
      break;
    }
    page.events.push_back(event);
  }
  return page;
}

uint64_t CoreImpl::last_event() const { return events_.empty() ? 0 : events_.rbegin()->first; }

}  // namespace sluice
