// The API's answers as tables and texts for people. Pure; each takes the JSON
// that the API gives and ends with a newline.
#ifndef SLUICE_APPS_CTL_TABLES_H_
#define SLUICE_APPS_CTL_TABLES_H_

#include <string>

#include "json_view.h"

namespace sluice::ctl {

std::string NodeTable(const Json& answer);        // {"nodes":[…]}
std::string QuotaTable(const Json& answer);       // {"quotas":[…]}
std::string LeaseTable(const Json& answer);       // {"leases":[…]}
std::string RevocationTable(const Json& answer);  // {"revocations":[…],"stops":[…]}
// A line for each end of one of them: how long it took to fall silent.
std::string SilenceText(const Json& revocation);
std::string LinkTable(const Json& answer);   // {"links":[…]}
std::string EventTable(const Json& answer);  // {"events":[…],"more":…}
// What a change would do, as a dry run answers.
std::string ChangeText(const Json& answer);
std::string PlanTable(const Json& answer);  // {"plans":[…]}
std::string PlanPreviewText(const Json& answer);
// {"wires":[…],"findings":[…],"policies":[…]}
std::string TopologyText(const Json& answer, bool wires);
// {"link":{…}}: everything that is known of one link, drop reasons in words.
std::string LinkDetails(const Json& answer);
// Any object, a line for each value, with units taken from the names' endings.
std::string StatusText(const Json& answer);

// "12 volume", "12 volume and 3 more", "-" for none.
std::string ShowDrops(const Json& drops);

}  // namespace sluice::ctl

#endif  // SLUICE_APPS_CTL_TABLES_H_
