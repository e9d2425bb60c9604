// The only place with triple angle brackets.
#pragma once

#include <cuda_pipeline_primitives.h>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/cuda_device.hpp"

namespace tailmargin {

extern __shared__ __align__(16) unsigned char tm_shared_memory[];

/// What kernel.hpp promises to a thread of a cooperative kernel.
class CudaContext {
 public:
  __device__ std::uint32_t thread() const { return threadIdx.x; }
  __device__ std::uint64_t block() const { return blockIdx.x; }
  __device__ std::uint32_t block_size() const { return blockDim.x; }
  __device__ std::uint32_t lane() const { return threadIdx.x % warp_size; }
  __device__ std::uint32_t warp() const { return threadIdx.x / warp_size; }
  template <class T>
  __device__ T* shared() const {
    return reinterpret_cast<T*>(tm_shared_memory);
  }
  __device__ void sync() const { __syncthreads(); }
  __device__ void sync_warp() const { __syncwarp(all_lanes); }
  __device__ std::uint32_t ballot(bool condition) const { return __ballot_sync(all_lanes, condition); }
  __device__ std::uint32_t broadcast(std::uint32_t value, std::uint32_t lane) const {
    return __shfl_sync(all_lanes, value, static_cast<int>(lane));
  }
  __device__ std::uint32_t warp_sum(std::uint32_t value) const {
#if __CUDA_ARCH__ >= 800
    return __reduce_add_sync(all_lanes, value);
#else
    for (int distance = 16; distance > 0; distance /= 2) { value += __shfl_xor_sync(all_lanes, value, distance); }
    return value;
#endif
  }
  __device__ void copy_async(void* to, const void* from) const { __pipeline_memcpy_async(to, from, quad_bytes); }
  __device__ void wait_copies() const {
    __pipeline_commit();
    __pipeline_wait_prior(0);
  }
  __device__ std::uint32_t atomic_add(std::uint32_t* counter, std::uint32_t value) const {
    return atomicAdd(counter, value);
  }
  __device__ std::uint64_t atomic_add(std::uint64_t* counter, std::uint64_t value) const {
    return atomicAdd(reinterpret_cast<unsigned long long*>(counter), static_cast<unsigned long long>(value));
  }

 private:
  static constexpr unsigned all_lanes = 0xffffffffu;
};

inline constexpr unsigned for_each_threads = 256;
inline constexpr std::uint64_t max_grid_rows = 65'535;
inline constexpr std::uint64_t max_grid_blocks = 2'147'483'647;

template <class Functor>
__global__ void __launch_bounds__(for_each_threads)
    run_for_each(Functor functor, std::uint32_t num_rows, std::uint64_t num_items) {
  const std::uint64_t item = static_cast<std::uint64_t>(blockIdx.x) * for_each_threads + threadIdx.x;
  if (item >= num_items) { return; }
  for (std::uint32_t row = blockIdx.y; row < num_rows; row += gridDim.y) { functor(row, item); }
}

/// Blocks that a multiprocessor must have registers for: a functor's own min_blocks, else as the compiler likes (0).
template <class Functor>
constexpr unsigned min_blocks_of() {
  if constexpr (requires { Functor::min_blocks; }) {
    return Functor::min_blocks;
  } else {
    return 0;
  }
}

template <class Functor>
__global__ void __launch_bounds__(Functor::max_threads, min_blocks_of<Functor>()) run_for_blocks(Functor functor) {
  CudaContext context;
  functor(context);
}

/// @throws DeviceError naming the kernel, if the launch was refused
inline void check_launch(const char* name) { check_cuda(cudaGetLastError(), name, __FILE__, __LINE__); }

/// A grid that is too large is our mistake; it must not wrap around to a smaller one.
inline void check_grid(const char* name, std::uint64_t blocks) {
  if (blocks > max_grid_blocks) { check_cuda(cudaErrorInvalidConfiguration, name, __FILE__, __LINE__); }
}

template <Launchable Functor>
void CudaDevice::for_each(const char* name, Stream stream, std::uint64_t num_rows, std::uint64_t num_items,
                          const Functor& functor) {
  if (num_rows == 0 || num_items == 0) { return; }
  const std::uint64_t blocks = (num_items + for_each_threads - 1) / for_each_threads;
  check_grid(name, blocks);
  const dim3 grid(static_cast<unsigned>(blocks),
                  static_cast<unsigned>(num_rows < max_grid_rows ? num_rows : max_grid_rows));
  run_for_each<<<grid, for_each_threads, 0, stream>>>(functor, static_cast<std::uint32_t>(num_rows), num_items);
  check_launch(name);
}

template <Launchable Functor>
void CudaDevice::for_blocks(const char* name, Stream stream, const BlockGrid& grid, const Functor& functor) {
  if (grid.blocks == 0) { return; }
  check_grid(name, grid.blocks);
  constexpr std::uint32_t always_allowed = 48 * 1024;
  if (grid.shared_bytes > always_allowed) {
    check_cuda(cudaFuncSetAttribute(run_for_blocks<Functor>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                    static_cast<int>(grid.shared_bytes)),
               name, __FILE__, __LINE__);
  }
  run_for_blocks<<<static_cast<unsigned>(grid.blocks), grid.threads, grid.shared_bytes, stream>>>(functor);
  check_launch(name);
}

/// Instantiates a launch for the host code, which sees only its declaration.
#define TM_INSTANTIATE_FOR_EACH(...)                                                                             \
  template void CudaDevice::for_each<__VA_ARGS__>(const char*, CudaDevice::Stream, std::uint64_t, std::uint64_t, \
                                                  const __VA_ARGS__&)
#define TM_INSTANTIATE_FOR_BLOCKS(...)                                                                 \
  template void CudaDevice::for_blocks<__VA_ARGS__>(const char*, CudaDevice::Stream, const BlockGrid&, \
                                                    const __VA_ARGS__&)

}  // namespace tailmargin
