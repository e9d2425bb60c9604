// Launches of steps 1 and 2.
#include "kernels/cuda/kernels/revalue_columns.hpp"
#include "kernels/cuda/kernels/simulate_paths.hpp"
#include "kernels/cuda/launch.cuh"

namespace tailmargin {

TM_INSTANTIATE_FOR_BLOCKS(SimulatePaths);
TM_INSTANTIATE_FOR_EACH(FillMarketRows<float>);
TM_INSTANTIATE_FOR_EACH(FillMarketRows<double>);
TM_INSTANTIATE_FOR_EACH(FillSurfaces<float>);
TM_INSTANTIATE_FOR_EACH(FillSurfaces<double>);
TM_INSTANTIATE_FOR_EACH(FillProductColumns<float>);
TM_INSTANTIATE_FOR_EACH(FillProductColumns<double>);
TM_INSTANTIATE_FOR_EACH(FillOptionColumns<float>);
TM_INSTANTIATE_FOR_EACH(FillOptionColumns<double>);

}  // namespace tailmargin
