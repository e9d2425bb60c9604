// (seed, block, path) at which own and cuRAND's Philox are compared.
#pragma once

#include <cstdint>
#include <vector>

namespace tailmargin::test {

struct PhiloxCase {
  std::uint64_t seed, block, path;
};

/// Edges of every 32-bit word of the counter and the key, and a walk over the rest. cuRAND counts single words, so a
/// block number has at most 62 bits.
inline std::vector<PhiloxCase> philox_cases() {
  constexpr std::uint64_t edges[] = {0, 1, 0xffffffffull, 0x100000000ull, 0x100000001ull, 0x3ffffffffffull};
  std::vector<PhiloxCase> cases;
  for (const std::uint64_t seed : edges) {
    for (const std::uint64_t block : edges) {
      for (const std::uint64_t path : edges) { cases.push_back({seed, block, path}); }
    }
  }
  std::uint64_t x = 1;
  const auto next = [&x] { return x = x * 6364136223846793005ull + 1442695040888963407ull; };
  for (int i = 0; i < 20'000; ++i) { cases.push_back({next(), next() >> (2 + i % 40), next() >> (i % 33)}); }
  return cases;
}

}  // namespace tailmargin::test
