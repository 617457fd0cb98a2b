// What an operator's change would do, before it is made.
#ifndef SLUICE_MODEL_CHANGE_VIEW_H_
#define SLUICE_MODEL_CHANGE_VIEW_H_

#include <optional>
#include <string>
#include <vector>

#include "base/units.h"
#include "model/fleet_view.h"
#include "model/names.h"
#include "model/quota.h"
#include "model/scope.h"

namespace sluice {

// A link that the change is about.
struct LinkChange {
  LinkName link;
  LinkView::State state = LinkView::State::kNoQuota;  // now
  BitRate leased_rate;
  enum class Change {
    kNone,
    kOpens,     // may get a lease that it may not get now
    kRecalled,  // its lease is taken back, and a new one follows
    kCloses,    // its lease is taken back, and none follows
  } change = Change::kNone;
  std::string text;
};

// A scope's quota and what is taken of it, after the change.
struct ScopeSum {
  Scope scope;
  BitRate rate;
  BitRate leased_rate;  // now
  BitRate links_rate;   // of all links' quotas in it together
  Bytes volume;
  Bytes used;
  Bytes outstanding;
};

struct ChangeView {
  std::optional<Quota> before;
  std::optional<Quota> after;
  std::vector<LinkChange> links;
  std::vector<ScopeSum> sums;      // of the scope, and of those around it that have a quota
  std::vector<std::string> notes;  // what else is good to know
};

}  // namespace sluice

#endif  // SLUICE_MODEL_CHANGE_VIEW_H_
