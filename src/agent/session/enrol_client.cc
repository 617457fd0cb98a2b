#include "agent/session/enrol_client.h"

#include "agent/session/grpc_channel.h"
#include "base/status.h"
#include "proto/agent.grpc.pb.h"

namespace sluice {

absl::StatusOr<agent::v1::EnrolReply> CallEnrol(const Endpoint& controller,
                                                const agent::v1::EnrolRequest& request,
                                                absl::Duration timeout) {
  const auto channel = MakeControllerChannel(controller);
  if (!channel->WaitForConnected(InTime(timeout))) {
    return absl::UnavailableError("the controller was not reached");
  }
  const auto stub = agent::v1::Agent::NewStub(channel);
  grpc::ClientContext context;
  context.set_deadline(InTime(timeout));
  agent::v1::EnrolReply reply;
  SLUICE_RETURN_IF_ERROR(FromGrpc(stub->Enrol(&context, request, &reply)));
  return reply;
}

}  // namespace sluice
