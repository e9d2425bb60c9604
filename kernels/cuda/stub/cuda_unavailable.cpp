// The cuda backend of a build without nvcc.
#include "host/backends/backend.hpp"

namespace tailmargin {

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions&) { throw BackendUnavailable(cuda_unavailable_reason()); }

std::string cuda_unavailable_reason() {
  return "the cuda backend was not built (no CUDA compiler was found, or TAILMARGIN_CUDA=OFF). "
         "Install the CUDA Toolkit and configure with -DTAILMARGIN_CUDA=ON, or use --backend cpu.";
}

}  // namespace tailmargin
