// Feeds arbitrary bytes to the parser of wireguard-go's answers.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tunnel/wireguard/uapi.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view answer(reinterpret_cast<const char*>(data), size);
  const auto state = sluice::ParseUapiState(answer);
  // What reads as a state ended well, so it is a good result too.
  if (state.ok() && !sluice::ParseUapiResult(answer).ok()) std::abort();
  if (!state.ok()) return 0;
  for (const auto& peer : state->peers) {
    // What it accepted must be sendable again.
    if (sluice::UapiSetPeer(peer.peer, true).view().substr(0, 6) != "set=1\n") std::abort();
  }
  return 0;
}
