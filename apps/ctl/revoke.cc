// Revoking links and scopes, and waiting until they are silent.
#include "absl/time/clock.h"
#include "arguments.h"
#include "base/status.h"
#include "base/strings.h"
#include "commands.h"
#include "format.h"
#include "tables.h"

namespace sluice::ctl {
namespace {

constexpr absl::Duration kPause = absl::Milliseconds(20);
constexpr int kTries = 100;

std::string PathOf(const Scope& scope, const char* what) {
  const char* kind = scope.is_link() ? "/api/v1/leases/" : "/api/v1/scopes/";
  return StrCat(kind, ScopeInPath(scope), "/", what);
}

std::string HowToRestore(const Scope& scope) {
  switch (scope.kind) {
    case Scope::Kind::kFleet:
      return "sluicectl resume";
    case Scope::Kind::kEnclosure:
      return "sluicectl enclosure restore " + scope.name;
    case Scope::Kind::kNode:
      return "sluicectl node restore " + scope.name;
    case Scope::Kind::kLink:
      break;
  }
  return StrCat("sluicectl lease restore '", scope.link.ToString(), "'");
}

// The revocation as it is once all ends are silent, or as it is when that takes too long.
absl::StatusOr<Json> Await(ApiClient& client, uint64_t id) {
  Json found;
  for (int i = 0; i < kTries; ++i) {
    SLUICE_ASSIGN_OR_RETURN(const Json answer, client.Get("/api/v1/revocations"));
    for (const Json& revocation : Items(answer, "revocations")) {
      if (Count(revocation, "id") == id) found = revocation;
    }
    if (found.is_null() || IsTrue(found, "silent")) return found;
    absl::SleepFor(kPause);
  }
  return found;
}

}  // namespace

Action Revoke(const Scope& scope, const std::string& reason) {
  return [scope, reason](Context& context) -> absl::Status {
    Json body = Json::object();
    if (!reason.empty()) body["reason"] = Printable(reason);
    SLUICE_ASSIGN_OR_RETURN(Json answer, context.client.Post(PathOf(scope, "revoke"), body));
    std::string done = StrCat(scope.ToString(),
                              " is revoked at both ends. To open it again: ", HowToRestore(scope));
    if (const auto id = Count(answer, "revocation")) {
      SLUICE_ASSIGN_OR_RETURN(const Json revocation, Await(context.client, *id));
      if (!revocation.is_null()) {
        done += "\n" + SilenceText(revocation);
        answer = {{"revocation", revocation}};
      }
    }
    Report(context, answer, done);
    return absl::OkStatus();
  };
}

Action Restore(const Scope& scope) {
  return [scope](Context& context) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(Json answer,
                            context.client.Post(PathOf(scope, "restore"), Json::object()));
    Report(context, answer, StrCat(scope.ToString(), " may have leases again."));
    return absl::OkStatus();
  };
}

absl::StatusOr<Action> LeaseRevoke(const std::string& text, const std::string& reason) {
  SLUICE_ASSIGN_OR_RETURN(const LinkName link, ParseLinkArgument(text));
  return Revoke(Scope::Link(link), reason);
}

absl::StatusOr<Action> LeaseRestore(const std::string& text) {
  SLUICE_ASSIGN_OR_RETURN(const LinkName link, ParseLinkArgument(text));
  return Restore(Scope::Link(link));
}

absl::StatusOr<Action> NodeRevoke(const std::string& name, const std::string& reason) {
  SLUICE_RETURN_IF_ERROR(CheckName("the node's name", name));
  return Revoke(Scope::Node(name), reason);
}

absl::StatusOr<Action> NodeRestore(const std::string& name) {
  SLUICE_RETURN_IF_ERROR(CheckName("the node's name", name));
  return Restore(Scope::Node(name));
}

absl::StatusOr<Action> EnclosureRevoke(const std::string& name, const std::string& reason) {
  SLUICE_RETURN_IF_ERROR(CheckName("the enclosure's name", name));
  return Revoke(Scope::Enclosure(name), reason);
}

absl::StatusOr<Action> EnclosureRestore(const std::string& name) {
  SLUICE_RETURN_IF_ERROR(CheckName("the enclosure's name", name));
  return Restore(Scope::Enclosure(name));
}

Action FleetStop(const std::string& reason) { return Revoke(Scope::Fleet(), reason); }

Action FleetResume() { return Restore(Scope::Fleet()); }

Action RevocationList() { return Read("/api/v1/revocations", RevocationTable); }

}  // namespace sluice::ctl
