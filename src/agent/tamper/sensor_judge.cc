#include "agent/tamper/sensor_judge.h"

#include <algorithm>
#include <utility>

#include "agent/tamper/tamper_message.h"
#include "base/strings.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

// Sender and agent read the same clock; the agent's reading may be the earlier one.
constexpr absl::Duration kMostAheadOfUs = absl::Seconds(1);

}  // namespace

SensorJudge::SensorJudge(SensorTerms terms, BootTime now)
    : terms_(std::move(terms)), newest_(terms_.accept_after), heard_(now) {}

void SensorJudge::AddEvent(std::string_view words, BootTime at, TamperSource::Found& found) const {
  found.events.push_back({terms_.name, CleanWords(words), at});
}

void SensorJudge::AddFault(std::string_view words, TamperSource::Found& found) const {
  std::string fault = StrCat("tamper source ", terms_.name, ": ", words);
  // A flood of them is one fault.
  if (std::ranges::count(found.faults, fault) == 0) found.faults.push_back(std::move(fault));
}

void SensorJudge::Take(std::string_view text, BootTime now, TamperSource::Found& found) {
  const absl::StatusOr<TamperMessage> message = OpenTamperMessage(terms_.key, text);
  if (!message.ok()) return AddFault(ToStd(message.status().message()), found);
  if (message->boot_id != terms_.boot_id) return AddFault("a message of another boot", found);
  if (message->sent_at <= newest_) return AddFault("a message that is not newer", found);
  if (message->sent_at > now + kMostAheadOfUs) return AddFault("a message from later", found);
  const bool tamper = message->kind == TamperMessage::Kind::kTamper;
  // A heartbeat that somebody held back says nothing about now. A tamper event does not age.
  if (!tamper && terms_.interval && now - message->sent_at > *terms_.interval)
    return AddFault("a heartbeat that is too old", found);
  newest_ = message->sent_at;
  heard_ = now;
  if (tamper) {
    const std::string& words = message->words;
    AddEvent(words.empty() ? "no words given" : words, std::min(message->sent_at, now), found);
  }
}

void SensorJudge::CheckSilence(BootTime now, TamperSource::Found& found) {
  const auto due = deadline();
  if (!due || now < *due) return;
  silent_ = true;
  AddEvent(StrCat("no heartbeat for ", absl::FormatDuration(*terms_.interval)), *due, found);
}

std::optional<BootTime> SensorJudge::deadline() const {
  if (!terms_.interval || silent_) return std::nullopt;
  return heard_ + *terms_.interval;
}

void SensorJudge::Rearm(BootTime now) {
  silent_ = false;
  heard_ = now;
}

}  // namespace sluice
