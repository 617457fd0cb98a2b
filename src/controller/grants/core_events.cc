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
// Beside what a commit is for.
constexpr size_t kMostEventsTogether = 500;

// What an operator did, which is durable with the change itself.
bool IsChange(std::string_view kind) {
  constexpr std::string_view kKinds[] = {
      "quota_set",     "quota_deleted", "revoked",    "restored", "node_added",
      "node_enrolled", "node_removed",  "readmitted", "plan_set", "wiring_policy"};
  return std::ranges::find(kKinds, kind) != std::end(kKinds);
}

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
  TakeEvent(std::move(event));
  // While the store refuses them too: the oldest go.
  if (happenings_.size() <= 2 * kMostEvents) return;
  const uint64_t oldest = *happenings_.begin();
  happenings_.erase(oldest);
  unstored_events_.erase(oldest);
  events_.erase(oldest);
}

void CoreImpl::TakeEvent(FleetEvent event) {
  (IsChange(event.kind) ? changes_ : happenings_).insert(event.id);
  events_.insert_or_assign(event.id, std::move(event));
}

void CoreImpl::AddEvents(Batch& batch) const {
  const size_t own = batch.events.size();
  for (const uint64_t id : unstored_events_) {
    if (batch.events.size() - own == kMostEventsTogether) break;
    batch.events.push_back(events_.at(id));
  }
  if (batch.events.empty() && refused_events_.empty()) return;
  batch.deleted_events.assign(refused_events_.begin(), refused_events_.end());
  const auto drop_oldest = [&](const std::set<uint64_t>& ids, size_t coming) {
    auto it = ids.begin();
    for (size_t n = ids.size() + coming; n > kMostEvents && it != ids.end(); --n, ++it) {
      if (!unstored_events_.contains(*it)) batch.deleted_events.push_back(*it);
    }
  };
  drop_oldest(changes_, own);
  drop_oldest(happenings_, 0);
}

void CoreImpl::KeepEvents(const Batch& batch, bool stored) {
  for (const FleetEvent& event : batch.events) {
    const bool shown = events_.contains(event.id);
    if (!stored && !shown) refused_events_.insert(event.id);
    if (!stored) continue;
    unstored_events_.erase(event.id);
    if (!shown) TakeEvent(event);
  }
  if (!stored) return;
  for (const uint64_t id : batch.deleted_events) {
    refused_events_.erase(id);
    changes_.erase(id);
    happenings_.erase(id);
    events_.erase(id);
  }
}

void CoreImpl::NoteFaults(Node& node) {
  const BootTime now = clock_.Now();
  if (node.fault_noted_at && now - *node.fault_noted_at < kFaultsEvery) return;
  for (const std::string& fault : node.faults) {
    if (node.noted_faults.contains(fault)) continue;
    node.fault_noted_at = now;
    Note("fault", Severity::kError, Scope::Node(node.record.name), fault);
  }
  node.noted_faults = {node.faults.begin(), node.faults.end()};
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
