#include "host/engine/kept_scenarios.hpp"

#include <algorithm>
#include <map>

#include "host/cpu/held_columns.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

constexpr std::uint32_t tile_width = 4 * cpu::lanes;
/// Tiles between two looks at the caller's wishes.
constexpr std::uint64_t tiles_per_block = 64;

std::uint64_t tiles_of(const PreparedRun& run) { return (run.num_paths + tile_width - 1) / tile_width; }

std::uint64_t observed_floats(const PreparedRun& run) {
  return tiles_of(run) * tile_width * run.scenarios.observations.size();
}

cpu::Tile tile_of(const PreparedRun& run, std::uint64_t number) {
  const std::uint64_t first = number * tile_width;
  return {first, tile_width, static_cast<std::uint32_t>(std::min<std::uint64_t>(tile_width, run.num_paths - first))};
}

void check_stop(const SimulateOptions& options) {
  if (options.stop != nullptr && options.stop->load(std::memory_order_relaxed)) {
    throw Interrupted("stopped while the scenarios were simulated");
  }
}

template <class T>
using Buffer = std::vector<T>;

/// The draws that any of the models reads.
std::vector<DrawBlock> common_blocks(const std::vector<SimulatePayload>& models) {
  std::map<std::uint32_t, std::uint32_t> read;
  for (const SimulatePayload& model : models) {
    for (std::uint32_t b = 0; b < model.num_blocks; ++b) { read[model.blocks[b].number] |= model.blocks[b].read; }
  }
  std::vector<DrawBlock> out;
  for (const auto& [number, of_block] : read) { out.push_back({number, of_block}); }
  return out;
}

}  // namespace

bool have_common_draws(const PreparedRun& a, const PreparedRun& b) {
  return a.seed == b.seed && a.num_paths == b.num_paths && a.scenarios.num_draws == b.scenarios.num_draws &&
         a.scenarios.factors.size() == b.scenarios.factors.size() && a.scenarios.num_steps == b.scenarios.num_steps &&
         a.scenarios.scale_pieces == b.scenarios.scale_pieces && a.scenarios.score_keep == b.scenarios.score_keep &&
         a.scenarios.steps_per_mixing == b.scenarios.steps_per_mixing && a.points.components == b.points.components &&
         a.points.shifts == b.points.shifts;
}

std::vector<Observations> simulate_together(const std::vector<const PreparedRun*>& runs,
                                            const SimulateOptions& options) {
  std::vector<StepTables<Buffer>> tables;
  std::vector<SimulatePayload> models;
  std::vector<Observations> out;
  std::size_t scratch_size = 0;
  tables.reserve(runs.size());  // payloads point into them
  for (const PreparedRun* run : runs) {
    models.push_back(tables.emplace_back(*run, [](const auto& values) { return values; }).payload());
    out.push_back({LargeBuffer<float>(observed_floats(*run)), tile_width});
    scratch_size = std::max<std::size_t>(scratch_size, scratch_rows(models.back()));
  }
  const std::vector<DrawBlock> blocks = common_blocks(models);
  models.front().blocks = blocks.data();
  models.front().num_blocks = static_cast<std::uint32_t>(blocks.size());
  scratch_size += (runs.size() - 1) * models.front().num_factors;
  const std::uint64_t tiles = tiles_of(*runs.front());
  for (std::uint64_t first = 0; first < tiles; first += tiles_per_block) {
    check_stop(options);
    const std::uint64_t count = std::min(tiles_per_block, tiles - first);
    for_each_index(options.threads, count, [&](std::uint64_t t) {
      std::vector<float> scratch(scratch_size * cpu::lanes);
      const cpu::Tile now = tile_of(*runs.front(), first + t);
      std::vector<float*> observed;
      for (std::size_t m = 0; m < models.size(); ++m) {
        observed.push_back(out[m].values.data() + now.first_path * models[m].num_observations);
      }
      options.kernels->simulate_models(models.data(), static_cast<std::uint32_t>(models.size()), now, scratch.data(),
                                       observed.data());
    });
    if (options.progress) { options.progress(static_cast<double>(first + count) / static_cast<double>(tiles)); }
  }
  return out;
}

KeptScenarios::KeptScenarios(const PreparedRun& run, Options options)
    : run_(run),
      options_(std::move(options)),
      tables_(run, [](const auto& values) { return values; }),
      simulate_(tables_.payload()) {
  if (bytes(run) <= options_.largest_bytes) { kept_ = std::move(simulate_together({&run}, options_).front()); }
}

std::uint64_t KeptScenarios::bytes(const PreparedRun& run) { return observed_floats(run) * sizeof(float); }

std::vector<std::vector<double>> KeptScenarios::pnl(const ColumnPlan& columns, const AccountPlan& account) const {
  const std::uint64_t tiles = tiles_of(run_);
  std::vector<std::vector<double>> out(columns.num_slices, std::vector<double>(tiles * tile_width));
  const HeldColumns<double> held(account, columns);
  for_each_index(options_.threads, tiles, [&](std::uint64_t t) {
    check_stop(options_);
    const cpu::Tile now = tile_of(run_, t);
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

}  // namespace tailmargin
