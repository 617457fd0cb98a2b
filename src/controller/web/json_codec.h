// Between the operator API's JSON and plain values. Pure functions, no exceptions.
// docs/openapi.json describes every shape.
#ifndef SLUICE_CONTROLLER_WEB_JSON_CODEC_H_
#define SLUICE_CONTROLLER_WEB_JSON_CODEC_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/grants/controller_core.h"
#include "model/change_view.h"
#include "model/fleet_event.h"
#include "model/fleet_view.h"
#include "model/names.h"
#include "model/prefix.h"
#include "model/quota.h"

namespace sluice {

// Bodies of requests. Every error is InvalidArgument, says what to write, and
// carries the field that is wrong, if one is (FieldOf). Numbers are bit/s, bytes
// and seconds, whole and not negative; strings are as people write them.

// PUT /api/v1/quotas/{scope}. The quota is in range; burst 0 stands for "not given". A
// link's must say rate and volume; what another scope's leaves out it does not bound.
absl::StatusOr<Quota> DecodeQuota(const Scope& scope, std::string_view body);

struct NewNodeBody {
  std::string name;
  std::string enclosure;
  bool gateway = false;
  std::vector<IpPrefix> prefixes;
};
absl::StatusOr<NewNodeBody> DecodeNewNode(std::string_view body);

// {"reason": …} or nothing; "" when no reason is given.
absl::StatusOr<std::string> DecodeReason(std::string_view body);

// Nothing, or an object without fields.
absl::Status DecodeNothing(std::string_view body);

// The query of GET /api/v1/events: numbers, kinds with commas between, a scope; "" is not there.
absl::StatusOr<EventFilter> DecodeEventFilter(std::string_view before, std::string_view limit,
                                              std::string_view kinds, std::string_view subject);

// Replies. One line of valid UTF-8 each, whatever the strings in the views hold.
// Durations are seconds; remaining times are never below 0, endless ones null.
std::string EncodeNodes(const std::vector<NodeView>& nodes);
std::string EncodeNewNode(const NodeView& node, const ControllerCore::NewNode& added);
std::string EncodeQuotas(const std::vector<QuotaView>& quotas);
std::string EncodeQuota(const Quota& quota);
std::string EncodeLeases(const std::vector<LeaseView>& leases);
std::string EncodeRevocations(const std::vector<RevocationView>& revocations,
                              const std::vector<StopView>& stops);
// {"revoked":"SCOPE","revocation":ID}
std::string EncodeRevoked(const Scope& scope, uint64_t id);
std::string EncodeLinks(const std::vector<LinkView>& links);
std::string EncodeLink(const LinkView& link);

std::string EncodeEvents(const EventPage& page);
// What a change would do: of a scope's quota, or the scope's revocation.
std::string EncodeChange(const Scope& scope, const ChangeView& view);

// {"plan": DOT}, as PUT /api/v1/plan takes it.
absl::StatusOr<std::string> DecodePlan(std::string_view body);
// {"policy": "enforce" or "alert"}.
absl::StatusOr<WiringPolicy> DecodeWiringPolicy(std::string_view body);
// Without `wires`: only what somebody should look into.
std::string EncodeTopology(const TopologyView& view, bool wires);
std::string EncodeMeasuring(const PortName& port, BitRate speed);
std::string EncodePlans(const std::vector<PlanVersion>& plans);
std::string EncodePlan(const PlanVersion& version);
std::string EncodePlanText(uint64_t version, const std::string& text);
std::string EncodePlanPreview(const PlanPreview& preview);

struct StatusView {
  std::string fleet;
  std::string version;
  ControllerStatus controller;
  std::vector<NodeView> nodes;
  std::vector<LeaseView> leases;
  std::vector<LinkView> links;
};
std::string EncodeStatus(const StatusView& status);

// {"WHAT":"NAME"}: that this was done to NAME.
std::string EncodeDone(std::string_view what, std::string_view name);

// {"error":{"code":…,"message":…,"field":…}}; without "field" if it is empty.
std::string EncodeError(std::string_view code, std::string_view message,
                        std::string_view field = "");

// The same error, blamed on `field`.
absl::Status WithField(const absl::Status& status, std::string_view field);
// The field that an error is about, from WithField or a message "FIELD: …"; "" if none.
std::string FieldOf(const absl::Status& status);

// "invalid_argument" and the like.
std::string ErrorCode(const absl::Status& status);
// The HTTP status of an error.
int HttpStatus(const absl::Status& status);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_JSON_CODEC_H_
