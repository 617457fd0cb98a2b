// Repeatable random numbers.
#ifndef SLUICE_TESTS_SIM_RNG_H_
#define SLUICE_TESTS_SIM_RNG_H_

#include <cstdint>
#include <span>

namespace sluice::sim {

// SplitMix64 (Steele, Lea, Flood 2014). The same seed gives the same numbers everywhere.
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // From `least` to `most`, both included.
  int64_t Range(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(Next() % static_cast<uint64_t>(most - least + 1));
  }
  bool Chance(int percent) { return Range(0, 99) < percent; }
  // `least` times a power of two, up to `most`: small values are as likely as large ones.
  int64_t Scale(int64_t least, int64_t most) {
    int64_t value = least;
    while (value * 2 <= most && Chance(65)) value *= 2;
    return Range(value, value * 2 <= most ? value * 2 : most);
  }
  void Fill(std::span<uint8_t> out) {
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(Next() >> 56);
  }

 private:
  uint64_t state_;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_RNG_H_
