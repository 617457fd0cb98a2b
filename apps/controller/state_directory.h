// The controller's durable directory: ledger, signing seed, control key, admin
// token. All files have mode 0600, the directory 0700.
#ifndef SLUICE_APPS_CONTROLLER_STATE_DIRECTORY_H_
#define SLUICE_APPS_CONTROLLER_STATE_DIRECTORY_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "base/secret.h"
#include "controller/store/store_interface.h"
#include "os/files/files_interface.h"

namespace sluice {

struct ControllerState {
  std::unique_ptr<FileLock> lock;
  Secret32 signing_seed;  // Ed25519
  Secret32 control_key;   // X25519
  std::string admin_token;
  std::unique_ptr<Store> store;
};

// Opens the directory for this process alone; makes what a new controller
// needs. If the keys are there and the ledger is not, or the other way round,
// that is DataLoss: a new ledger would give every budget anew.
absl::StatusOr<ControllerState> OpenState(Files& files, const std::string& directory);

}  // namespace sluice

#endif  // SLUICE_APPS_CONTROLLER_STATE_DIRECTORY_H_
