// Built when there is no nvcc.
#include "bench/gpu/device_ceilings.hpp"
#include "host/backends/backend.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin::bench {

DeviceCeilings measure_cuda_ceilings() { throw BackendUnavailable(cuda_unavailable_reason()); }

}  // namespace tailmargin::bench
