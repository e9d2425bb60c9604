// Compiled once per instruction set with TM_ISA_KERNELS naming the table. The formulas are those of
// kernels/executors; here is only who loops.
#include "host/cpu/cpu_kernels.hpp"

#include "host/cpu/lane_vector.hpp"
#include "host/cpu/prune_candidates.hpp"

namespace tailmargin::cpu {
namespace {

void simulate(const SimulatePayload& in, const Tile& tile, float* scratch, float* obs) {
  for (std::uint32_t lane = 0; lane < tile.width; lane += lanes) {
    simulate_lanes<static_cast<int>(lanes)>(in, tile.first_path + lane, scratch, lanes, obs + lane, tile.width,
                                            nullptr);
  }
}

void simulate_models(const SimulatePayload* in, std::uint32_t count, const Tile& tile, float* scratch,
                     float* const* obs) {
  for (std::uint32_t lane = 0; lane < tile.width; lane += lanes) {
    float* out[max_models];
    for (std::uint32_t m = 0; m < count; ++m) { out[m] = obs[m] + lane; }
    tailmargin::simulate_models<static_cast<int>(lanes)>(in, count, tile.first_path + lane, scratch, lanes, out,
                                                         tile.width);
  }
}

template <class Real>
void revalue(const MarketTables<Real>& tables, const Tile& tile, const float* obs, Real* market, Real* cube) {
  const int width = static_cast<int>(tile.width);
  for (std::uint32_t i = 0; i < tables.num_needed_rows; ++i) {
    const std::uint32_t r = tables.needed_rows[i];
    fill_market_row(tables.rows[r], obs, tile.width, width, market + std::uint64_t{r} * tile.width);
  }
  Real* smile_rows = market + std::uint64_t{tables.num_rows} * tile.width;
  for (std::uint32_t s = 0; s < tables.num_surfaces; ++s) {
    fill_surface(tables.smiles, tables.surfaces[s], obs, tile.width, width, smile_rows);
  }
  for (std::uint32_t c = 0; c < tables.num_products; ++c) {
    const ProductColumn<Real>& column = tables.products[c];
    fill_product_column(column, tables.payments, market, tile.width, width,
                        cube + std::uint64_t{column.out} * tile.width);
  }
  for (std::uint32_t c = 0; c < tables.num_options; ++c) {
    const OptionColumn<Real>& column = tables.options[c];
    fill_option_column(column, market, tile.width, width, cube + std::uint64_t{column.out} * tile.width);
  }
}

/// Paths whose losses are looked at together: half of them with registers of doubles.
template <class Real>
inline constexpr std::uint32_t group = lanes * sizeof(float) / sizeof(Real);
template <class Real>
inline constexpr int group_vectors = static_cast<int>(group<Real> / vector_width<Real>);
/// Groups whose sums are in registers at a time. With 32 registers of 16 floats there is room for two, which halves the
/// reading of positions and lets twice as many additions wait for one another.
inline constexpr int groups_at_once = vector_width<float> == 16 ? 2 : 1;

/// Losses above the threshold join the candidates. Where no instruction packs them, they are found by their bits: most
/// groups have one or two.
/// @param end  paths of the group that exist
template <class Real>
TM_HD void append_losses(const Vector<Real>* pnl, std::uint64_t first_path, std::uint32_t end,
                         Candidates<Real>& candidates) {
  const Vector<Real> limit = broadcast(-candidates.threshold);
  std::uint64_t bits = 0;
  TM_UNROLL
  for (int n = 0; n < group_vectors<Real>; ++n) {
    bits |= below(pnl[n], limit) << (static_cast<std::uint32_t>(n) * vector_width<Real>);
  }
  if (end < 64) { bits &= (std::uint64_t{1} << end) - 1; }
  auto path = static_cast<std::uint32_t>(first_path);
  std::uint32_t count = candidates.count;
  if constexpr (packs) {
    TM_UNROLL
    for (int n = 0; n < group_vectors<Real>; ++n, path += vector_width<Real>, bits >>= vector_width<Real>) {
      count += append_negated(pnl[n], bits, path, candidates.losses + count, candidates.paths + count);
    }
  } else {
    if (bits == 0) { return; }
    Real values[group<Real>];
    TM_UNROLL
    for (int n = 0; n < group_vectors<Real>; ++n) {
      store(pnl[n], values + static_cast<std::uint32_t>(n) * vector_width<Real>);
    }
    for (; bits != 0; bits &= bits - 1, ++count) {
      const auto l = static_cast<std::uint32_t>(__builtin_ctzll(bits));
      candidates.losses[count] = -values[l];
      candidates.paths[count] = path + l;
    }
  }
  candidates.count = count;
}

/// Fetches the weights of candidates: kept with each of them they would take half as much memory again.
template <class Real>
void weigh(const AccountsTask<Real>& task, Candidates<Real>& candidates) {
  if (task.path_weights == nullptr) { return; }
  candidates.weights = task.weights;
  for (std::uint32_t i = 0; i < candidates.count; ++i) { task.weights[i] = task.path_weights[candidates.paths[i]]; }
}

template <class Real>
void summarise(const TailTask& task, const TailLoss<Real>* tail, std::uint32_t count, TailFigures* figures,
               double* regime_es) {
  *figures = summarise_tail(task.rule, tail, count, task.path_weights);
  if (task.regimes.steps == nullptr) { return; }
  split_by_regime(task.rule, tail, *figures, task.path_weights, task.regimes, regime_es);
}

/// Makes room for a group in a full buffer.
template <class Real>
void make_room(const AccountsTask<Real>& task, Candidates<Real>& candidates) {
  weigh(task, candidates);
  keep_reaching(task.reach, candidates);
  if (2 * candidates.count > candidates.capacity) { task.grow(task.pool, &candidates, 2 * candidates.capacity); }
}

template <class Real>
void account_losses(const AccountsTask<Real>& task, const Tile& tile, const Real* cube) {
  const CubeView<Real> view{cube, tile.width, task.num_slices, task.num_columns};
  for (std::uint64_t place = task.first; place < task.last; ++place) {
    Candidates<Real>& candidates = task.candidates[place - task.batch_first];
    const auto append = [&](const Vector<Real>* pnl, std::uint32_t lane) {
      append_losses<Real>(pnl, tile.first_path + lane, tile.valid - lane, candidates);
      if (candidates.count + group < Real >> candidates.capacity) { make_room(task, candidates); }
    };
    std::uint32_t lane = 0;
    if constexpr (groups_at_once == 2) {
      for (; lane + group<Real> < tile.valid; lane += 2 * group<Real>) {
        Vector<Real> pnl[2 * group_vectors<Real>];
        account_pnl<2 * group_vectors<Real>>(task.accounts, place, view.at(lane), pnl);
        append(pnl, lane);
        append(pnl + group_vectors<Real>, lane + group<Real>);
      }
    }
    for (; lane < tile.valid; lane += group<Real>) {
      Vector<Real> pnl[group_vectors<Real>];
      account_pnl<group_vectors<Real>>(task.accounts, place, view.at(lane), pnl);
      append(pnl, lane);
    }
    if (task.raise) {
      weigh(task, candidates);
      raise_threshold(task.reach, tile.first_path + tile.valid, candidates);
      const std::uint32_t room = foretold_room(task.reach, tile.first_path + tile.valid, candidates);
      if (room > candidates.capacity) { task.grow(task.pool, &candidates, room); }
    }
  }
}

template <class Real>
void losses_of(const LossesOf<Real>& task, const Tile& tile, const Real* cube, Real* losses, std::uint64_t stride) {
  const CubeView<Real> view{cube, tile.width, task.num_slices, task.num_columns};
  for (std::uint64_t account = task.first_account; account < task.last_account; ++account) {
    Real* out = losses + (account - task.first_account) * stride;
    for (std::uint32_t lane = 0; lane < tile.width; lane += group<Real>) {
      Vector<Real> pnl[group_vectors<Real>];
      account_pnl<group_vectors<Real>>(task.accounts, account, view.at(lane), pnl);
      for (std::uint32_t n = 0; n < group_vectors<Real>; ++n) { store(pnl[n], out + lane + n * vector_width<Real>); }
      for (std::uint32_t l = 0; l < group<Real>; ++l) { out[lane + l] = -out[lane + l]; }
    }
  }
}

template <class Real>
AccountLoss losses_of_holdings(const HoldingsPayload<Real>& in, const Tile& tile, const Real* cube, std::uint32_t lane,
                               double* losses) {
  return holding_losses(in, CubeView<Real>{cube, tile.width, in.num_slices, in.num_columns}.at(lane), losses);
}

void drive(const DrivePayload& in, const Tile& tile, float* scratch, const DriveRows& rows) {
  for (std::uint32_t lane = 0; lane < tile.width; lane += lanes) {
    const DriveRows at = {rows.variance + lane,
                          rows.regime_share + lane,
                          rows.loading + lane,
                          rows.jumps + lane,
                          rows.sums == nullptr ? nullptr : rows.sums + lane,
                          rows.stride};
    drive_lanes<static_cast<int>(lanes)>(in, tile.first_path + lane, scratch, at);
  }
}

}  // namespace

extern const Kernels TM_ISA_KERNELS;
const Kernels TM_ISA_KERNELS = {TM_ISA_NAME,
                                groups_at_once* lanes,
                                &simulate,
                                &simulate_models,
                                &revalue<float>,
                                &revalue<double>,
                                &account_losses<float>,
                                &account_losses<double>,
                                &summarise<float>,
                                &summarise<double>,
                                &losses_of<double>,
                                &losses_of<float>,
                                &losses_of_holdings<float>,
                                &losses_of_holdings<double>,
                                &drive};

}  // namespace tailmargin::cpu
