// Compiled once per instruction set with TM_ISA_CEILINGS naming the table.
#include "host/bench/cpu_ceiling_loops.hpp"

#if defined(__AVX2__)
#include <immintrin.h>
#endif

namespace tailmargin::bench {
namespace {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
using Floats = __m512;
Floats spread(float x) { return _mm512_set1_ps(x); }
Floats multiply_add_of(Floats x, Floats y) { return _mm512_fmadd_ps(x, y, y); }
#elif defined(__AVX2__) && defined(__FMA__)
constexpr int vector_bytes = 32;
using Floats = __m256;
Floats spread(float x) { return _mm256_set1_ps(x); }
Floats multiply_add_of(Floats x, Floats y) { return _mm256_fmadd_ps(x, y, y); }
#else
// What the baseline build of the formulas does: the C library's fma where the processor is not known to have one.
constexpr int vector_bytes = 16;
using Floats = float;
Floats spread(float x) { return x; }
Floats multiply_add_of(Floats x, Floats y) { return __builtin_fmaf(x, y, y); }
#endif

constexpr int chains = 12;  // latency times issue width is 8 to 10 on current processors; 16 registers hold 12

std::uint64_t multiply_add(std::uint64_t rounds, float* sink) {
  const Floats factor = spread(0.5f);
  Floats x[chains];
  for (int c = 0; c < chains; ++c) { x[c] = spread(static_cast<float>(c)); }
  for (std::uint64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) { x[c] = multiply_add_of(x[c], factor); }
  }
  Floats sum = x[0];
  for (int c = 1; c < chains; ++c) { sum = multiply_add_of(sum, x[c]); }
  __builtin_memcpy(sink, &sum, sizeof(float));
  return rounds * chains * (sizeof(Floats) / sizeof(float));
}

using Words = std::int32_t __attribute__((vector_size(vector_bytes)));

constexpr int streams = 8;
static_assert(read_multiple * sizeof(float) % (streams * sizeof(Words)) == 0);

std::uint64_t read(const float* data, std::uint64_t floats, std::uint64_t passes, float* sink) {
  const std::uint64_t vectors = floats * sizeof(float) / sizeof(Words);
  Words sum[streams] = {};
  for (std::uint64_t pass = 0; pass < passes; ++pass) {
    const auto* words = reinterpret_cast<const char*>(data);
    for (std::uint64_t v = 0; v < vectors; v += streams) {
#pragma GCC unroll 8
      for (int s = 0; s < streams; ++s) {
        Words word;
        __builtin_memcpy(&word, words + (v + static_cast<std::uint64_t>(s)) * sizeof(Words), sizeof(Words));
        sum[s] += word;
      }
    }
    asm volatile("" : : : "memory");  // or one pass would do for all
  }
  for (int s = 1; s < streams; ++s) { sum[0] += sum[s]; }
  __builtin_memcpy(sink, &sum[0], sizeof(float));
  return passes * floats;
}

}  // namespace

extern const CeilingLoops TM_ISA_CEILINGS;
const CeilingLoops TM_ISA_CEILINGS = {TM_ISA_NAME, &multiply_add, &read};

}  // namespace tailmargin::bench
