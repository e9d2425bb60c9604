#include "host/estimators/host_scenarios.hpp"

#include <map>

namespace tailmargin {
namespace {

/// Variance of one step of all prices together, by regime and tail class. It is what weighs a step: a path is described
/// by how much of its variance falls where.
std::vector<float> price_variance(const ScenarioPlan& plan) {
  const SparseTable loadings = step_loadings(plan);
  const std::size_t classes = plan.num_classes + 1;
  std::vector<double> sum(plan.num_regimes * classes, 0.0);
  for (std::size_t f = 0; f < plan.factors.size(); ++f) {
    if (plan.factors[f].kind != FactorKind::price) { continue; }
    for (std::uint32_t e = loadings.offsets[f]; e < loadings.offsets[f + 1]; ++e) {
      for (std::size_t k = 0; k < plan.num_regimes; ++k) {
        const double c = loadings.coefficients[e * plan.num_regimes + k];
        sum[k * classes + plan.tail_class[f * plan.num_regimes + k]] += c * c;
      }
    }
  }
  return to_float(sum);
}

}  // namespace

SparseTable step_loadings(const ScenarioPlan& plan) {
  SparseTable out;
  const std::size_t regimes = plan.num_regimes;
  for (std::size_t f = 0; f < plan.factors.size(); ++f) {
    std::map<std::uint32_t, std::vector<double>> row;
    for (std::uint32_t s = plan.shocks.offsets[f]; s < plan.shocks.offsets[f + 1]; ++s) {
      const std::uint32_t shared = plan.shocks.inputs[s];
      for (std::uint32_t e = plan.shared.offsets[shared]; e < plan.shared.offsets[shared + 1]; ++e) {
        std::vector<double>& sum = row.try_emplace(plan.shared.inputs[e], regimes, 0.0).first->second;
        for (std::size_t k = 0; k < regimes; ++k) {
          sum[k] += plan.shocks.coefficients[s * regimes + k] * plan.shared.coefficients[e * regimes + k];
        }
      }
    }
    for (const auto& [draw, coefficients] : row) {
      out.inputs.push_back(draw);
      out.coefficients.insert(out.coefficients.end(), coefficients.begin(), coefficients.end());
    }
    out.offsets.push_back(static_cast<std::uint32_t>(out.inputs.size()));
  }
  return out;
}

HostScenarios::HostScenarios(const PreparedRun& run, const AccountPlan& accounts, const HostLoops& loops)
    : run_(run),
      accounts_(accounts),
      loops_(loops),
      step_tables_(run, [](const auto& values) { return values; }),
      simulate_(step_tables_.payload()),
      means_(simulate_),
      no_shocks_(run.scenarios.factors.size() + 1, 0),
      step_variance_(price_variance(run.scenarios)),
      columns_(accounts, run.columns) {
  means_.num_draws = means_.num_blocks = 0;
  means_.num_shared = 0;
  means_.points.num_sums = 0;
  means_.shocks.offsets = no_shocks_.data();
  drive_ = {simulate_, step_variance_.data()};
}

void HostScenarios::simulate(const cpu::Tile& tile, std::vector<float>& obs) const {
  std::vector<float> scratch(std::size_t{scratch_rows(simulate_)} * cpu::lanes);
  obs.resize(std::size_t{num_rows()} * tile.width);
  loops_.kernels->simulate(simulate_, tile, scratch.data(), obs.data());
}

void HostScenarios::simulate_means(const cpu::Tile& tile, std::vector<float>& obs) const {
  std::vector<float> scratch(std::size_t{scratch_rows(means_)} * cpu::lanes);
  obs.resize(std::size_t{num_rows()} * tile.width);
  loops_.kernels->simulate(means_, tile, scratch.data(), obs.data());
}

void HostScenarios::losses(const cpu::Tile& tile, const std::vector<float>& obs, double* losses,
                           std::uint64_t stride) const {
  std::vector<double> market(columns_.market_rows() * tile.width);
  std::vector<double> cube(std::size_t{run_.columns.cube_columns()} * tile.width);
  loops_.kernels->revalue_exact(columns_.tables(), tile, obs.data(), market.data(), cube.data());
  const cpu::LossesTask task = {{accounts_.offsets.data(), accounts_.columns.data(), accounts_.quantities.data()},
                                0,
                                accounts_.offsets.size() - 1,
                                run_.columns.num_slices,
                                run_.columns.num_columns};
  loops_.kernels->losses_exact(task, tile, cube.data(), losses, stride);
}

void HostScenarios::drive(const cpu::Tile& tile, const DriveRows& rows) const {
  std::vector<float> scratch(std::size_t{drive_scratch_rows(drive_)} * cpu::lanes);
  loops_.kernels->drive(drive_, tile, scratch.data(), rows);
}

}  // namespace tailmargin
