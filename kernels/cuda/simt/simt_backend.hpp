// The cuda backend's kernels and flow on the host. For tests: correct, and thousands of times slower than a GPU.
#pragma once

#include <memory>

#include "host/backends/backend.hpp"
#include "kernels/cuda/pipeline/plans.hpp"
#include "kernels/cuda/simt/simt_device.hpp"

namespace tailmargin::simt {

struct SimtOptions {
  PipelineOptions pipeline;
  SimtLimits limits;
};

std::unique_ptr<Backend> make_simt_backend(const SimtOptions& options);

}  // namespace tailmargin::simt
