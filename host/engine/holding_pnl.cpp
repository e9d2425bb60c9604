#include "host/engine/holding_pnl.hpp"

#include <algorithm>

#include "host/cpu/held_columns.hpp"
#include "host/cpu/kernels_of.hpp"
#include "kernels/executors/holding_losses.hpp"

namespace tailmargin {
namespace {

/// Paths revalued at a time.
constexpr std::uint32_t chunk = cpu::lanes;

/// What one thread needs to revalue a chunk of paths.
template <class Real>
class Revaluation {
 public:
  Revaluation(const PreparedRun& run, const AccountPlan& accounts, const HeldColumns<Real>& held,
              const std::vector<Real>& quantities, const cpu::Kernels& kernels)
      : run_(run),
        held_(held),
        payload_{{accounts.offsets.data(), accounts.columns.data(), quantities.data()},
                 0,
                 accounts.offsets.size() - 2,
                 run.columns.num_slices,
                 run.columns.num_columns},
        kernels_(kernels),
        rows_(run.scenarios.observations.size()),
        obs_(rows_ * chunk),
        market_(held.market_rows() * chunk),
        cube_(std::size_t{run.columns.cube_columns()} * chunk),
        losses_(payload_.num_holdings) {}

  /// Fills the results of paths [first, first + count) from their observations in `out`.
  void work(std::size_t first, std::uint32_t count, HoldingPnl& out) {
    for (std::uint32_t lane = 0; lane < chunk; ++lane) {
      const float* from = out.observations.data() + (first + std::min(lane, count - 1)) * rows_;
      for (std::size_t row = 0; row < rows_; ++row) { obs_[row * chunk + lane] = from[row]; }
    }
    held_.revalue(kernels_, {0, chunk, count}, obs_.data(), market_.data(), cube_.data());
    for (std::uint32_t lane = 0; lane < count; ++lane) {
      const AccountLoss whole =
          cpu::holding_losses(kernels_, payload_, {0, chunk, count}, cube_.data(), lane, losses_.data());
      out.account_loss_usd[first + lane] = whole.usd;
      out.slice[first + lane] = whole.slice;
      for (std::size_t h = 0; h < out.losses_usd.size(); ++h) { out.losses_usd[h][first + lane] = losses_[h]; }
    }
  }

 private:
  const PreparedRun& run_;
  const HeldColumns<Real>& held_;
  HoldingsPayload<Real> payload_;
  const cpu::Kernels& kernels_;
  std::size_t rows_;
  std::vector<float> obs_;
  std::vector<Real> market_, cube_;
  std::vector<double> losses_;  // [holding]
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
