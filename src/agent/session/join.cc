#include "agent/session/join.h"

#include <memory>
#include <utility>

#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"
#include "model/names.h"
#include "wire/fixed_bytes.h"
#include "wire/join_token.h"

namespace sluice {
namespace {

absl::StatusOr<Enrolment> ReadReply(const JoinToken& token, const agent::v1::EnrolReply& reply) {
  Enrolment enrolment;
  enrolment.fleet = reply.fleet();
  enrolment.node = reply.node();
  enrolment.enclosure = reply.enclosure();
  SLUICE_RETURN_IF_ERROR(CheckName("node", enrolment.node));
  if (enrolment.fleet.empty()) return absl::InvalidArgumentError("fleet is empty");
  SLUICE_ASSIGN_OR_RETURN(enrolment.control_address, ParseIpAddress(reply.control_address()));
  SLUICE_ASSIGN_OR_RETURN(enrolment.lease_key, FromWireBytes<32>("lease key", reply.lease_key()));
  enrolment.controller_key = token.controller_key;
  enrolment.endpoint = token.endpoint;
  enrolment.controller = token.controller;
  return enrolment;
}

bool HasHandshake(Tunnel& tunnel) {
  const auto peers = tunnel.Peers();
  if (!peers.ok()) return false;
  for (const TunnelPeerState& peer : *peers) {
    if (peer.last_handshake) return true;
  }
  return false;
}

absl::Status Explain(const absl::Status& status, const JoinToken& token, Tunnel& tunnel) {
  if (!absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status)) {
    return absl::Status(status.code(), StrCat("the controller refused: ", ToStd(status.message())));
  }
  if (HasHandshake(tunnel)) {
    return absl::UnavailableError(
        StrCat("the tunnel to the controller at ", token.endpoint,
               " is up, but its service does not answer; see the controller's log"));
  }
  return absl::UnavailableError(StrCat(
      "no answer from the controller at ", token.endpoint, " within ", FormatExact(kJoinTimeout),
      ": it is not reachable by UDP from here, or it does not know "
      "this token; check the network, or make a new token with `sluicectl node add`"));
}

absl::StatusOr<agent::v1::EnrolReply> AskController(const JoinToken& token, const NodeKeys& keys,
                                                    NodeSetup& setup, const Resolver& resolve,
                                                    const EnrolCall& enrol) {
  NodeSetup::ControlTunnel control;
  control.private_key = JoinTunnelKey(token.secret);
  control.address = token.address;
  control.controller_key = token.controller_key;
  SLUICE_ASSIGN_OR_RETURN(control.endpoint, resolve(token.endpoint));
  control.controller_address = token.controller.address;
  agent::v1::EnrolRequest request;
  request.set_identity_key(ToWireBytes(Ed25519PublicKey(keys.identity)));
  request.set_control_key(ToWireBytes(X25519PublicKey(keys.control)));
  SLUICE_ASSIGN_OR_RETURN(const std::vector<IpPrefix> prefixes, setup.AcceleratorPrefixes());
  for (const IpPrefix& prefix : prefixes) request.add_accelerator_prefixes(prefix.ToString());

  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<Tunnel> tunnel, setup.OpenControlTunnel(control));
  absl::StatusOr<agent::v1::EnrolReply> reply = enrol(token.controller, request, kJoinTimeout);
  if (!reply.ok()) reply = Explain(reply.status(), token, *tunnel);
  // Its key is good for enrolling only; the next start makes the node's own tunnel.
  const absl::Status gone = tunnel->Destroy();
  if (reply.ok() && !gone.ok()) return gone;
  return reply;
}

}  // namespace

absl::StatusOr<Enrolment> Join(const std::string& token_text, NodeSetup& setup,
                               IdentityStore& store, const Resolver& resolve,
                               const EnrolCall& enrol) {
  const absl::StatusOr<Enrolment> enrolled = store.Load();
  if (enrolled.ok()) {
    return absl::AlreadyExistsError(StrCat("this node is enrolled already, as ", enrolled->node,
                                           " in fleet ", ForMessage(enrolled->fleet),
                                           "; run `sluice-agent leave` first to join anew"));
  }
  if (!absl::IsNotFound(enrolled.status())) return enrolled.status();
  SLUICE_ASSIGN_OR_RETURN(const JoinToken token, DecodeJoinToken(token_text));
  // Durable before the call: the token is used up by it, and only the same
  // keys may use it again.
  SLUICE_ASSIGN_OR_RETURN(const NodeKeys keys, store.KeysOrNew());
  SLUICE_ASSIGN_OR_RETURN(const agent::v1::EnrolReply reply,
                          AskController(token, keys, setup, resolve, enrol));
  absl::StatusOr<Enrolment> enrolment = ReadReply(token, reply);
  if (!enrolment.ok()) return Annotate(enrolment.status(), "the controller's reply makes no sense");
  SLUICE_RETURN_IF_ERROR(store.Save(*enrolment));
  return enrolment;
}

}  // namespace sluice
