#include "host/backends/backend.hpp"
#include "kernels/cuda/cuda_device.hpp"
#include "kernels/cuda/pipeline/pipeline_backend.hpp"

namespace tailmargin {

std::unique_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  PipelineOptions pipeline;
  pipeline.accounts_per_batch = options.accounts_per_batch;
  return std::make_unique<PipelineBackend<CudaDevice>>("cuda", std::make_unique<CudaDevice>(options.device), pipeline);
}

}  // namespace tailmargin
