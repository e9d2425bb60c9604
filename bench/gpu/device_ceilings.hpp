// Measured ceilings of a device, for the fractions that benches quote. No CUDA here.
#pragma once

#include <string>

namespace tailmargin::bench {

/// Per second, the whole device.
struct DeviceCeilings {
  std::string device;
  double multiply_adds = 0.0;      ///< fused, on floats
  double special_functions = 0.0;  ///< 2^x of the special function unit
  double shared_bytes = 0.0;       ///< read from shared memory
  double copied_bytes = 0.0;       ///< device memory, read plus written
};

/// Of CUDA device 0. @throws BackendUnavailable with the cure if there is none or the cuda backend is not built
DeviceCeilings measure_cuda_ceilings();

}  // namespace tailmargin::bench
