// Every CUDA call goes through TM_CUDA_CHECK.
#pragma once

#include <cuda_runtime_api.h>

namespace tailmargin {

/// @throws DeviceError. Takes plain characters, so that device code includes no strings.
[[noreturn]] void throw_device_error(const char* call, const char* file, int line, cudaError_t code);

inline void check_cuda(cudaError_t code, const char* call, const char* file, int line) {
  if (code != cudaSuccess) { throw_device_error(call, file, line, code); }
}

}  // namespace tailmargin

#define TM_CUDA_CHECK(call) ::tailmargin::check_cuda((call), #call, __FILE__, __LINE__)
