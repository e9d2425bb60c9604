// What a kernel is: a trivially copyable functor, run either once per item or by blocks of cooperating threads.
// The same functors are compiled by nvcc for the device and by the host compiler for the SIMT shim.
//
// A functor of the first kind:   void operator()(std::uint32_t row, std::uint64_t item) const
// A functor of the second kind:  template <class Context> void operator()(Context& context) const
//                                static constexpr std::uint32_t max_threads   (block size it is compiled for)
// The context of a thread offers
//   thread(), block(), block_size(), lane(), warp()   where it is; warps have 32 lanes
//   shared<T>()                                       the block's shared memory
//   sync()                                            all threads of the block meet
//   ballot(condition)                                 bit i: lane i's condition; all 32 lanes take part
//   broadcast(value, lane)                            lane's value; all 32 lanes take part
//   atomic_add(counter, value)                        the value before
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/math/host_device.hpp"

#if defined(__CUDACC__)
#define TM_DEVICE __device__ __forceinline__
#else
#define TM_DEVICE inline
#endif

namespace tailmargin {

inline constexpr std::uint32_t warp_size = 32;

/// A kernel travels to the device as bytes, so it may own nothing and refer to nothing on the host.
template <class Functor>
concept Launchable = std::is_trivially_copyable_v<Functor>;

/// Shape of a cooperative launch. Threads: a multiple of the warp size.
struct BlockGrid {
  std::uint64_t blocks;
  std::uint32_t threads;
  std::uint32_t shared_bytes;
};

TM_HD std::uint32_t count_bits(std::uint32_t mask) {
#if defined(__CUDA_ARCH__)
  return static_cast<std::uint32_t>(__popc(mask));
#else
  return static_cast<std::uint32_t>(__builtin_popcount(mask));
#endif
}

/// Sum over the lanes of a warp of values below 2^num_bits. All 32 lanes take part.
template <class Context>
TM_DEVICE std::uint32_t warp_sum(Context& context, std::uint32_t value, std::uint32_t num_bits) {
  std::uint32_t sum = 0;
  for (std::uint32_t bit = 0; bit < num_bits; ++bit) {
    sum += count_bits(context.ballot(((value >> bit) & 1u) != 0u)) << bit;
  }
  return sum;
}

/// Lanes before this one among those whose bit is set.
template <class Context>
TM_DEVICE std::uint32_t rank_in_warp(const Context& context, std::uint32_t mask) {
  return count_bits(mask & ((1u << context.lane()) - 1u));
}

}  // namespace tailmargin
