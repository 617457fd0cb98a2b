// `sluicectl top`: the links, live in the terminal.
#ifndef SLUICE_APPS_CTL_TOP_H_
#define SLUICE_APPS_CTL_TOP_H_

#include "commands.h"

namespace sluice::ctl {

// Asks the controller each second until Ctrl-C or q, and leaves the terminal as
// it was. Goes on, and says how old the picture is, while the controller does
// not answer; ends with its error if it refuses. With `once`, asks twice, a
// second apart, prints one frame and ends. FailedPrecondition without a terminal.
Action Top(bool once);

}  // namespace sluice::ctl

#endif  // SLUICE_APPS_CTL_TOP_H_
