#include "bench/gpu/measure_ceilings.hpp"
#include "host/backends/backend.hpp"
#include "kernels/cuda/cuda_device.hpp"

namespace tailmargin::bench {

DeviceCeilings measure_cuda_ceilings() {
  const std::string reason = cuda_unavailable_reason();
  if (!reason.empty()) { throw BackendUnavailable(reason); }
  CudaDevice device(0);
  return measure_device_ceilings(device, CeilingSizes{});
}

}  // namespace tailmargin::bench
