#include "controller/api/session_stream.h"

#include <utility>

#include "base/status.h"

namespace sluice {

grpc::Status ToGrpc(const absl::Status& status) {
  // Both count codes alike: https://grpc.github.io/grpc/core/md_doc_statuscodes.html
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

SessionStream::SessionStream(grpc::CallbackServerContext& context, IpAddress peer,
                             size_t max_queued, Engine& engine, Sessions& sessions,
                             std::function<void()> on_gone)
    : context_(context),
      peer_(peer),
      max_queued_(max_queued),
      engine_(engine),
      sessions_(sessions),
      on_gone_(std::move(on_gone)) {}

void SessionStream::Begin() {
  self_ = shared_from_this();
  StartRead(&incoming_);
}

absl::Status SessionStream::Take(ControllerCore& core, Effects& effects) {
  if (id_ == 0) {
    SLUICE_ASSIGN_OR_RETURN(node_, core.NodeAt(peer_));
    if (!incoming_.has_hello()) return absl::FailedPreconditionError("a session begins with Hello");
    // Only now is it the session that the node is sent to.
    id_ = sessions_.Open(node_, shared_from_this());
  }
  return core.OnMessage(node_, id_, incoming_, effects);
}

void SessionStream::OnReadDone(bool ok) {
  if (!ok) return End(absl::OkStatus(), /*at_once=*/false);
  auto self = shared_from_this();
  auto status = std::make_shared<absl::Status>();
  const bool posted =
      engine_.Post([self, status](ControllerCore& core,
                                  Effects& effects) { *status = self->Take(core, effects); },
                   [self, status] { status->ok() ? self->TakeNext() : self->End(*status, false); });
  if (!posted) End(absl::UnavailableError("the controller is busy or stopping"), false);
}

void SessionStream::TakeNext() {
  std::lock_guard lock(mutex_);
  if (!finished_) StartRead(&incoming_);
}

bool SessionStream::Send(agent::v1::ControllerMessage message) {
  std::lock_guard lock(mutex_);
  if (ending_) return true;
  if (queue_.size() >= max_queued_) return false;
  queue_.push_back(std::move(message));
  if (!writing_) {
    writing_ = true;
    StartWrite(&queue_.front());
  }
  return true;
}

void SessionStream::OnWriteDone(bool ok) {
  std::lock_guard lock(mutex_);
  queue_.pop_front();
  writing_ = false;
  if (!ok) {
    queue_.clear();
    if (!ending_) ending_ = absl::CancelledError("the connection is lost");
  }
  if (!queue_.empty()) {
    writing_ = true;
    StartWrite(&queue_.front());
    return;
  }
  FinishIfIdle();
}

void SessionStream::End(const absl::Status& reason, bool at_once) {
  std::lock_guard lock(mutex_);
  if (!ending_) ending_ = reason;
  // Makes the write that is out fail, and its end finishes the stream.
  if (at_once && !finished_) context_.TryCancel();
  FinishIfIdle();
}

void SessionStream::FinishIfIdle() {
  if (!ending_ || writing_ || finished_) return;
  finished_ = true;
  Finish(ToGrpc(*ending_));
}

void SessionStream::OnDone() {
  // The engine may still hold a message of this stream: events are in order, so
  // the end comes after it.
  auto self = std::exchange(self_, nullptr);
  const bool posted = engine_.Post([self](ControllerCore& core, Effects& effects) {
    if (self->id_ == 0) return;
    self->sessions_.Close(self->node_, self->id_);
    core.OnSessionEnd(self->node_, self->id_, effects);
  });
  // With the engine's queue full the core notices by the silence.
  if (!posted && self->id_ != 0) self->sessions_.Close(self->node_, self->id_);
  on_gone_();
}

}  // namespace sluice
