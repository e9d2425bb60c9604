// Loops that keep one unit of the device busy and nothing else.
#pragma once

#include "kernels/cuda/kernel.hpp"

namespace tailmargin::bench {

inline constexpr std::uint32_t ceiling_threads = 256;

/// Fused multiply-adds in eight independent chains.
struct FmaLoop {
  static constexpr std::uint32_t max_threads = ceiling_threads;
  static constexpr int chains = 8;
  std::uint32_t rounds;
  float factor;
  float* sink;  ///< never written, but the compiler cannot know

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    float x[chains];
    for (int c = 0; c < chains; ++c) { x[c] = static_cast<float>(context.thread()) + static_cast<float>(c); }
    for (std::uint32_t r = 0; r < rounds; ++r) {
      for (int c = 0; c < chains; ++c) { x[c] = math::fma(x[c], factor, factor); }
    }
    float sum = 0.0f;
    for (int c = 0; c < chains; ++c) { sum += x[c]; }
    if (sum == -1.0f) { *sink = sum; }
  }
};

/// The special function unit's 2^x, in eight independent chains.
struct SpecialFunctionLoop {
  static constexpr std::uint32_t max_threads = ceiling_threads;
  static constexpr int chains = 8;
  std::uint32_t rounds;
  float* sink;

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    float x[chains];
    for (int c = 0; c < chains; ++c) {
      x[c] = -0.001f * static_cast<float>(context.thread() + static_cast<std::uint32_t>(c));
    }
    for (std::uint32_t r = 0; r < rounds; ++r) {
      for (int c = 0; c < chains; ++c) { x[c] = power_of_two(x[c]); }
    }
    float sum = 0.0f;
    for (int c = 0; c < chains; ++c) { sum += x[c]; }
    if (sum == -1.0f) { *sink = sum; }
  }

 private:
  TM_DEVICE static float power_of_two(float x) {
#if defined(__CUDA_ARCH__)
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#else
    return __builtin_exp2f(x);
#endif
  }
};

/// Words read from shared memory without bank conflicts.
struct SharedLoop {
  static constexpr std::uint32_t max_threads = ceiling_threads;
  static constexpr std::uint32_t reads = 8;  ///< per round
  static constexpr std::uint32_t span = reads * ceiling_threads;
  static constexpr std::uint32_t words = 2 * span;  ///< a start below span never runs over the end
  std::uint32_t rounds;
  std::uint32_t* sink;

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    auto* shared = context.template shared<std::uint32_t>();
    for (std::uint32_t w = context.thread(); w < words; w += ceiling_threads) { shared[w] = w * 2654435761u; }
    context.sync();
    std::uint32_t sum = 0, start = context.thread();
    for (std::uint32_t r = 0; r < rounds; ++r) {
      for (std::uint32_t i = 0; i < reads; ++i) { sum += shared[start + i * ceiling_threads]; }
      start = (start + warp_size) % span;
    }
    if (sum == 0xffffffffu) { *sink = sum; }
  }
};

struct alignas(16) Quad {
  std::uint32_t word[4];
};

/// Device memory to device memory, 16 bytes per thread.
struct CopyQuads {
  const Quad* from;
  Quad* to;
  TM_DEVICE void operator()(std::uint32_t, std::uint64_t i) const { to[i] = from[i]; }
};

}  // namespace tailmargin::bench
