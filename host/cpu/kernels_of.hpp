// The loops of an instruction set by the type of their numbers.
#pragma once

#include <vector>

#include "host/cpu/cpu_kernels.hpp"

namespace tailmargin::cpu {

inline void revalue(const Kernels& kernels, const MarketTables<float>& tables, const Tile& tile, const float* obs,
                    float* market, float* cube) {
  kernels.revalue_single(tables, tile, obs, market, cube);
}
inline void revalue(const Kernels& kernels, const MarketTables<double>& tables, const Tile& tile, const float* obs,
                    double* market, double* cube) {
  kernels.revalue_exact(tables, tile, obs, market, cube);
}

inline void losses_of(const Kernels& kernels, const LossesOf<float>& of, const Tile& tile, const float* cube,
                      float* losses, std::uint64_t stride) {
  kernels.losses_single(of, tile, cube, losses, stride);
}
inline void losses_of(const Kernels& kernels, const LossesOf<double>& of, const Tile& tile, const double* cube,
                      double* losses, std::uint64_t stride) {
  kernels.losses_exact(of, tile, cube, losses, stride);
}

inline void summarise(const Kernels& kernels, const TailTask& task, const std::vector<TailLoss<float>>& tail,
                      TailFigures& figures, double* regime_es) {
  kernels.summarise_single(task, tail.data(), static_cast<std::uint32_t>(tail.size()), &figures, regime_es);
}
inline void summarise(const Kernels& kernels, const TailTask& task, const std::vector<TailLoss<double>>& tail,
                      TailFigures& figures, double* regime_es) {
  kernels.summarise_exact(task, tail.data(), static_cast<std::uint32_t>(tail.size()), &figures, regime_es);
}

inline AccountLoss holding_losses(const Kernels& kernels, const HoldingsPayload<float>& in, const Tile& tile,
                                  const float* cube, std::uint32_t lane, double* losses) {
  return kernels.holdings_single(in, tile, cube, lane, losses);
}
inline AccountLoss holding_losses(const Kernels& kernels, const HoldingsPayload<double>& in, const Tile& tile,
                                  const double* cube, std::uint32_t lane, double* losses) {
  return kernels.holdings_exact(in, tile, cube, lane, losses);
}

}  // namespace tailmargin::cpu
