// Fuzz input as a list of messages: a byte that says which, two for the length, the bytes.
#ifndef SLUICE_TESTS_FUZZ_MESSAGE_LIST_H_
#define SLUICE_TESTS_FUZZ_MESSAGE_LIST_H_

#include <algorithm>
#include <optional>

#include "fuzz/fuzz.h"

namespace sluice {

class MessageList {
 public:
  struct Entry {
    uint8_t kind = 0;
    std::string_view bytes;
  };

  MessageList(const uint8_t* data, size_t size) : rest_(AsText(data, size)) {}

  // The next one; the last takes what there is.
  std::optional<Entry> Next() {
    if (rest_.size() < 3) return std::nullopt;
    const auto byte = [this](size_t at) { return static_cast<uint8_t>(rest_[at]); };
    Entry entry{byte(0), {}};
    const size_t length = static_cast<size_t>(byte(1)) << 8 | byte(2);
    rest_.remove_prefix(3);
    entry.bytes = rest_.substr(0, std::min(length, rest_.size()));
    rest_.remove_prefix(entry.bytes.size());
    return entry;
  }

 private:
  std::string_view rest_;
};

}  // namespace sluice

#endif  // SLUICE_TESTS_FUZZ_MESSAGE_LIST_H_
