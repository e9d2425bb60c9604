// A CUDA device as the pipeline sees it. Host side only: kernels are launched by templates that nvcc instantiates
// in the launches_*.cu files.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/kernel.hpp"
#include "kernels/cuda/pipeline/device_buffer.hpp"

struct CUstream_st;

namespace tailmargin {

/// All calls throw DeviceError; allocate also OutOfDeviceMemory. Streams do not wait for the default stream.
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
  std::uint64_t free_bytes() const;
  /// Dynamic shared memory a block may ask for.
  std::uint32_t max_shared_bytes() const { return max_shared_bytes_; }

  void* allocate(MemoryKind kind, std::uint64_t bytes);
  void release(MemoryKind kind, void* memory) noexcept;

  Stream create_stream();
  void destroy_stream(Stream stream) noexcept;
  void synchronize(Stream stream);

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

  /// Sorts keys[begins[i] .. ends[i]) upwards for every segment; segments lie one after the other, with gaps.
  /// Synchronises the stream. @return the sorted keys: `keys` or `alternate`, the other one is scratch
  template <class Key>
  Key* sort_segments(Key* keys, Key* alternate, std::uint64_t num_keys, std::uint64_t num_segments,
                     const std::int64_t* begins, const std::int64_t* ends, Stream stream);

 private:
  int ordinal_;
  std::uint32_t max_shared_bytes_ = 0;
  char name_[256] = {};
  DeviceBuffer<std::byte, CudaDevice> sort_scratch_;
};

}  // namespace tailmargin
