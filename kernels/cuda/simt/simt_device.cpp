#include "kernels/cuda/simt/simt_device.hpp"

#include <cstring>
#include <new>

#include "kernels/cuda/errors.hpp"

namespace tailmargin::simt {

void* SimtDevice::allocate(MemoryKind kind, std::uint64_t bytes) {
  if (kind == MemoryKind::device && bytes > free_bytes()) { throw OutOfDeviceMemory(bytes, free_bytes()); }
  void* memory = ::operator new (bytes, std::align_val_t{256});
  std::memset(memory, 0xff, bytes);  // NaN as a number: reading what was never written shows
  if (kind == MemoryKind::device) {
    sizes_[memory] = bytes;
    used_bytes_ += bytes;
  }
  return memory;
}

void SimtDevice::release(MemoryKind kind, void* memory) noexcept {
  if (kind == MemoryKind::device) {
    const auto it = sizes_.find(memory);
    used_bytes_ -= it->second;
    sizes_.erase(it);
  }
  ::operator delete (memory, std::align_val_t{256});
}

void SimtDevice::copy_to_device(void* to, const void* from, std::uint64_t bytes, Stream) {
  if (bytes != 0) { std::memcpy(to, from, bytes); }
}

void SimtDevice::copy_to_host(void* to, const void* from, std::uint64_t bytes, Stream) {
  if (bytes != 0) { std::memcpy(to, from, bytes); }
}

void SimtDevice::fill_zero(void* memory, std::uint64_t bytes, Stream) {
  if (bytes != 0) { std::memset(memory, 0, bytes); }
}

void SimtDevice::check_block(const char* name, const BlockGrid& grid, std::uint32_t max_threads) const {
  constexpr int invalid_value = 1;  // the code of cudaErrorInvalidValue
  if (grid.threads > max_threads) {
    throw DeviceError(name, "launch", invalid_value, "more threads than launch bounds");
  }
  if (grid.shared_bytes > limits_.shared_bytes) {
    throw DeviceError(name, "launch", invalid_value, "more shared memory than a block may have");
  }
}

}  // namespace tailmargin::simt
