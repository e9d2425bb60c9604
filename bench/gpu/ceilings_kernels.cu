#include "bench/gpu/ceilings_kernels.hpp"
#include "kernels/cuda/launch.cuh"

namespace tailmargin {

TM_INSTANTIATE_FOR_BLOCKS(bench::FmaLoop);
TM_INSTANTIATE_FOR_BLOCKS(bench::SpecialFunctionLoop);
TM_INSTANTIATE_FOR_BLOCKS(bench::SharedLoop);
TM_INSTANTIATE_FOR_EACH(bench::CopyQuads);

}  // namespace tailmargin
