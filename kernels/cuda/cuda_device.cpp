#include "kernels/cuda/cuda_device.hpp"

#include <algorithm>
#include <iterator>
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
  std::copy(std::begin(properties.name), std::end(properties.name) - 1, name_);
}

CudaDevice::~CudaDevice() = default;

void CudaDevice::activate() { TM_CUDA_CHECK(cudaSetDevice(ordinal_)); }

std::uint64_t CudaDevice::free_bytes() const {
  std::size_t free = 0, total = 0;
  TM_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  return free;
}

void* CudaDevice::allocate(MemoryKind kind, std::uint64_t bytes) {
  void* memory = nullptr;
  if (kind == MemoryKind::pinned_host) {
    TM_CUDA_CHECK(cudaMallocHost(&memory, bytes));
    return memory;
  }
  const cudaError_t code = cudaMalloc(&memory, bytes);
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // as in throw_device_error
    throw OutOfDeviceMemory(bytes, free_bytes());
  }
  check_cuda(code, "cudaMalloc", __FILE__, __LINE__);
  return memory;
}

void CudaDevice::release(MemoryKind kind, void* memory) noexcept {
  // Nothing can be done about a failure here; the next checked call reports it.
  kind == MemoryKind::pinned_host ? cudaFreeHost(memory) : cudaFree(memory);
}

CudaDevice::Stream CudaDevice::create_stream() {
  cudaStream_t stream = nullptr;
  TM_CUDA_CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
  return stream;
}

void CudaDevice::destroy_stream(Stream stream) noexcept { cudaStreamDestroy(stream); }

void CudaDevice::synchronize(Stream stream) { TM_CUDA_CHECK(cudaStreamSynchronize(stream)); }

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
