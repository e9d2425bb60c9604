#include "kernels/cuda/cuda_device.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <new>
#include <string>

#include "kernels/cuda/check.hpp"
#include "kernels/cuda/cuda_availability.hpp"
#include "kernels/cuda/errors.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

/// The path of a source file from the project's root, wherever it was compiled.
std::string place_of(const char* file, int line) {
  const std::string path(file);
  const std::size_t root = path.rfind("kernels/cuda/");
  return (root == std::string::npos ? path : path.substr(root)) + ":" + std::to_string(line);
}

}  // namespace

void throw_device_error(const char* call, const char* file, int line, cudaError_t code) {
  cudaGetLastError();  // the runtime remembers the error, and would blame the next launch for it
  throw DeviceError(call, place_of(file, line), static_cast<int>(code), cudaGetErrorString(code));
}

CudaDevice::CudaDevice(int ordinal) : ordinal_(ordinal) {
  const std::string reason = unavailable_reason(ordinal);
  if (!reason.empty()) { throw BackendUnavailable(reason); }
  activate();
  cudaDeviceProp properties{};
  TM_CUDA_CHECK(cudaGetDeviceProperties(&properties, ordinal_));
  max_shared_bytes_ = static_cast<std::uint32_t>(properties.sharedMemPerBlockOptin);
  shared_bytes_per_multiprocessor_ = static_cast<std::uint32_t>(properties.sharedMemPerMultiprocessor);
  reserved_shared_bytes_ = static_cast<std::uint32_t>(properties.reservedSharedMemPerBlock);
  num_multiprocessors_ = static_cast<std::uint32_t>(properties.multiProcessorCount);
  max_threads_per_multiprocessor_ = static_cast<std::uint32_t>(properties.maxThreadsPerMultiProcessor);
  std::copy(std::begin(properties.name), std::end(properties.name) - 1, name_);
  memory_stream_ = create_stream();
  cudaMemPoolProps pool{};
  pool.allocType = cudaMemAllocationTypePinned;
  pool.location = {cudaMemLocationTypeDevice, ordinal_};
  TM_CUDA_CHECK(cudaMemPoolCreate(&pool_, &pool));
  std::uint64_t keep_all = std::numeric_limits<std::uint64_t>::max();
  TM_CUDA_CHECK(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep_all));
}

CudaDevice::~CudaDevice() {
  for (const PinnedBlock& block : pinned_free_) { cudaFreeHost(block.memory); }
  cudaStreamSynchronize(memory_stream_);
  cudaMemPoolDestroy(pool_);
  cudaStreamDestroy(memory_stream_);
}

void CudaDevice::activate() { TM_CUDA_CHECK(cudaSetDevice(ordinal_)); }

std::uint64_t CudaDevice::free_bytes() const {
  std::size_t free = 0, total = 0;
  TM_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  std::uint64_t reserved = 0, used = 0;
  TM_CUDA_CHECK(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrReservedMemCurrent, &reserved));
  TM_CUDA_CHECK(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrUsedMemCurrent, &used));
  return free + (reserved - used);
}

std::uint64_t CudaDevice::resident_blocks(std::uint32_t threads, std::uint32_t shared_bytes) const {
  const std::uint32_t by_threads = max_threads_per_multiprocessor_ / threads;
  const std::uint32_t by_memory = shared_bytes_per_multiprocessor_ / (shared_bytes + reserved_shared_bytes_);
  return std::uint64_t{num_multiprocessors_} * std::max(1u, std::min(by_threads, by_memory));
}

void* CudaDevice::allocate(MemoryKind kind, std::uint64_t bytes) {
  return kind == MemoryKind::pinned_host ? allocate_pinned(bytes) : allocate_on_device(bytes);
}

void* CudaDevice::allocate_on_device(std::uint64_t bytes) {
  void* memory = nullptr;
  cudaError_t code = cudaMallocFromPoolAsync(&memory, bytes, pool_, memory_stream_);
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // as in throw_device_error
    // What the pool keeps may be in pieces that are too small.
    synchronize(memory_stream_);
    TM_CUDA_CHECK(cudaMemPoolTrimTo(pool_, 0));
    code = cudaMallocFromPoolAsync(&memory, bytes, pool_, memory_stream_);
  }
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    throw OutOfDeviceMemory(bytes, free_bytes());
  }
  check_cuda(code, "cudaMallocFromPoolAsync", __FILE__, __LINE__);
  synchronize(memory_stream_);  // any stream may use it now
  return memory;
}

/// The smallest kept block that is large enough. If there is none, the largest makes way for a new one, so that blocks
/// do not pile up.
void* CudaDevice::allocate_pinned(std::uint64_t bytes) {
  std::sort(pinned_free_.begin(), pinned_free_.end(),
            [](const PinnedBlock& a, const PinnedBlock& b) { return a.bytes < b.bytes; });
  auto it = std::find_if(pinned_free_.begin(), pinned_free_.end(),
                         [bytes](const PinnedBlock& block) { return block.bytes >= bytes; });
  PinnedBlock block{nullptr, bytes};
  if (it != pinned_free_.end()) {
    block = *it;
    pinned_free_.erase(it);
  } else {
    if (!pinned_free_.empty()) {
      TM_CUDA_CHECK(cudaFreeHost(pinned_free_.back().memory));
      pinned_free_.pop_back();
    }
    TM_CUDA_CHECK(cudaMallocHost(&block.memory, bytes));
  }
  pinned_used_.push_back(block);
  return block.memory;
}

void CudaDevice::release(MemoryKind kind, void* memory) noexcept {
  if (kind == MemoryKind::device) {
    cudaFreeAsync(memory, memory_stream_);  // nothing can be done about a failure; the next checked call reports it
    return;
  }
  const auto it = std::find_if(pinned_used_.begin(), pinned_used_.end(),
                               [memory](const PinnedBlock& block) { return block.memory == memory; });
  std::swap(*it, pinned_used_.back());
  try {
    pinned_free_.push_back(pinned_used_.back());
  } catch (const std::bad_alloc&) { cudaFreeHost(memory); }
  pinned_used_.pop_back();
}

CudaDevice::Stream CudaDevice::create_stream() {
  cudaStream_t stream = nullptr;
  TM_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}

void CudaDevice::destroy_stream(Stream stream) noexcept {
  drain(stream);
  cudaStreamDestroy(stream);
}

void CudaDevice::synchronize(Stream stream) { TM_CUDA_CHECK(cudaStreamSynchronize(stream)); }

void CudaDevice::drain(Stream stream) noexcept { cudaStreamSynchronize(stream); }

void CudaDevice::copy_to_device(void* to, const void* from, std::uint64_t bytes, Stream stream) {
  if (bytes == 0) { return; }
  TM_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream));
}

void CudaDevice::copy_to_host(void* to, const void* from, std::uint64_t bytes, Stream stream) {
  if (bytes == 0) { return; }
  TM_CUDA_CHECK(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream));
}

void CudaDevice::fill_zero(void* memory, std::uint64_t bytes, Stream stream) {
  if (bytes == 0) { return; }
  TM_CUDA_CHECK(cudaMemsetAsync(memory, 0, bytes, stream));
}

}  // namespace tailmargin
