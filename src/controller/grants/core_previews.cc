// What a change would do, from the same decisions that make it.
#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "controller/policy/ledger.h"
#include "wire/report_codec.h"

namespace sluice {

using Change = LinkChange::Change;

std::vector<const CoreImpl::Link*> CoreImpl::LinksIn(const Scope& scope) const {
  std::vector<const Link*> links;
  for (const auto& [name, link] : links_) {
    if (Contains(scope, WhereIs(name))) links.push_back(&link);
  }
  return links;
}

// The larger scopes around it that have a quota.
std::vector<Scope> CoreImpl::QuotasAround(const Scope& scope) const {
  std::vector<Scope> around;
  for (const auto& [other, budget] : budgets_) {
    const Node* node = scope.kind == Scope::Kind::kNode ? FindNode(scope.name) : nullptr;
    const bool of_link = scope.is_link() && Contains(other, WhereIs(scope.link));
    const bool of_node = node != nullptr && other == Scope::Enclosure(node->record.enclosure);
    const bool is_fleet = other.kind == Scope::Kind::kFleet && scope != other;
    if (of_link || of_node || is_fleet) around.push_back(other);
  }
  return around;
}

LinkChange CoreImpl::ChangeOf(const Link& link) const {
  const LinkView view = ViewOf(link);
  return {view.link, view.state, view.leased_rate, Change::kNone, view.why};
}

ScopeSum CoreImpl::SumOf(const Scope& scope, const ChangeView& view) const {
  ScopeSum sum;
  sum.scope = scope;
  const bool is_changed = view.after && view.after->scope == scope;
  if (const auto it = budgets_.find(scope); it != budgets_.end() || !scope.is_link()) {
    const NextScope next = is_changed ? WithQuota(*view.after) : WithQuota(it->second.record.quota);
    const ScopeRecord record = Rolled(next.record, next.sums, Now());
    sum.rate = record.quota.rate;
    sum.volume = record.quota.volume;
    sum.used = Spent(record, next.sums);
    sum.outstanding = Outstanding(next.sums);
  } else {
    const auto link = links_.find(scope.link);
    LinkRecord record;
    if (link != links_.end()) record = link->second.record;
    record = WithQuota(std::move(record), *view.after);
    sum.rate = record.quota->rate;
    sum.volume = record.quota->volume;
    sum.used = record.account.spent;
    sum.outstanding = Outstanding(record.account);
  }
  for (const Link* link : LinksIn(scope)) {
    sum.leased_rate.bps += ChargeOf(link->record, Alive(link->record.send), Now()).rate.bps;
    const bool replaced = view.after && view.after->scope == Scope::Link(link->record.link);
    const bool deleted = view.before && !view.after && view.before->scope.is_link() &&
                         view.before->scope.link == link->record.link;
    if (link->record.quota && !replaced && !deleted)
      sum.links_rate.bps += link->record.quota->rate.bps;
  }
  const bool own =
      view.after && view.after->scope.is_link() && Contains(scope, WhereIs(view.after->scope.link));
  if (own) sum.links_rate.bps += view.after->rate.bps;
  return sum;
}

void CoreImpl::AddSums(const Scope& scope, ChangeView& view) const {
  if (view.after) view.sums.push_back(SumOf(scope, view));
  for (const Scope& around : QuotasAround(scope)) view.sums.push_back(SumOf(around, view));
  for (const ScopeSum& sum : view.sums) {
    if (!sum.scope.is_link() && sum.links_rate > sum.rate)
      view.notes.push_back(StrCat("the links' rates in ", sum.scope.ToString(), " come to ",
                                  FormatExact(sum.links_rate), ", more than its ",
                                  FormatExact(sum.rate), ": those that ask share it evenly"));
    if (SaturatingSub(sum.volume, sum.used) == Bytes{0})
      view.notes.push_back(StrCat("the volume of ", sum.scope.ToString(), " is used up: ",
                                  FormatExact(sum.used), " of ", FormatExact(sum.volume)));
  }
}

// Why a link with that record, which has a quota, gets no lease whatever its nodes do.
std::optional<std::string> CoreImpl::WhyShut(const LinkRecord& record) const {
  if (const Bar bar = BarOf(record)) return Words(bar, record);
  const LinkAccount account = Rolled(*record.quota, record.account, Now());
  if (Left(*record.quota, account) == Bytes{0}) return "the volume is used up";
  for (const auto& [scope, budget] : budgets_) {
    if (!Contains(scope, WhereIs(record.link))) continue;
    if (Left(Rolled(budget.record, budget.sums, Now()), budget.sums) == Bytes{0})
      return StrCat("the volume of ", scope.ToString(), " is used up");
  }
  return std::nullopt;
}

void CoreImpl::PreviewLink(const Quota& quota, ChangeView& view) const {
  const auto it = links_.find(quota.scope.link);
  Link none;
  none.record.link = quota.scope.link;
  const Link& link = it == links_.end() ? none : it->second;
  view.before = link.record.quota;
  const LinkRecord next = WithQuota(link.record, quota);
  LinkChange change = ChangeOf(link);
  const bool recalled = next.recall_upto > link.record.recall_upto && Alive(link.record.send);
  if (const auto shut = WhyShut(next)) {
    if (recalled) change.change = Change::kCloses;
    change.text =
        StrCat(recalled ? "its lease is recalled and it closes: " : "stays closed: ", *shut);
  } else if (recalled) {
    change.change = Change::kRecalled;
    change.text = "its lease allows more than the new quota: it is recalled, and a new one follows";
  } else if (Alive(link.record.send)) {
    change.text = "the next renewal is by the new quota";
  } else if (link.record.quota && !WhyShut(link.record)) {
    change.text = StrCat("may be leased, as before: ", change.text);
  } else {
    change.change = Change::kOpens;
    change.text = "may be leased; it opens when both nodes are there";
  }
  view.links.push_back(std::move(change));
}

void CoreImpl::PreviewScope(const Quota& quota, ChangeView& view) const {
  const auto it = budgets_.find(quota.scope);
  if (it != budgets_.end()) view.before = it->second.record.quota;
  std::set<LinkName> recalled;
  for (const LinkRecord& record : WithQuota(quota).recalled) recalled.insert(record.link);
  for (const Link* link : LinksIn(quota.scope)) {
    const bool taken = recalled.contains(link->record.link) && !Recalling(link->record);
    if (!link->record.quota && !taken) continue;
    LinkChange& change = view.links.emplace_back(ChangeOf(*link));
    if (!taken) continue;
    const bool again = MayLease(link->record);
    change.change = again ? Change::kRecalled : Change::kCloses;
    change.text = again ? "its lease is recalled, and a new one follows if the scope has room"
                        : "its lease is recalled";
  }
  if (view.links.empty())
    view.notes.push_back(StrCat("no link in ", quota.scope.ToString(),
                                " has a quota; only a link's own quota opens it"));
}

absl::StatusOr<ChangeView> CoreImpl::PreviewQuota(Quota quota) const {
  if (quota.burst == Bytes{0}) quota.burst = DefaultBurst(quota.rate, quota.scope.kind);
  SLUICE_RETURN_IF_ERROR(CheckQuota(quota));
  SLUICE_RETURN_IF_ERROR(quota.scope.is_link() ? CheckLinkExists(quota.scope.link)
                                               : CheckScopeExists(quota.scope));
  ChangeView view;
  view.after = quota;
  quota.scope.is_link() ? PreviewLink(quota, view) : PreviewScope(quota, view);
  AddSums(quota.scope, view);
  return view;
}

absl::StatusOr<ChangeView> CoreImpl::PreviewDelete(const Scope& scope) const {
  ChangeView view;
  if (const auto link = links_.find(scope.link); scope.is_link() && link != links_.end())
    view.before = link->second.record.quota;
  if (const auto budget = budgets_.find(scope); budget != budgets_.end())
    view.before = budget->second.record.quota;
  if (!view.before) return absl::NotFoundError(StrCat(scope.ToString(), " has no quota"));
  for (const Link* link : LinksIn(scope)) {
    if (!link->record.quota) continue;
    LinkChange& change = view.links.emplace_back(ChangeOf(*link));
    if (!scope.is_link()) continue;
    if (Alive(link->record.send)) change.change = Change::kCloses;
    change.text = "without a quota it gets no lease; what it has used is forgotten";
  }
  if (!scope.is_link())
    view.notes.push_back(StrCat("its links are no longer bound by ", scope.ToString()));
  AddSums(scope, view);
  return view;
}

absl::StatusOr<ChangeView> CoreImpl::PreviewRevoke(const Scope& scope) const {
  if (!scope.is_link()) SLUICE_RETURN_IF_ERROR(CheckScopeExists(scope));
  if (scope.is_link()) SLUICE_RETURN_IF_ERROR(CheckLinkHasQuota(scope.link));
  ChangeView view;
  for (const auto& [name, link] : links_) {
    if (!(scope.is_link() ? name == scope.link : Covers(scope, name))) continue;
    const bool leased = Alive(link.record.send) || Alive(link.record.receive);
    if (!link.record.quota && !leased) continue;
    LinkChange& change = view.links.emplace_back(ChangeOf(link));
    if (leased) change.change = Change::kCloses;
    if (leased) change.text = "falls silent at both ends";
  }
  view.notes.push_back(StrCat("it stays closed until ", scope.ToString(), " is restored"));
  return view;
}

}  // namespace sluice
