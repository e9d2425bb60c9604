// What a kernel is: a trivially copyable functor, run either once per item or by blocks of cooperating threads.
// The same functors are compiled by nvcc for the device and by the host compiler for the SIMT shim.
//
// A functor of the first kind:   void operator()(std::uint32_t row, std::uint64_t item) const
// A functor of the second kind:  template <class Context> void operator()(Context& context) const
//                                static constexpr std::uint32_t max_threads   (block size it is compiled for)
// The context of a thread offers
//   thread(), block(), block_size(), lane(), warp()   where it is; warps have 32 lanes
//   shared<T>()                                       the block's shared memory
//   sync(), sync_warp()                               all threads of the block, of the warp meet
//   ballot(condition)                                 bit i: lane i's condition; all 32 lanes take part
//   broadcast(value, lane)                            lane's value; all 32 lanes take part
//   warp_sum(value)                                   sum over the lanes; all 32 lanes take part
//   atomic_add(counter, value)                        the value before; of 32 or 64 bits
//   copy_async(to, from)                              16 aligned bytes from device to shared memory, there after
//   wait_copies()                                     for this thread's copies; the others see them after a meeting
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

/// Bytes of a copy_async, and of the widest load.
inline constexpr std::uint32_t quad_bytes = 16;

/// Lanes before this one among those whose bit is set.
template <class Context>
TM_DEVICE std::uint32_t rank_in_warp(const Context& context, std::uint32_t mask) {
  return count_bits(mask & ((1u << context.lane()) - 1u));
}

/// Sum over the lanes of a warp, modulo 2^64, the same in every lane. All lanes take part.
template <class Context>
TM_DEVICE std::uint64_t warp_sum_wide(Context& context, std::uint64_t value) {
  // Of 27 bits 32 summands fit into a word.
  constexpr std::uint32_t bits = 27, mask = (1u << bits) - 1u;
  const std::uint32_t low = context.warp_sum(static_cast<std::uint32_t>(value) & mask);
  const std::uint32_t middle = context.warp_sum(static_cast<std::uint32_t>(value >> bits) & mask);
  const std::uint32_t high = context.warp_sum(static_cast<std::uint32_t>(value >> 2 * bits));
  return low + (std::uint64_t(middle) << bits) + (std::uint64_t(high) << 2 * bits);
}

/// Sum over the threads of a block of values below 2^54, the same in every thread. All threads take part.
/// @param warp_sums  [block_size / warp_size] shared; use two in turn, since there is one barrier only
template <class Context>
TM_DEVICE std::uint64_t block_sum(Context& context, std::uint64_t value, std::uint64_t* warp_sums) {
  // Of 27 bits 32 summands fit into a word.
  constexpr std::uint32_t low_bits = 27;
  const std::uint32_t low = context.warp_sum(static_cast<std::uint32_t>(value) & ((1u << low_bits) - 1u));
  const std::uint32_t high = context.warp_sum(static_cast<std::uint32_t>(value >> low_bits));
  if (context.lane() == 0) { warp_sums[context.warp()] = (std::uint64_t(high) << low_bits) + low; }
  context.sync();
  std::uint64_t sum = 0;
  for (std::uint32_t w = 0; w < context.block_size() / warp_size; ++w) { sum += warp_sums[w]; }
  return sum;
}

}  // namespace tailmargin
