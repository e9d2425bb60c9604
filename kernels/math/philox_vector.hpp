// philox4x32_10 (philox.hpp) on a register of neighbouring paths. The same-bits builds for AVX2 and AVX-512 hold the
// two to each other.
#pragma once

#if defined(__AVX2__) && !defined(__CUDACC__)
#include <immintrin.h>
#endif

#include "kernels/math/host_device.hpp"

namespace tailmargin::math {

// Constants of the published generator (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
constexpr int philox_rounds = 10;
constexpr std::uint32_t philox_factor0 = 0xD2511F53u, philox_factor1 = 0xCD9E8D57u;
constexpr std::uint32_t philox_weyl0 = 0x9E3779B9u, philox_weyl1 = 0xBB67AE85u;

#if defined(__AVX2__) && !defined(__CUDACC__)
// In an unnamed namespace, because each instruction set has a type of its own under the same name.
namespace {
#if defined(__AVX512F__)
struct PhiloxVector {
  static constexpr int width = 16;
  __m512i v;
};
TM_HD PhiloxVector spread(std::uint32_t x) { return {_mm512_set1_epi32(static_cast<int>(x))}; }
TM_HD PhiloxVector operator^(PhiloxVector a, PhiloxVector b) { return {_mm512_xor_si512(a.v, b.v)}; }
TM_HD PhiloxVector load_words(const std::uint32_t* at) { return {_mm512_loadu_si512(at)}; }
TM_HD void store_words(PhiloxVector x, std::uint32_t* at) { _mm512_storeu_si512(at, x.v); }
/// Upper and lower half of the products of 32-bit numbers: even and odd lanes apart, then together again.
TM_HD void multiply(PhiloxVector a, std::uint32_t factor, PhiloxVector& high, PhiloxVector& low) {
  const __m512i f = spread(factor).v;
  const __m512i even = _mm512_mul_epu32(a.v, f), odd = _mm512_mul_epu32(_mm512_srli_epi64(a.v, 32), f);
  low.v = _mm512_mask_mov_epi32(even, 0xaaaa, _mm512_slli_epi64(odd, 32));
  high.v = _mm512_mask_mov_epi32(_mm512_srli_epi64(even, 32), 0xaaaa, odd);
}
#else
struct PhiloxVector {
  static constexpr int width = 8;
  __m256i v;
};
TM_HD PhiloxVector spread(std::uint32_t x) { return {_mm256_set1_epi32(static_cast<int>(x))}; }
TM_HD PhiloxVector operator^(PhiloxVector a, PhiloxVector b) { return {_mm256_xor_si256(a.v, b.v)}; }
TM_HD PhiloxVector load_words(const std::uint32_t* at) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))};
}
TM_HD void store_words(PhiloxVector x, std::uint32_t* at) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(at), x.v); }
/// Upper and lower half of the products of 32-bit numbers: even and odd lanes apart, then together again.
TM_HD void multiply(PhiloxVector a, std::uint32_t factor, PhiloxVector& high, PhiloxVector& low) {
  const __m256i f = spread(factor).v;
  const __m256i even = _mm256_mul_epu32(a.v, f), odd = _mm256_mul_epu32(_mm256_srli_epi64(a.v, 32), f);
  low.v = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  high.v = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}
#endif

/// Paths first_path .. first_path + width - 1; word i to words[i * stride + lane].
TM_HD void philox_vector(std::uint64_t seed, std::uint64_t block, std::uint64_t first_path, std::uint32_t* words,
                         int stride) {
  std::uint32_t low[PhiloxVector::width], high[PhiloxVector::width];
  for (int l = 0; l < PhiloxVector::width; ++l) {
    const std::uint64_t path = first_path + static_cast<std::uint64_t>(l);
    low[l] = static_cast<std::uint32_t>(path);
    high[l] = static_cast<std::uint32_t>(path >> 32);
  }
  PhiloxVector c0 = spread(static_cast<std::uint32_t>(block)), c1 = spread(static_cast<std::uint32_t>(block >> 32));
  PhiloxVector c2 = load_words(low), c3 = load_words(high);
  std::uint32_t k0 = static_cast<std::uint32_t>(seed), k1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < philox_rounds; ++round) {
    PhiloxVector high0, low0, high1, low1;
    multiply(c0, philox_factor0, high0, low0);
    multiply(c2, philox_factor1, high1, low1);
    c0 = high1 ^ c1 ^ spread(k0);
    c1 = low1;
    c2 = high0 ^ c3 ^ spread(k1);
    c3 = low0;
    k0 += philox_weyl0;
    k1 += philox_weyl1;
  }
  store_words(c0, words);
  store_words(c1, words + stride);
  store_words(c2, words + 2 * stride);
  store_words(c3, words + 3 * stride);
}
}  // namespace
#endif

}  // namespace tailmargin::math
