// How the agent reaches the controller by gRPC. For the .cc files that need gRPC.
#ifndef SLUICE_AGENT_SESSION_GRPC_CHANNEL_H_
#define SLUICE_AGENT_SESSION_GRPC_CHANNEL_H_

#include <grpcpp/grpcpp.h>

#include <memory>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/strings.h"
#include "model/prefix.h"

namespace sluice {

inline std::shared_ptr<grpc::Channel> MakeControllerChannel(const Endpoint& controller) {
  grpc::ChannelArguments args;
  // Pings find out a controller that vanished, and TCP gives up as fast.
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 2'000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 3'000);
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 2'000);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  args.SetMaxReceiveMessageSize(64 << 20);
  args.SetMaxSendMessageSize(64 << 20);
  args.SetString(GRPC_ARG_DEFAULT_AUTHORITY, "sluice-controller");
  const std::string target =
      StrCat(controller.address.v6 ? "ipv6:" : "ipv4:", controller.ToString());
  // The WireGuard tunnel encrypts and authenticates.
  return grpc::CreateCustomChannel(target, grpc::InsecureChannelCredentials(), args);
}

// A deadline that many from now, whatever the wall clock does.
inline gpr_timespec InTime(absl::Duration d) {
  return gpr_time_from_millis(absl::ToInt64Milliseconds(d), GPR_TIMESPAN);
}

inline absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace sluice

#endif  // SLUICE_AGENT_SESSION_GRPC_CHANNEL_H_
