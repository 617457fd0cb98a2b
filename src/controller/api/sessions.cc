#include "controller/api/sessions.h"

#include <utility>

namespace sluice {

uint64_t Sessions::Open(const std::string& node, std::shared_ptr<OutgoingSession> session) {
  std::lock_guard lock(mutex_);
  open_[node].emplace(++last_id_, std::move(session));
  return last_id_;
}

void Sessions::Close(const std::string& node, uint64_t id) {
  std::lock_guard lock(mutex_);
  const auto it = open_.find(node);
  if (it == open_.end()) return;
  it->second.erase(id);
  if (it->second.empty()) open_.erase(it);
}

void Sessions::Send(const std::string& node, agent::v1::ControllerMessage message) {
  std::shared_ptr<OutgoingSession> session;
  {
    std::lock_guard lock(mutex_);
    const auto it = open_.find(node);
    if (it == open_.end()) return;
    session = it->second.rbegin()->second;
  }
  if (session->Send(std::move(message))) return;
  session->End(absl::ResourceExhaustedError("the node does not keep up with what it is sent"),
               /*at_once=*/true);
}

void Sessions::End(const std::string& node, uint64_t id, const absl::Status& reason) {
  std::shared_ptr<OutgoingSession> session;
  {
    std::lock_guard lock(mutex_);
    const auto it = open_.find(node);
    if (it == open_.end()) return;
    const auto found = it->second.find(id);
    if (found == it->second.end()) return;
    session = found->second;
  }
  session->End(reason, /*at_once=*/false);
}

size_t Sessions::size() const {
  std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& [node, by_id] : open_) count += by_id.size();
  return count;
}

}  // namespace sluice
