// The few words in which host compilers and nvcc differ. Everything in kernels/ is built on them.
//
// Shared formulas promise the same bits on every compiler and processor. They may use only: + - * /,
// square root, explicit fused multiply-add, comparisons, conversions and integer operations, all of
// which IEEE 754 defines exactly. Contraction is off in every build (-ffp-contract=off, --fmad=false).
#pragma once

#include <cstdint>

#if defined(__CUDACC__)
#define TM_HD __host__ __device__ __forceinline__
#else
#define TM_HD inline __attribute__((always_inline))
#endif

// Loop over the lanes of a path group: the host compiler turns it into vector instructions, and with one
// lane (the device) it vanishes. Iterations are independent by construction.
#if defined(__CUDACC__)
#define TM_LANES _Pragma("unroll")
#elif defined(__clang__)
#define TM_LANES _Pragma("clang loop vectorize(assume_safety)")
#else
#define TM_LANES _Pragma("GCC ivdep")
#endif

namespace tailmargin {
/// Lanes that go together through a formula split into several loops; each device thread has one.
#if defined(__CUDACC__)
constexpr int lane_block = 1;
#else
constexpr int lane_block = 64;
#endif
}  // namespace tailmargin

// Loop over the few vectors of a path group: written out in full, so that each stays in a register.
#if defined(__CUDACC__)
#define TM_UNROLL _Pragma("unroll")
#elif defined(__clang__)
#define TM_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TM_UNROLL _Pragma("GCC unroll 64")
#endif

namespace tailmargin::math {

TM_HD float fma(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#else
  return __builtin_fmaf(a, b, c);
#endif
}

TM_HD double fma(double a, double b, double c) {
#if defined(__CUDA_ARCH__)
  return __fma_rn(a, b, c);
#else
  return __builtin_fma(a, b, c);
#endif
}

TM_HD float sqrt(float x) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(x);
#else
  return __builtin_sqrtf(x);
#endif
}

TM_HD double sqrt(double x) {
#if defined(__CUDA_ARCH__)
  return __dsqrt_rn(x);
#else
  return __builtin_sqrt(x);
#endif
}

TM_HD std::uint32_t to_bits(float x) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(x);
#else
  return __builtin_bit_cast(std::uint32_t, x);
#endif
}

TM_HD std::uint64_t to_bits(double x) {
#if defined(__CUDA_ARCH__)
  return static_cast<std::uint64_t>(__double_as_longlong(x));
#else
  return __builtin_bit_cast(std::uint64_t, x);
#endif
}

TM_HD float from_bits(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(bits);
#else
  return __builtin_bit_cast(float, bits);
#endif
}

TM_HD double from_bits(std::uint64_t bits) {
#if defined(__CUDA_ARCH__)
  return __longlong_as_double(static_cast<long long>(bits));
#else
  return __builtin_bit_cast(double, bits);
#endif
}

/// Larger of two numbers; neither may be NaN.
template <class Real>
TM_HD Real larger(Real a, Real b) {
  return a > b ? a : b;
}

/// Smaller of two numbers; neither may be NaN.
template <class Real>
TM_HD Real smaller(Real a, Real b) {
  return a < b ? a : b;
}

}  // namespace tailmargin::math
