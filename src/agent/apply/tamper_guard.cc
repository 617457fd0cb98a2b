#include "agent/apply/tamper_guard.h"

#include "base/status.h"
#include "base/strings.h"
#include "wire/fixed_bytes.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

constexpr size_t kMarkLimit = 64 << 10;
// Further ones change nothing: the node is shut, and its operator has enough to look into.
constexpr size_t kMostNoted = 16;

}  // namespace

TamperGuard::TamperGuard(Files& files, std::vector<std::string> paths, Renewals::Random random)
    : files_(files), paths_(std::move(paths)), random_(std::move(random)) {}

void TamperGuard::Load(BootTime now) {
  for (const std::string& path : paths_) {
    const absl::StatusOr<std::string> text = files_.Read(path, kMarkLimit);
    if (absl::IsNotFound(text.status())) continue;
    agent::v1::Tamper mark;
    const bool read = text.ok() && mark.ParseFromString(*text);
    const auto id = FromWireBytes<16>("id", mark.id());
    if (!read || !id.ok()) {
      Note({"agent", StrCat("the tamper mark ", path, " cannot be read"), now});
      continue;
    }
    noted_.insert({mark.source(), mark.words()});
    id_ = *id;
    mark_ = std::move(mark);
  }
  // One that is in one place only is to be in all.
  if (shut()) unwritten_.insert(paths_.begin(), paths_.end());
}

std::string TamperGuard::Words() const { return StrCat(mark_->source(), ": ", mark_->words()); }

bool TamperGuard::Note(const TamperEvent& event) {
  const std::string source = CleanWords(event.source);
  const std::string words = CleanWords(event.words);
  if (noted_.size() >= kMostNoted || !noted_.insert({source, words}).second) return false;
  const int64_t cut_at = mark_ ? mark_->cut_at_ns() : 0;
  mark_.emplace();
  random_(id_);
  mark_->set_id(ToWireBytes(id_));
  mark_->set_source(source);
  mark_->set_words(words);
  mark_->set_at_ns(event.at.ns);
  mark_->set_cut_at_ns(cut_at);
  unwritten_.insert(paths_.begin(), paths_.end());
  return true;
}

absl::Status TamperGuard::Write() {
  absl::Status first;
  for (const std::string& path : paths_) {
    if (!unwritten_.contains(path)) continue;
    const absl::Status s = files_.WriteDurably(path, mark_->SerializeAsString());
    if (s.ok()) unwritten_.erase(path);
    first.Update(s);
  }
  return first;
}

absl::Status TamperGuard::Lift() {
  for (const std::string& path : paths_) SLUICE_RETURN_IF_ERROR(files_.Remove(path));
  mark_.reset();
  noted_.clear();
  unwritten_.clear();
  return absl::OkStatus();
}

}  // namespace sluice
