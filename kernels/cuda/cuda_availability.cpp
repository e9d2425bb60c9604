#include "kernels/cuda/cuda_availability.hpp"

#include <cuda_runtime_api.h>

#include "host/backends/backend.hpp"

namespace tailmargin {
namespace {

constexpr int oldest_compute_capability_major = TAILMARGIN_CUDA_OLDEST_MAJOR;

/// Why the runtime found no device. It calls a missing driver an old one.
std::string no_device(cudaError_t code) {
  int driver = 0;
  if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0) {
    return "there is no NVIDIA driver on this machine";
  }
  return std::string("no usable CUDA device: ") + cudaGetErrorString(code);
}

std::string cure(const std::string& problem) {
  return problem + " (the cuda backend cannot run). Install or update the NVIDIA driver, or use --backend cpu.";
}

}  // namespace

std::string unavailable_reason(int ordinal) {
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code != cudaSuccess) {
    cudaGetLastError();  // forgets the error, which would be blamed on a later call
    return cure(no_device(code));
  }
  if (ordinal < 0 || ordinal >= count) {
    return "CUDA device " + std::to_string(ordinal) + " does not exist (there are " + std::to_string(count) +
           "). Choose another device, or use --backend cpu.";
  }
  int major = 0;
  if (cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, ordinal) != cudaSuccess) {
    return cure("CUDA device " + std::to_string(ordinal) + " does not answer");
  }
  if (major < oldest_compute_capability_major) {
    return "CUDA device " + std::to_string(ordinal) + " has compute capability " + std::to_string(major) +
           ".x (this program was compiled for " + std::to_string(oldest_compute_capability_major) +
           ".0 and newer). Compile it with a smaller CMAKE_CUDA_ARCHITECTURES, or use --backend cpu.";
  }
  return {};
}

std::string cuda_unavailable_reason() { return unavailable_reason(CudaOptions{}.device); }

}  // namespace tailmargin
