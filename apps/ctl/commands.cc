#include "commands.h"

#include <string>

#include "arguments.h"
#include "base/status.h"
#include "base/strings.h"
#include "format.h"
#include "model/names.h"
#include "model/prefix.h"
#include "tables.h"

namespace sluice::ctl {
namespace {

// `flag: ` in front of an error, so that it says which flag is meant.
absl::Status ForFlag(std::string_view flag, const absl::Status& status) {
  return Annotate(status, StrCat("--", flag));
}

absl::Status ParseAmounts(const QuotaSetArgs& args, Quota& quota) {
  quota.rate = kAnyRate;
  quota.volume = kAnyVolume;
  const bool link = quota.scope.is_link();
  if (link ? args.rate.empty() || args.volume.empty() : args.rate.empty() && args.volume.empty())
    return absl::InvalidArgumentError(link ? "a link's quota needs both --rate and --volume"
                                           : "say --rate, --volume or both");
  if (!args.rate.empty()) {
    absl::StatusOr<BitRate> rate = ParseBitRate(args.rate);
    if (!rate.ok()) return ForFlag("rate", rate.status());
    quota.rate = *rate;
  }
  if (!args.volume.empty()) {
    absl::StatusOr<Bytes> volume = ParseBytes(args.volume);
    if (!volume.ok()) return ForFlag("volume", volume.status());
    quota.volume = *volume;
  }
  return absl::OkStatus();
}

absl::Status ParseTimes(const QuotaSetArgs& args, Quota& quota) {
  quota.lease_lifetime = quota.scope.is_link() ? kDefaultLeaseLifetime : kMaxLeaseLifetime;
  if (!args.lease.empty()) {
    absl::StatusOr<absl::Duration> lease = ParseDuration(args.lease);
    if (!lease.ok()) return ForFlag("lease", lease.status());
    quota.lease_lifetime = *lease;
  }
  if (args.per == "lifetime") return absl::OkStatus();
  absl::StatusOr<absl::Duration> window = ParseDuration(args.per);
  if (!window.ok())
    return absl::InvalidArgumentError(StrCat("--per: ", ForMessage(args.per),
                                             " is neither \"lifetime\" nor a window such as 24h"));
  quota.window = *window;
  return absl::OkStatus();
}

std::string PerText(const Quota& quota) {
  return quota.window ? FormatExact(*quota.window) : "lifetime";
}

std::string Describe(const Quota& quota) {
  const std::string volume = quota.volume == kAnyVolume && !quota.scope.is_link()
                                 ? "any volume"
                                 : FormatExact(quota.volume);
  const std::string rate =
      quota.rate == kAnyRate && !quota.scope.is_link() ? "any rate" : FormatExact(quota.rate);
  return StrCat(quota.scope.ToString(), " may carry ", volume,
                quota.window ? StrCat(" per ", PerText(quota)) : " in all", " at ", rate,
                ", in leases of ", quota.scope.is_link() ? "" : "at most ",
                FormatExact(quota.lease_lifetime));
}

std::string QuotaPath(const Scope& scope) { return "/api/v1/quotas/" + ScopeInPath(scope); }

absl::Status PrintToken(Context& context, const std::string& name, const Json& answer) {
  const std::string token = Text(answer, "token");
  if (token.empty())
    return absl::InternalError(
        "the controller's answer holds no token; is it a sluice-controller?");
  if (context.json) {
    PrintJson(context.out, answer);
  } else {
    context.out << token << "\n";
  }
  context.out.flush();
  context.err
      << "Node " << name << " may join within " << ShowSeconds(Number(answer, "token_expires_in_s"))
      << ", once, with this token. On the node, as root, run:\n\n  sluice-agent join --token "
      << token << "\n\n(with the same directories and devices as `sluice-agent run`).\n";
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Action> NodeAdd(const NodeAddArgs& args) {
  SLUICE_RETURN_IF_ERROR(CheckName("the node's name", args.name));
  SLUICE_RETURN_IF_ERROR(ForFlag("enclosure", CheckName("the name", args.enclosure)));
  Json body = {{"name", args.name}, {"enclosure", args.enclosure}, {"role", args.role}};
  for (const std::string& text : args.prefixes) {
    absl::StatusOr<IpPrefix> prefix = ParseIpPrefix(text);
    if (!prefix.ok()) return ForFlag("prefix", prefix.status());
    body["prefixes"].push_back(prefix->ToString());
  }
  return [name = args.name, body](Context& context) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(Json answer, context.client.Post("/api/v1/nodes", body));
    return PrintToken(context, name, answer);
  };
}

absl::StatusOr<Action> NodeRemove(const std::string& name) {
  SLUICE_RETURN_IF_ERROR(CheckName("the node's name", name));
  return [name](Context& context) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(Json answer, context.client.Delete("/api/v1/nodes/" + name));
    Report(context, answer, StrCat("Node ", name, " is removed; its links are closed."));
    return absl::OkStatus();
  };
}

absl::StatusOr<Action> NodeReadmit(const std::string& name) {
  SLUICE_RETURN_IF_ERROR(CheckName("the node's name", name));
  return [name](Context& context) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(
        Json answer,
        context.client.Post(StrCat("/api/v1/nodes/", name, "/readmit"), Json::object()));
    Report(context, answer,
           StrCat("Node ", name, " is readmitted; its links may have leases again."));
    return absl::OkStatus();
  };
}

Action NodeList() { return Read("/api/v1/nodes", NodeTable); }

absl::StatusOr<Quota> ParseQuota(const QuotaSetArgs& args) {
  Quota quota;
  SLUICE_ASSIGN_OR_RETURN(quota.scope, ParseScopeArgument(args.scope));
  SLUICE_RETURN_IF_ERROR(ParseAmounts(args, quota));
  quota.burst = DefaultBurst(quota.rate, quota.scope.kind);
  if (!args.burst.empty()) {
    absl::StatusOr<Bytes> burst = ParseBytes(args.burst);
    if (!burst.ok()) return ForFlag("burst", burst.status());
    quota.burst = *burst;
  }
  SLUICE_RETURN_IF_ERROR(ParseTimes(args, quota));
  // CheckQuota's fields have the flags' names.
  if (absl::Status status = CheckQuota(quota); !status.ok())
    return absl::InvalidArgumentError(StrCat("--", status.message()));
  return quota;
}

Json QuotaBody(const Quota& quota) {
  return {{"rate", quota.rate.bps},
          {"burst", quota.burst.value},
          {"volume", quota.volume.value},
          {"per", PerText(quota)},
          {"lease", FormatExact(quota.lease_lifetime)}};
}

absl::StatusOr<Action> QuotaSet(const QuotaSetArgs& args) {
  SLUICE_ASSIGN_OR_RETURN(Quota quota, ParseQuota(args));
  return [quota, dry_run = args.dry_run](Context& context) -> absl::Status {
    const std::string path = QuotaPath(quota.scope);
    if (dry_run) {
      SLUICE_ASSIGN_OR_RETURN(const Json change,
                              context.client.Put(path + "?dry_run=1", QuotaBody(quota)));
      context.json ? PrintJson(context.out, change) : void(context.out << ChangeText(change));
      return absl::OkStatus();
    }
    SLUICE_ASSIGN_OR_RETURN(Json answer, context.client.Put(path, QuotaBody(quota)));
    Report(context, answer, Describe(quota));
    return absl::OkStatus();
  };
}

absl::StatusOr<Action> QuotaDelete(const std::string& text) {
  SLUICE_ASSIGN_OR_RETURN(const Scope scope, ParseScopeArgument(text));
  return [scope](Context& context) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(Json answer, context.client.Delete(QuotaPath(scope)));
    Report(context, answer,
           StrCat("The quota on ", scope.ToString(), " is deleted; ",
                  scope.is_link() ? "it is closed." : "it bounds its links no more."));
    return absl::OkStatus();
  };
}

Action QuotaList() { return Read("/api/v1/quotas", QuotaTable); }

Action LeaseList() { return Read("/api/v1/leases", LeaseTable); }

absl::StatusOr<Action> EventList(const EventListArgs& args) {
  std::string path = StrCat("/api/v1/events?limit=", args.limit);
  if (!args.scope.empty()) {
    SLUICE_ASSIGN_OR_RETURN(const Scope scope, ParseScopeArgument(args.scope));
    path += "&subject=" + ScopeInPath(scope);
  }
  return Read(path, EventTable);
}

Action LinkList(bool all) { return Read(all ? "/api/v1/links?all=1" : "/api/v1/links", LinkTable); }

absl::StatusOr<Action> LinkShow(const std::string& text) {
  SLUICE_ASSIGN_OR_RETURN(LinkName link, ParseLinkArgument(text));
  return Read("/api/v1/links/" + LinkInPath(link), LinkDetails);
}

Action ShowStatus() { return Read("/api/v1/status", StatusText); }

}  // namespace sluice::ctl
