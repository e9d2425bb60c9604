// Loops that keep one unit of the processor busy and nothing else, compiled once per instruction set like the loops of
// host/cpu. Raw pointers only, for the same reason.
#pragma once

#include <cstdint>

namespace tailmargin::bench {

struct CeilingLoops {
  const char* name;
  /// Multiply-adds on floats in independent chains. @return how many
  std::uint64_t (*multiply_add)(std::uint64_t rounds, float* sink);
  /// Reads `floats` floats `passes` times; floats: a multiple of read_multiple, data aligned to 64 bytes. @return how
  /// many were read
  std::uint64_t (*read)(const float* data, std::uint64_t floats, std::uint64_t passes, float* sink);
};

inline constexpr std::uint64_t read_multiple = 128;

extern const CeilingLoops baseline_ceilings;
#if defined(__x86_64__)
extern const CeilingLoops avx2_ceilings;
extern const CeilingLoops avx512_ceilings;
#endif

}  // namespace tailmargin::bench
