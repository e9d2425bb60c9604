// Launches of steps 3 to 5.
#include "kernels/cuda/kernels/add_shortfalls.hpp"
#include "kernels/cuda/kernels/collect_ties.hpp"
#include "kernels/cuda/kernels/mark_short_paths.hpp"
#include "kernels/cuda/kernels/select_pivot.hpp"
#include "kernels/cuda/kernels/sort_tails.hpp"
#include "kernels/cuda/kernels/summarise_tails.hpp"
#include "kernels/cuda/kernels/tile_pnl.hpp"
#include "kernels/cuda/launch.cuh"

namespace tailmargin {

TM_INSTANTIATE_FOR_BLOCKS(TilePnl<float>);
TM_INSTANTIATE_FOR_BLOCKS(TilePnl<double>);
TM_INSTANTIATE_FOR_BLOCKS(SelectPivot<float>);
TM_INSTANTIATE_FOR_BLOCKS(SelectPivot<double>);
TM_INSTANTIATE_FOR_BLOCKS(CollectTies<float>);
TM_INSTANTIATE_FOR_BLOCKS(CollectTies<double>);
TM_INSTANTIATE_FOR_BLOCKS(SortTails<float>);
TM_INSTANTIATE_FOR_BLOCKS(SortTails<double>);
TM_INSTANTIATE_FOR_BLOCKS(SummariseTails<float>);
TM_INSTANTIATE_FOR_BLOCKS(SummariseTails<double>);
TM_INSTANTIATE_FOR_BLOCKS(SplitTails<float>);
TM_INSTANTIATE_FOR_BLOCKS(SplitTails<double>);
TM_INSTANTIATE_FOR_BLOCKS(AddShortfalls<float>);
TM_INSTANTIATE_FOR_BLOCKS(AddShortfalls<double>);
TM_INSTANTIATE_FOR_BLOCKS(MarkShortPaths<float>);
TM_INSTANTIATE_FOR_BLOCKS(MarkShortPaths<double>);
TM_INSTANTIATE_FOR_EACH(GatherTailPaths<float>);
TM_INSTANTIATE_FOR_EACH(GatherTailPaths<double>);

}  // namespace tailmargin
