// A CUDA device as the pipeline sees it. Host side only: kernels are launched by templates that nvcc instantiates
// in the launches_*.cu files.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cuda/kernel.hpp"
#include "kernels/cuda/pipeline/device_buffer.hpp"

struct CUmemPoolHandle_st;
struct CUstream_st;

namespace tailmargin {

/// All calls throw DeviceError; allocate also OutOfDeviceMemory. Streams do not wait for the default stream.
///
/// Memory comes from a pool of this object's own, and what is released stays there for the next run: allocating is
/// then a matter of microseconds. Pinned host memory, which is slow to get, is kept likewise. Release only what no
/// stream uses any more.
class CudaDevice {
 public:
  using Stream = CUstream_st*;

  /// @throws BackendUnavailable if there is no driver or no such device
  explicit CudaDevice(int ordinal);
  CudaDevice(const CudaDevice&) = delete;             // buffers point to their device
  CudaDevice& operator=(const CudaDevice&) = delete;  // likewise
  ~CudaDevice();

  /// Makes the device current in this thread.
  void activate();
  /// The GPU's name.
  const char* description() const { return name_; }
  /// On the device: of the system and of the pool.
  std::uint64_t free_bytes() const;
  /// Dynamic shared memory a block may ask for.
  std::uint32_t max_shared_bytes() const { return max_shared_bytes_; }
  std::uint32_t num_multiprocessors() const { return num_multiprocessors_; }
  /// Warps of a block that should have a multiprocessor for itself.
  std::uint32_t max_warps() const { return 32; }
  /// Blocks that can be at work at once, as far as threads and shared memory go; at least one per multiprocessor.
  std::uint64_t resident_blocks(std::uint32_t threads, std::uint32_t shared_bytes) const;

  void* allocate(MemoryKind kind, std::uint64_t bytes);
  void release(MemoryKind kind, void* memory) noexcept;

  Stream create_stream();
  /// Waits for its work first.
  void destroy_stream(Stream stream) noexcept;
  void synchronize(Stream stream);
  /// The same in a destructor: an error is left to the next call.
  void drain(Stream stream) noexcept;

  /// Asynchronous for pinned host memory; pageable memory has been read when this returns.
  void copy_to_device(void* to, const void* from, std::uint64_t bytes, Stream stream);
  /// The bytes are there after the stream was synchronised.
  void copy_to_host(void* to, const void* from, std::uint64_t bytes, Stream stream);
  void fill_zero(void* memory, std::uint64_t bytes, Stream stream);

  /// functor(row, item) for every row < num_rows, item < num_items.
  template <Launchable Functor>
  void for_each(const char* name, Stream stream, std::uint64_t num_rows, std::uint64_t num_items,
                const Functor& functor);

  /// functor(context) for every thread of every block of the grid.
  template <Launchable Functor>
  void for_blocks(const char* name, Stream stream, const BlockGrid& grid, const Functor& functor);

 private:
  struct PinnedBlock {
    void* memory;
    std::uint64_t bytes;
  };

  void* allocate_on_device(std::uint64_t bytes);
  void* allocate_pinned(std::uint64_t bytes);

  int ordinal_;
  Stream memory_stream_ = nullptr;
  CUmemPoolHandle_st* pool_ = nullptr;
  std::vector<PinnedBlock> pinned_used_, pinned_free_;
  std::uint32_t max_shared_bytes_ = 0, shared_bytes_per_multiprocessor_ = 0, reserved_shared_bytes_ = 0;
  std::uint32_t num_multiprocessors_ = 0, max_threads_per_multiprocessor_ = 0;
  char name_[256] = {};
};

}  // namespace tailmargin
