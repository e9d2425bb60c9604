#include "kernels/cuda/simt/simt_backend.hpp"

#include "kernels/cuda/pipeline/pipeline_backend.hpp"

namespace tailmargin::simt {

std::unique_ptr<Backend> make_simt_backend(const SimtOptions& options) {
  return std::make_unique<PipelineBackend<SimtDevice>>("simt", std::make_unique<SimtDevice>(options.limits),
                                                       options.pipeline);
}

}  // namespace tailmargin::simt
