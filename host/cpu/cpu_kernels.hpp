// The loops of the cpu backend, compiled once per instruction set. Raw pointers only: a translation unit built for
// AVX-512 must not emit a library template that the linker could pick for everyone.
#pragma once

#include "kernels/executors/account_pnl.hpp"
#include "kernels/executors/drive.hpp"
#include "kernels/executors/holding_losses.hpp"
#include "kernels/executors/revalue.hpp"
#include "kernels/executors/simulate.hpp"
#include "kernels/executors/tail.hpp"

namespace tailmargin::cpu {

/// Paths a group of lanes holds; tiles are whole numbers of it.
inline constexpr std::uint32_t lanes = 64;

template <class Real>
constexpr Real infinity() {
  return Real(__builtin_inf());
}

/// The worst losses of one account so far, in the order of their paths.
template <class Real>
struct Candidates {
  Real* losses;            ///< [capacity]
  std::uint32_t* paths;    ///< [capacity]
  std::uint32_t* weights;  ///< [count] while candidates are pruned, in memory of the task; null for ones
  std::uint32_t count, capacity;
  Real threshold;  ///< only losses above it can still enter
  Real slack;      ///< of an account that may have to be computed in double: how far below its tail losses are kept
  Real rounding_scale;
};

/// How far down the losses must be known.
struct TailReach {
  double weight;     ///< the losses that weigh more than this, from the worst on, are enough
  double num_paths;  ///< of the run
  double sigmas;     ///< how sure a threshold foretold from the first paths must be; infinity: none is foretold
  std::uint32_t max_slack_count;  ///< the slack is given up when more losses than this would have to be kept
};

struct Tile {
  std::uint64_t first_path;
  std::uint32_t width;  ///< paths computed, a multiple of `lanes`
  std::uint32_t valid;  ///< paths that exist; the rest is padding
};

template <class Real>
struct MarketTables {
  const MarketRow<Real>* rows;
  const SmileRow<Real>* smiles;
  const SurfaceRows* surfaces;
  const Payment<Real>* payments;
  const ProductColumn<Real>* products;
  const OptionColumn<Real>* options;
  const std::uint32_t* needed_rows;  ///< numbers of the market rows that the columns read; the others are not filled
  std::uint32_t num_rows;            ///< all market rows; those of the smiles follow
  std::uint32_t num_needed_rows, num_surfaces, num_products, num_options;
};

template <class Real>
struct AccountsTask {
  AccountsPayload<Real> accounts;  ///< in the order of places
  std::uint64_t first, last;       ///< places
  Candidates<Real>* candidates;    ///< [place - batch_first]
  std::uint64_t batch_first;
  const std::uint32_t* path_weights;  ///< [path], or null for ones
  std::uint32_t* weights;             ///< scratch for the weights of an account's candidates
  TailReach reach;
  bool raise;  ///< whether to foretell thresholds after this tile
  void* pool;
  void (*grow)(void* pool, Candidates<Real>*, std::uint32_t capacity);  ///< gives an account more room
  std::uint32_t num_slices, num_columns;                                ///< of the cube
};

/// What is wanted of an account's tail.
struct TailTask {
  TailRule rule;
  const std::uint32_t* path_weights;  ///< [path], or null for ones
  RegimeSteps regimes;
};

/// Accounts whose losses are asked for one by one, and the shape of the cube.
template <class Real>
struct LossesOf {
  AccountsPayload<Real> accounts;
  std::uint64_t first_account, last_account;
  std::uint32_t num_slices, num_columns;
};
using LossesTask = LossesOf<double>;

/// One instruction set's loops.
struct Kernels {
  const char* name;
  std::uint32_t paths_at_once;  ///< of an account, in registers; a tile should have as many
  /// Observations of a tile: obs[row * tile.width + lane]. scratch: scratch_rows * lanes floats.
  void (*simulate)(const SimulatePayload&, const Tile&, float* scratch, float* obs);
  /// Of several models with common draws, as simulate_models() has it: obs[model], scratch likewise.
  void (*simulate_models)(const SimulatePayload*, std::uint32_t count, const Tile&, float* scratch, float* const* obs);
  /// Columns of a tile: cube[column * tile.width + lane]; market: (num_rows + rows_per_smile *
  /// num_smiles) * tile.width.
  void (*revalue_single)(const MarketTables<float>&, const Tile&, const float* obs, float* market, float* cube);
  void (*revalue_exact)(const MarketTables<double>&, const Tile&, const float* obs, double* market, double* cube);
  /// P&L of a range of accounts on a tile; losses above an account's threshold join its candidates.
  void (*pnl_single)(const AccountsTask<float>&, const Tile&, const float* cube);
  void (*pnl_exact)(const AccountsTask<double>&, const Tile&, const double* cube);
  /// Figures of a sorted tail; regime_es[regime] if task.regimes has steps.
  void (*summarise_single)(const TailTask&, const TailLoss<float>* tail, std::uint32_t count, TailFigures*,
                           double* regime_es);
  void (*summarise_exact)(const TailTask&, const TailLoss<double>* tail, std::uint32_t count, TailFigures*,
                          double* regime_es);
  /// Losses of a range of accounts on a tile: losses[(account - first_account) * stride + lane], padding included.
  void (*losses_exact)(const LossesTask&, const Tile&, const double* cube, double* losses, std::uint64_t stride);
  void (*losses_single)(const LossesOf<float>&, const Tile&, const float* cube, float* losses, std::uint64_t stride);
  /// Losses of an account and of its holdings on one path of a tile. losses: [holding] USD.
  AccountLoss (*holdings_single)(const HoldingsPayload<float>&, const Tile&, const float* cube, std::uint32_t lane,
                                 double* losses);
  AccountLoss (*holdings_exact)(const HoldingsPayload<double>&, const Tile&, const double* cube, std::uint32_t lane,
                                double* losses);
  /// What drives the paths of a tile. scratch: drive_scratch_rows * lanes floats.
  void (*drive)(const DrivePayload&, const Tile&, float* scratch, const DriveRows&);
};

extern const Kernels baseline_kernels;
#if defined(__x86_64__)
extern const Kernels avx2_kernels;
extern const Kernels avx512_kernels;
#endif

}  // namespace tailmargin::cpu
