#include "host/engine/holding_pnl.hpp"

#include <algorithm>

#include "host/cpu/held_columns.hpp"
#include "kernels/executors/account_pnl.hpp"

namespace tailmargin {
namespace {

/// Paths revalued at a time.
constexpr std::uint32_t chunk = cpu::lanes;

void revalue(const cpu::Kernels& kernels, const cpu::MarketTables<float>& tables, const cpu::Tile& tile,
             const float* obs, float* market, float* cube) {
  kernels.revalue_single(tables, tile, obs, market, cube);
}
void revalue(const cpu::Kernels& kernels, const cpu::MarketTables<double>& tables, const cpu::Tile& tile,
             const float* obs, double* market, double* cube) {
  kernels.revalue_exact(tables, tile, obs, market, cube);
}

/// What one thread needs to revalue a chunk of paths.
template <class Real>
class Revaluation {
 public:
  Revaluation(const PreparedRun& run, const AccountPlan& accounts, const HeldColumns<Real>& held,
              const std::vector<Real>& quantities, const cpu::Kernels& kernels)
      : run_(run),
        accounts_(accounts),
        held_(held),
        payload_{accounts.offsets.data(), accounts.columns.data(), quantities.data()},
        kernels_(kernels),
        rows_(run.scenarios.observations.size()),
        obs_(rows_ * chunk),
        market_(held.market_rows() * chunk),
        cube_(std::size_t{run.columns.cube_columns()} * chunk) {}

  /// Fills the results of paths [first, first + count) from their observations in `out`.
  void work(std::size_t first, std::uint32_t count, HoldingPnl& out) {
    for (std::uint32_t lane = 0; lane < chunk; ++lane) {
      const float* from = out.observations.data() + (first + std::min(lane, count - 1)) * rows_;
      for (std::size_t row = 0; row < rows_; ++row) { obs_[row * chunk + lane] = from[row]; }
    }
    revalue(kernels_, held_.tables(), {0, chunk, count}, obs_.data(), market_.data(), cube_.data());
    for (std::uint32_t lane = 0; lane < count; ++lane) {
      out.slice[first + lane] = worst_slice(lane, out.account_loss_usd[first + lane]);
      for (std::size_t h = 0; h < out.losses_usd.size(); ++h) {
        out.losses_usd[h][first + lane] = holding_loss(h + 1, lane, out.slice[first + lane]);
      }
    }
  }

 private:
  const Real* slice(std::uint32_t s, std::uint32_t lane) const {
    return cube_.data() + std::size_t{s} * run_.columns.num_columns * chunk + lane;
  }

  std::uint32_t worst_slice(std::uint32_t lane, double& loss) const {
    std::uint32_t worst = 0;
    Real lowest = 0;
    for (std::uint32_t s = 0; s < run_.columns.num_slices; ++s) {
      Real pnl = 0;
      slice_pnl<1>(payload_, 0, slice(s, lane), chunk, &pnl);
      if (s == 0 || pnl < lowest) {
        lowest = pnl;
        worst = s;
      }
    }
    loss = -static_cast<double>(lowest);
    return worst;
  }

  double holding_loss(std::size_t holding, std::uint32_t lane, std::uint32_t s) const {
    double pnl = 0.0;
    for (std::uint64_t p = accounts_.offsets[holding]; p < accounts_.offsets[holding + 1]; ++p) {
      const Real column = slice(s, lane)[std::size_t{accounts_.columns[p].column()} * chunk];
      pnl += static_cast<double>(payload_.quantities[p]) * static_cast<double>(column);
    }
    return -pnl;
  }

  const PreparedRun& run_;
  const AccountPlan& accounts_;
  const HeldColumns<Real>& held_;
  AccountsPayload<Real> payload_;
  const cpu::Kernels& kernels_;
  std::size_t rows_;
  std::vector<float> obs_;
  std::vector<Real> market_, cube_;
};

template <class Real>
void revalue_all(const PreparedRun& run, const AccountPlan& accounts, const cpu::Kernels& kernels, int threads,
                 const ObservedPaths& observed, const std::vector<std::uint32_t>& paths, HoldingPnl& out) {
  const HeldColumns<Real> held(accounts, run.columns);
  const std::vector<Real> quantities(accounts.quantities.begin(), accounts.quantities.end());
  for_each_index(threads, (paths.size() + chunk - 1) / chunk, [&](std::uint64_t c) {
    const std::size_t first = c * chunk;
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(chunk, paths.size() - first));
    for (std::size_t i = first; i < first + count; ++i) {
      observed.read(paths[i], out.observations.data() + i * observed.num_rows());
    }
    Revaluation<Real>(run, accounts, held, quantities, kernels).work(first, count, out);
  });
}

}  // namespace

HoldingPnl holding_pnl(const PreparedRun& run, const AccountPlan& accounts, const ObservedPaths& observed,
                       const std::vector<std::uint32_t>& paths, Precision precision, const cpu::Kernels& kernels,
                       int threads) {
  HoldingPnl out;
  out.slice.resize(paths.size());
  out.account_loss_usd.resize(paths.size());
  out.losses_usd.assign(accounts.offsets.size() - 2, std::vector<double>(paths.size()));
  out.observations.resize(paths.size() * observed.num_rows());
  if (precision == Precision::single) {
    revalue_all<float>(run, accounts, kernels, threads, observed, paths, out);
  } else {
    revalue_all<double>(run, accounts, kernels, threads, observed, paths, out);
  }
  return out;
}

}  // namespace tailmargin
