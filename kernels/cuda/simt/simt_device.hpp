// A device for the pipeline that is host memory and the SIMT machine.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "kernels/cuda/kernel.hpp"
#include "kernels/cuda/pipeline/device_buffer.hpp"
#include "kernels/cuda/simt/simt_block.hpp"

namespace tailmargin::simt {

struct SimtLimits {
  std::uint64_t memory_bytes = std::uint64_t(1) << 30;
  std::uint32_t shared_bytes = 227 * 1024;  ///< of a block, as on compute capability 9.0
  std::uint32_t warps = 2;                  ///< of a block that has a multiprocessor for itself; a real device has more
  TurnOrder order = TurnOrder::forward;
};

/// See CudaDevice for what the calls mean. Streams are numbers; everything is done when a call returns.
class SimtDevice {
 public:
  using Stream = int;

  explicit SimtDevice(const SimtLimits& limits) : limits_(limits) {}
  SimtDevice(const SimtDevice&) = delete;             // buffers point to their device
  SimtDevice& operator=(const SimtDevice&) = delete;  // likewise
  ~SimtDevice() = default;

  void activate() {}
  const char* description() const { return "SIMT shim"; }
  std::uint64_t free_bytes() const { return limits_.memory_bytes - used_bytes_; }
  std::uint32_t max_shared_bytes() const { return limits_.shared_bytes; }
  std::uint32_t num_multiprocessors() const { return 3; }
  std::uint32_t max_warps() const { return limits_.warps; }
  std::uint64_t resident_blocks(std::uint32_t, std::uint32_t) const { return num_multiprocessors(); }

  void* allocate(MemoryKind kind, std::uint64_t bytes);
  void release(MemoryKind kind, void* memory) noexcept;

  Stream create_stream() { return ++num_streams_; }
  void destroy_stream(Stream) noexcept {}
  void synchronize(Stream) {}
  void drain(Stream) noexcept {}

  void copy_to_device(void* to, const void* from, std::uint64_t bytes, Stream);
  void copy_to_host(void* to, const void* from, std::uint64_t bytes, Stream);
  void fill_zero(void* memory, std::uint64_t bytes, Stream);

  template <Launchable Functor>
  void for_each(const char*, Stream, std::uint64_t num_rows, std::uint64_t num_items, const Functor& functor) {
    for (std::uint64_t row = 0; row < num_rows; ++row) {
      for (std::uint64_t item = 0; item < num_items; ++item) { functor(static_cast<std::uint32_t>(row), item); }
    }
  }

  template <Launchable Functor>
  void for_blocks(const char* name, Stream, const BlockGrid& grid, const Functor& functor) {
    if (grid.blocks == 0) { return; }
    ++launches_[name];
    check_block(name, grid, Functor::max_threads);
    run_blocks(grid, limits_.order, [&functor](SimtContext& context) { functor(context); });
  }

  /// Launches of a kernel of the second kind so far, so that tests see which route was taken.
  int launches(const std::string& name) const {
    const auto it = launches_.find(name);
    return it == launches_.end() ? 0 : it->second;
  }

 private:
  /// @throws DeviceError if a real device would refuse the launch
  void check_block(const char* name, const BlockGrid& grid, std::uint32_t max_threads) const;

  SimtLimits limits_;
  std::uint64_t used_bytes_ = 0;
  std::unordered_map<void*, std::uint64_t> sizes_;
  std::unordered_map<std::string, int> launches_;
  int num_streams_ = 0;
};

}  // namespace tailmargin::simt
