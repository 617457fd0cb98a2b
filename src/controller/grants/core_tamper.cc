// Nodes that were tampered with, and nodes that went dark.
#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "spdlog/spdlog.h"
#include "wire/fixed_bytes.h"
#include "wire/readmission.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

// Three heartbeats are missed when the third does not come at its time. A quarter less, so
// that the verdict, which waits for the next tick, has come by then.
constexpr double kMissedBeats = 2.75;
// Below this the ticks are too coarse to judge.
constexpr absl::Duration kSoonestDark = absl::Milliseconds(550);

TamperId FreshTamperId() {
  TamperId id{};
  RandomBytes(id);
  return id;
}

}  // namespace

void CoreImpl::RecallLinks(const Node& node, const std::string& why, Effects& effects) {
  for (const LinkName& name : node.links) {
    Link& link = links_.at(name);
    link.record.recall_upto = link.record.send.sequence;
    link.dirty = true;
    Recharge(link);
    SendRevokes(link, why, effects);
  }
}

// The revocations do not wait for the disk: the node itself repeats the event until it is
// readmitted, so a crash before the next tick's commit forgets nothing.
void CoreImpl::MarkTampered(Node& node, const TamperId& id, const std::string& source,
                            const std::string& words, Effects& effects) {
  Flush(effects);
  NodeRecord& record = node.record;
  const bool again = record.tamper_id.has_value();
  record.tamper_id = id;
  record.tamper_source = CleanWords(source);
  record.tamper_words = CleanWords(words);
  record.tampered_at =
      absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", clock_.WallNow(), absl::UTCTimeZone());
  node.dirty = true;
  marks_due_ = true;
  RecallLinks(node, StrCat("node ", record.name, " was tampered with"), effects);
  if (!again)
    Note("tampered", Severity::kCritical, Scope::Node(record.name),
         StrCat(record.tamper_source, ": ", record.tamper_words, "; all its links are closed"));
  spdlog::critical("node {} was TAMPERED with: {}: {}; all its links are closed", record.name,
                   record.tamper_source, record.tamper_words);
}

// One that makes no sense closes the node's links all the same.
absl::Status CoreImpl::OnTamper(Node& node, const agent::v1::Tamper& tamper, Effects& effects) {
  const auto id = FromWireBytes<16>("the tamper event's id", tamper.id());
  if (id.ok() && node.record.tamper_id == *id) return absl::OkStatus();
  if (id.ok() && node.record.readmitted_id == *id) {
    if (!node.record.tamper_id) SendReadmission(node, effects);
    return absl::OkStatus();
  }
  MarkTampered(node, id.ok() ? *id : FreshTamperId(), tamper.source(), tamper.words(), effects);
  return id.status();
}

void CoreImpl::SendReadmission(const Node& node, Effects& effects) const {
  if (!node.session || !node.record.readmitted_id) return;
  Effects::Send& send = effects.sends.emplace_back();
  send.node = node.record.name;
  *send.message.mutable_readmission() =
      SignReadmission(signer_, {config_.fleet, node.record.name, *node.record.readmitted_id});
}

absl::Status CoreImpl::ReadmitNode(const std::string& name, Effects& effects) {
  Flush(effects);
  Node* node = FindNode(name);
  if (node == nullptr) return absl::NotFoundError(StrCat("there is no node ", ForMessage(name)));
  if (!node->record.tamper_id)
    return absl::FailedPreconditionError(StrCat("node ", name, " was not tampered with"));
  NodeRecord next = node->record;
  next.readmitted_id = std::exchange(next.tamper_id, std::nullopt);
  next.tamper_source.clear();
  next.tamper_words.clear();
  next.tampered_at.clear();
  Batch batch;
  batch.nodes = {next};
  batch.events = {
      Event("readmitted", Severity::kWarning, Scope::Node(name), "readmitted by an operator")};
  SLUICE_RETURN_IF_ERROR(Commit(batch));
  node->record = std::move(next);
  spdlog::warn("node {} was readmitted by an operator", name);
  SendReadmission(*node, effects);
  return absl::OkStatus();
}

void CoreImpl::NoteSpoke(Node& node) {
  node.spoke = clock_.Now();
  if (!std::exchange(node.dark, false)) return;
  Note("node_speaks", Severity::kInfo, Scope::Node(node.record.name), "it speaks again");
  spdlog::info("node {} speaks again", node.record.name);
}

void CoreImpl::LookForDark(Effects& effects) {
  if (config_.dark_node == DarkNode::kIgnore) return;
  const absl::Duration patience = std::max(config_.heartbeat * kMissedBeats, kSoonestDark);
  for (auto& [name, node] : nodes_) {
    // One that never had a session has nothing to lose.
    if (node.dark || !node.record.boot || clock_.Now() - node.spoke < patience) continue;
    GoDark(node, effects);
  }
}

void CoreImpl::GoDark(Node& node, Effects& effects) {
  node.dark = true;
  if (node.record.tamper_id) return;
  if (config_.dark_node == DarkNode::kQuarantine)
    return MarkTampered(node, FreshTamperId(), "heartbeat", "three heartbeats were missed",
                        effects);
  Note("node_dark", Severity::kError, Scope::Node(node.record.name),
       "it has gone dark; its links are closed until it speaks");
  spdlog::warn("node {} has gone dark; its links are closed until it speaks", node.record.name);
  Flush(effects);
  RecallLinks(node, StrCat("node ", node.record.name, " has gone dark"), effects);
}

}  // namespace sluice
