// Compiled once per instruction set with TM_ISA_KERNELS naming the table. The formulas are those of
// kernels/executors; here is only who loops.
#include "host/cpu/cpu_kernels.hpp"

namespace tailmargin::cpu {
namespace {

void simulate(const SimulatePayload& in, const Tile& tile, float* scratch, float* obs) {
  for (std::uint32_t lane = 0; lane < tile.width; lane += lanes) {
    simulate_lanes<static_cast<int>(lanes)>(in, tile.first_path + lane, scratch, lanes, obs + lane, tile.width,
                                            nullptr);
  }
}

template <class Real>
void revalue(const MarketTables<Real>& tables, const Tile& tile, const float* obs, Real* market, Real* cube) {
  const int width = static_cast<int>(tile.width);
  for (std::uint32_t r = 0; r < tables.num_rows; ++r) {
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

template <class Real>
bool any_above(const Real* pnl, Real threshold) {
  int above = 0;
  for (std::uint32_t l = 0; l < lanes; ++l) { above |= -pnl[l] > threshold ? 1 : 0; }
  return above != 0;
}

template <class Real>
void account_pnl(const AccountsTask<Real>& task, const Tile& tile, const Real* cube) {
  const CubeView<Real> view{cube, tile.width, task.num_slices, task.num_columns};
  Real pnl[lanes];
  for (std::uint64_t account = task.first_account; account < task.last_account; ++account) {
    Candidates<Real>& candidates = task.candidates[account - task.batch_first];
    for (std::uint32_t lane = 0; lane < tile.valid; lane += lanes) {
      account_pnl_lanes<lanes>(task.accounts, account, view.at(lane), pnl);
      if (!any_above(pnl, candidates.threshold)) { continue; }
      const std::uint32_t end = tile.valid - lane < lanes ? tile.valid - lane : lanes;
      for (std::uint32_t l = 0; l < end; ++l) {
        if (-pnl[l] > candidates.threshold) {
          candidates.items[candidates.count++] = {-pnl[l], static_cast<std::uint32_t>(tile.first_path + lane + l)};
        }
      }
      if (candidates.count + lanes > candidates.capacity) { task.make_room(task.pool, &candidates); }
    }
  }
}

void losses_exact(const LossesTask& task, const Tile& tile, const double* cube, double* losses, std::uint64_t stride) {
  const CubeView<double> view{cube, tile.width, task.num_slices, task.num_columns};
  for (std::uint64_t account = task.first_account; account < task.last_account; ++account) {
    double* out = losses + (account - task.first_account) * stride;
    for (std::uint32_t lane = 0; lane < tile.width; lane += lanes) {
      double pnl[lanes];
      account_pnl_lanes<lanes>(task.accounts, account, view.at(lane), pnl);
      for (std::uint32_t l = 0; l < lanes; ++l) { out[lane + l] = -pnl[l]; }
    }
  }
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
const Kernels TM_ISA_KERNELS = {
    TM_ISA_NAME,          &simulate,     &revalue<float>, &revalue<double>, &account_pnl<float>,
    &account_pnl<double>, &losses_exact, &drive};

}  // namespace tailmargin::cpu
