// sluicectl's command line.
#ifndef SLUICE_APPS_CTL_CLI_H_
#define SLUICE_APPS_CTL_CLI_H_

#include <string>

namespace sluice::ctl {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // the controller refused or did not answer
inline constexpr int kExitUsage = 2;   // the command line or the token file is wrong

// Parses, runs and reports; returns the exit code. Throws nothing.
int Run(int argc, const char* const* argv);

}  // namespace sluice::ctl

#endif  // SLUICE_APPS_CTL_CLI_H_
