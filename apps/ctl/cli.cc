#include "cli.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include "base/strings.h"
#include "client.h"
#include "commands.h"
#include "token_file.h"
#include "top.h"

namespace sluice::ctl {
namespace {

// The command line as parsed. CLI11 fills the fields by reference.
struct Parsed {
  std::string api = "http://127.0.0.1:8080";
  std::string token_file;
  std::string output = "table";
  NodeAddArgs node;
  QuotaSetArgs quota;
  EventListArgs events;
  std::string link;
  std::string reason;
  std::string file;
  std::string other = "active";
  std::string policy;
  bool dry_run = false;
  // A command that needs no controller; set by its callback.
  std::function<absl::Status(std::ostream&)> offline;
  bool all = false;
  bool once = false;
  bool live = false;  // top, with or without --once
  // Checks the chosen command's arguments; set by its callback.
  std::function<absl::StatusOr<Action>()> prepare;
};

CLI::App* AddCommand(CLI::App& parent, const std::string& name, const std::string& about,
                     Parsed& parsed, std::function<absl::StatusOr<Action>()> prepare) {
  CLI::App* command = parent.add_subcommand(name, about);
  command->callback([&parsed, prepare = std::move(prepare)] { parsed.prepare = prepare; });
  return command;
}

CLI::App* AddGroup(CLI::App& parent, const std::string& name, const std::string& about) {
  return parent.add_subcommand(name, about)->require_subcommand(1);
}

void AddLinkArgument(CLI::App& command, std::string& link) {
  command.add_option("LINK", link, "The link as SOURCE>DESTINATION, in quotes: 'a1>b1'")
      ->required();
}

void AddScopeArgument(CLI::App& command, std::string& scope) {
  command
      .add_option("SCOPE", scope,
                  "A link as SOURCE>DESTINATION, in quotes: 'a1>b1'; or fleet, enclosure:NAME, "
                  "node:NAME")
      ->required();
}

using RevokeCommand = absl::StatusOr<Action>(const std::string&, const std::string&);
using RestoreCommand = absl::StatusOr<Action>(const std::string&);
void AddRevokeAndRestore(CLI::App& group, const std::string& what, Parsed& p, RevokeCommand* revoke,
                         RestoreCommand* restore) {
  const std::string about = "The " + what + "'s name";
  CLI::App* close = AddCommand(group, "revoke",
                               StrCat("Close all links with an end in the ", what,
                                      " now, at both ends, until it is restored"),
                               p, [&p, revoke] { return revoke(p.node.name, p.reason); });
  close->add_option("NAME", p.node.name, about)->required();
  close->add_option("--reason", p.reason, "Why, for those who will ask");
  CLI::App* open = AddCommand(group, "restore", "Let its links have leases again", p,
                              [&p, restore] { return restore(p.node.name); });
  open->add_option("NAME", p.node.name, about)->required();
}

void AddNodeCommands(CLI::App& app, Parsed& p) {
  CLI::App* group =
      AddGroup(app, "node", "The fleet's nodes: add, list, readmit, remove, revoke, restore");
  CLI::App* add = AddCommand(*group, "add",
                             "Announce a node. Prints its one-time join token, and on stderr the "
                             "command to run on the node.",
                             p, [&p] { return NodeAdd(p.node); });
  add->add_option("NAME", p.node.name, "The node's name: a-z, 0-9 and -, at most 32")->required();
  add->add_option("--enclosure", p.node.enclosure, "The enclosure that the node is part of")
      ->required();
  add->add_option("--role", p.node.role, "gateway if its accelerator port faces the outside world")
      ->check(CLI::IsMember({"node", "gateway"}))
      ->capture_default_str();
  add->add_option("--prefix", p.node.prefixes,
                  "An IP prefix of its accelerators, such as 10.1.0.0/24; may be repeated. Without "
                  "any, what the node's own port has.");
  add->footer("Example:\n  sluicectl node add a1 --enclosure east");
  AddCommand(*group, "list", "All nodes, their state and their faults", p,
             [] { return NodeList(); });
  CLI::App* readmit = AddCommand(
      *group, "readmit",
      "Let a node that was tampered with work again. Look into it first: this trusts it anew.", p,
      [&p] { return NodeReadmit(p.node.name); });
  readmit->add_option("NAME", p.node.name, "The node's name")->required();
  CLI::App* remove =
      AddCommand(*group, "remove", "Remove a node: its links are closed, its keys forgotten", p,
                 [&p] { return NodeRemove(p.node.name); });
  remove->add_option("NAME", p.node.name, "The node's name")->required();
  AddRevokeAndRestore(*group, "node", p, &NodeRevoke, &NodeRestore);
}

void AddStopCommands(CLI::App& app, Parsed& p) {
  CLI::App* group = AddGroup(app, "enclosure", "Whole enclosures: revoke, restore");
  AddRevokeAndRestore(*group, "enclosure", p, &EnclosureRevoke, &EnclosureRestore);
  CLI::App* stop = AddCommand(app, "stop", "Close every link of the fleet now, until `resume`", p,
                              [&p] { return FleetStop(p.reason); });
  stop->add_option("--reason", p.reason, "Why, for those who will ask");
  AddCommand(app, "resume", "Let the fleet's links have leases again", p,
             [] { return FleetResume(); });
  CLI::App* revocations = AddGroup(app, "revocation", "What was revoked: list");
  AddCommand(*revocations, "list", "The last revocations and how long they took to fall silent", p,
             [] { return RevocationList(); });
}

void AddQuotaSet(CLI::App& group, Parsed& p) {
  CLI::App* set = AddCommand(group, "set", "Set the quota of a link or of a scope around links", p,
                             [&p] { return QuotaSet(p.quota); });
  AddScopeArgument(*set, p.quota.scope);
  set->add_option("--rate", p.quota.rate,
                  "How fast, in bit/s: 8kbit to 400Gbit, such as 100Mbit or 1.5Gbit");
  set->add_option("--volume", p.quota.volume,
                  "How much, in bytes of IP packets: such as 1GB, 512KiB or 1500B, up to 4EiB");
  set->add_option(
         "--per", p.quota.per,
         "What the volume is for: \"lifetime\" (all there will ever be), or a window after "
         "which it begins anew, such as 24h")
      ->capture_default_str();
  set->add_option(
      "--lease", p.quota.lease,
      "How long one lease lives, and so how long the link outlives a controller that is "
      "gone: 1s to 24h, 30s if not given. On other scopes: at most so long.");
  set->add_option("--burst", p.quota.burst,
                  "How much may go at once above the rate: 3KB to 1GiB; if not given, 40 ms of the "
                  "rate, at least 32KiB and, on a link, at most 64MiB");
  set->add_flag("--dry-run", p.quota.dry_run,
                "Only say which links it would open or close, and what the sums would be");
  set->footer(
      "Only a link's quota opens it; it needs --rate and --volume. The quotas of the fleet, an\n"
      "enclosure (what leaves it) and a node (what its accelerators send) bound what all links\n"
      "in them do together: the rate is shared max-min fair, and so is volume that runs low.\n"
      "Examples:\n"
      "  sluicectl quota set 'a1>b1' --rate 100Mbit --volume 1GB\n"
      "  sluicectl quota set 'a1>gw' --rate 8kbit --volume 10MB --per 24h --lease 5m\n"
      "  sluicectl quota set enclosure:east --volume 50GB --per 24h");
}

void AddQuotaCommands(CLI::App& app, Parsed& p) {
  CLI::App* group = AddGroup(app, "quota", "What links and scopes may carry: set, list, delete");
  AddQuotaSet(*group, p);
  AddCommand(*group, "list", "All quotas", p, [] { return QuotaList(); });
  CLI::App* remove = AddCommand(
      *group, "delete", "Delete a quota; a link without one is closed and its account forgotten", p,
      [&p] { return QuotaDelete(p.link); });
  AddScopeArgument(*remove, p.link);
}

void AddLeaseCommands(CLI::App& app, Parsed& p) {
  CLI::App* group = AddGroup(app, "lease", "The leases given on quotas: list, revoke, restore");
  AddCommand(*group, "list", "All leases that were given, by link and end", p,
             [] { return LeaseList(); });
  CLI::App* revoke = AddCommand(*group, "revoke",
                                "Close a link now, at both ends, until it is restored or its quota "
                                "is set again",
                                p, [&p] { return LeaseRevoke(p.link, p.reason); });
  AddLinkArgument(*revoke, p.link);
  revoke->add_option("--reason", p.reason, "Why, for those who will ask");
  CLI::App* restore = AddCommand(*group, "restore", "Let a revoked link have leases again", p,
                                 [&p] { return LeaseRestore(p.link); });
  AddLinkArgument(*restore, p.link);
}

void AddPlanFiles(CLI::App& group, Parsed& p) {
  CLI::App* check = group.add_subcommand("check", "Explain every mistake of a plan's file");
  check->callback([&p] {
    p.offline = [&p](std::ostream& out) { return PlanCheck(p.file, p.output == "json", out); };
  });
  check->add_option("FILE", p.file, "A Graphviz DOT file")->required();
  CLI::App* set = AddCommand(group, "set", "Make a file the plan, as a new signed version", p,
                             [&p] { return PlanSet(p.file, p.dry_run); });
  set->add_option("FILE", p.file, "A Graphviz DOT file")->required();
  set->add_flag("--dry-run", p.dry_run, "Only say which links it would open or close");
  CLI::App* diff =
      AddCommand(group, "diff", "What one plan has and the other has not", p,
                 [&p]() -> absl::StatusOr<Action> { return PlanDiff(p.other, p.file); });
  diff->add_option("AFTER", p.file, "A file or a version")->required();
  diff->add_option("--from", p.other, "What to compare with: a file or a version")
      ->capture_default_str();
}

void AddPlanCommands(CLI::App& app, Parsed& p) {
  CLI::App* group = AddGroup(
      app, "plan", "What should be cabled to what: check, set, show, diff, history, remove");
  AddPlanFiles(*group, p);
  CLI::App* show = AddCommand(*group, "show", "The plan as it was written", p,
                              [&p]() -> absl::StatusOr<Action> { return PlanShow(p.other); });
  show->add_option("--version", p.other, "An earlier one; `plan history` lists them")
      ->check(CLI::PositiveNumber | CLI::IsMember({"active"}))
      ->capture_default_str();
  AddCommand(*group, "history", "All versions that are kept", p, [] { return PlanHistory(); });
  AddCommand(*group, "remove", "Have no plan: from then on no wire is checked", p,
             [] { return PlanRemove(); });
  CLI::App* wiring =
      AddGroup(app, "topology", "How the wires compare with the plan: show, capacity, policy");
  CLI::App* now = AddCommand(*wiring, "show", "The verdict on each cable, and what to look into", p,
                             [&p] { return TopologyShow(p.all); });
  now->add_flag("--findings", p.all, "Only what to look into");
  CLI::App* capacity = AddCommand(
      *wiring, "capacity",
      "Measure what the cable at a node's port carries at least. Takes a second, in bursts of at "
      "most a millisecond of the declared speed and a hundredth of the time.",
      p, [&p] { return TopologyCapacity(p.file); });
  capacity->add_option("PORT", p.file, "NODE:PORT, as a1:fab0")->required();
  CLI::App* policy = AddCommand(*wiring, "policy", "What bad wiring does to a scope's links", p,
                                [&p] { return TopologyPolicy(p.link, p.policy); });
  AddScopeArgument(*policy, p.link);
  policy
      ->add_option("POLICY", p.policy,
                   "enforce: no lease, no key; alert: only tell; default: as the scope around it")
      ->required()
      ->check(CLI::IsMember({"enforce", "alert", "default"}));
}

void AddViewCommands(CLI::App& app, Parsed& p) {
  CLI::App* group = AddGroup(app, "link", "The links as they are now: list, show");
  CLI::App* list = AddCommand(*group, "list", "State, rate, volume and drops of each link", p,
                              [&p] { return LinkList(p.all); });
  list->add_flag("--all", p.all, "Also links without a quota");
  CLI::App* show = AddCommand(*group, "show", "All that is known of one link, drops in words", p,
                              [&p] { return LinkShow(p.link); });
  AddLinkArgument(*show, p.link);
  CLI::App* events = AddGroup(app, "event", "What happened in the fleet: list");
  CLI::App* history = AddCommand(*events, "list", "The last events, the newest first", p,
                                 [&p] { return EventList(p.events); });
  history->add_option("--scope", p.events.scope,
                      "Only about this and what is in it: a link, node:NAME, enclosure:NAME");
  history->add_option("--limit", p.events.limit, "How many")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  AddCommand(app, "status", "The controller's own state", p, [] { return ShowStatus(); });
  CLI::App* top =
      AddCommand(app, "top", "The links, live in the terminal; q or Ctrl-C ends it", p, [&p] {
        p.live = true;
        return Top(p.once);
      });
  top->add_flag("--once", p.once, "Print one frame, after a second, and end");
}

void Describe(CLI::App& app, Parsed& p) {
  app.description("Sets and shows what the links of a Sluice fleet may carry.");
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", "sluicectl " SLUICE_VERSION);
  app.add_option("--api", p.api, "Where the controller's API is")
      ->envname("SLUICE_API")
      ->capture_default_str();
  app.add_option("--token-file", p.token_file,
                 "The file with the admin token: admin.token of the controller's state directory, "
                 "or a copy with mode 0600")
      ->envname("SLUICE_TOKEN_FILE");
  app.add_option("-o,--output", p.output, "table for people, json for programs")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  app.footer(
      "Every command has --help. Exit codes: 0 done, 1 refused or not reached, 2 wrong usage.");
  AddNodeCommands(app, p);
  AddQuotaCommands(app, p);
  AddLeaseCommands(app, p);
  AddStopCommands(app, p);
  AddPlanCommands(app, p);
  AddViewCommands(app, p);
}

int Fail(const absl::Status& status, int code) {
  std::cerr << "sluicectl: " << status.message() << "\n";
  return code;
}

int RunParsed(Parsed& p) {
  if (p.offline) {
    const absl::Status status = p.offline(std::cout);
    if (!status.ok()) return Fail(status, kExitFailed);
    return std::cout.flush() ? kExitOk : kExitFailed;
  }
  absl::StatusOr<Action> action = p.prepare();
  if (!action.ok()) return Fail(action.status(), kExitUsage);
  if (p.token_file.empty())
    return Fail(absl::InvalidArgumentError(
                    "no admin token: name its file with --token-file or SLUICE_TOKEN_FILE; it is "
                    "admin.token in the controller's state directory"),
                kExitUsage);
  absl::StatusOr<std::string> token = ReadTokenFile(p.token_file);
  if (!token.ok()) return Fail(token.status(), kExitUsage);
  ClientOptions options{.api = p.api, .token = *token, .token_file = p.token_file};
  // A live picture must not hang on a controller that does not answer.
  if (p.live) options.timeout = absl::Seconds(2);
  absl::StatusOr<std::unique_ptr<ApiClient>> client = ApiClient::Create(options);
  if (!client.ok()) return Fail(client.status(), kExitUsage);
  Context context{**client, p.output == "json", std::cout, std::cerr};
  absl::Status status = (*action)(context);
  if (!status.ok()) return Fail(status, kExitFailed);
  // A full disk or a closed pipe must not pass for success.
  if (!std::cout.flush()) return Fail(absl::DataLossError("cannot write the output"), kExitFailed);
  return kExitOk;
}

}  // namespace

int Run(int argc, const char* const* argv) {
  Parsed parsed;
  CLI::App app;
  app.name("sluicectl");
  Describe(app, parsed);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version come as "errors" with code 0.
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return RunParsed(parsed);
}

}  // namespace sluice::ctl
