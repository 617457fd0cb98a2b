// What the fuzz targets share.
#ifndef SLUICE_TESTS_FUZZ_FUZZ_H_
#define SLUICE_TESTS_FUZZ_FUZZ_H_

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace sluice {

// A property that must hold for every input; the fuzzer reports the input if not.
inline void Require(bool holds) {
  if (!holds) std::abort();
}

inline std::string_view AsText(const uint8_t* data, size_t size) {
  return std::string_view(reinterpret_cast<const char*>(data), size);
}

}  // namespace sluice

#endif  // SLUICE_TESTS_FUZZ_FUZZ_H_
