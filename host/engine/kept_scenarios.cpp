#include "host/engine/kept_scenarios.hpp"

#include <algorithm>

#include "host/cpu/held_columns.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

constexpr std::uint32_t tile_width = 4 * cpu::lanes;
/// Tiles between two looks at the caller's wishes.
constexpr std::uint64_t tiles_per_block = 64;

}  // namespace

KeptScenarios::KeptScenarios(const PreparedRun& run, Options options)
    : run_(run),
      options_(std::move(options)),
      tables_(run, [](const auto& values) { return values; }),
      simulate_(tables_.payload()) {
  if (bytes(run) > options_.largest_bytes) { return; }
  kept_ = {LargeBuffer<float>(bytes(run) / sizeof(float)), tile_width};
  simulate_all();
}

std::uint64_t KeptScenarios::bytes(const PreparedRun& run) {
  const std::uint64_t tiles = (run.num_paths + tile_width - 1) / tile_width;
  return tiles * tile_width * run.scenarios.observations.size() * sizeof(float);
}

void KeptScenarios::simulate_all() {
  const std::uint64_t tiles = (run_.num_paths + tile_width - 1) / tile_width;
  for (std::uint64_t first = 0; first < tiles; first += tiles_per_block) {
    check_stop();
    const std::uint64_t count = std::min(tiles_per_block, tiles - first);
    for_each_index(options_.threads, count, [&](std::uint64_t t) {
      std::vector<float> scratch(std::size_t{scratch_rows(simulate_)} * cpu::lanes);
      const cpu::Tile now = tile(first + t);
      options_.kernels->simulate(simulate_, now, scratch.data(),
                                 kept_.values.data() + now.first_path * simulate_.num_observations);
    });
    if (options_.progress) { options_.progress(static_cast<double>(first + count) / static_cast<double>(tiles)); }
  }
}

std::vector<std::vector<double>> KeptScenarios::pnl(const ColumnPlan& columns, const AccountPlan& account) const {
  const std::uint64_t tiles = (run_.num_paths + tile_width - 1) / tile_width;
  std::vector<std::vector<double>> out(columns.num_slices, std::vector<double>(tiles * tile_width));
  const HeldColumns<double> held(account, columns);
  for_each_index(options_.threads, tiles, [&](std::uint64_t t) {
    check_stop();
    const cpu::Tile now = tile(t);
    std::vector<float> simulated, scratch;
    const float* obs = kept_.values.data() + now.first_path * simulate_.num_observations;
    if (kept_.empty()) {
      simulated.resize(std::size_t{simulate_.num_observations} * tile_width);
      scratch.resize(std::size_t{scratch_rows(simulate_)} * cpu::lanes);
      options_.kernels->simulate(simulate_, now, scratch.data(), simulated.data());
      obs = simulated.data();
    }
    std::vector<double> market(held.market_rows() * tile_width), cube(std::size_t{columns.cube_columns()} * tile_width);
    options_.kernels->revalue_exact(held.tables(), now, obs, market.data(), cube.data());
    const cpu::LossesTask task = {
        {account.offsets.data(), account.columns.data(), account.quantities.data()}, 0, 1, 1, columns.num_columns};
    for (std::uint32_t s = 0; s < columns.num_slices; ++s) {
      double* losses = out[s].data() + now.first_path;
      options_.kernels->losses_exact(task, now, cube.data() + std::size_t{s} * columns.num_columns * tile_width, losses,
                                     tile_width);
      std::transform(losses, losses + tile_width, losses, [](double loss) { return -loss; });
    }
  });
  for (std::vector<double>& slice : out) { slice.resize(run_.num_paths); }
  return out;
}

cpu::Tile KeptScenarios::tile(std::uint64_t number) const {
  const std::uint64_t first = number * tile_width;
  return {first, tile_width, static_cast<std::uint32_t>(std::min<std::uint64_t>(tile_width, run_.num_paths - first))};
}

void KeptScenarios::check_stop() const {
  if (options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed)) {
    throw Interrupted("stopped while the scenarios were simulated");
  }
}

}  // namespace tailmargin
