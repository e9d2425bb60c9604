// The scenarios of a run on the host, in tiles: the same bits as every backend's, with what drives them.
#pragma once

#include <cstdint>
#include <vector>

#include "host/backends/run_tables.hpp"
#include "host/cpu/held_columns.hpp"
#include "host/cpu/host_loops.hpp"
#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

/// Who loops over the scenarios, and on how many threads. Nothing here changes a bit.
struct HostLoops {
  const cpu::Kernels* kernels = nullptr;
  int threads = 0;  ///< 0: all
};

/// Correlated normals of a step straight from its draws: [entry][regime], rows are factors.
SparseTable step_loadings(const ScenarioPlan& plan);

/// The tables of a run's scenarios and columns in double, as the kernels read them.
class HostScenarios {
 public:
  /// @param accounts  only columns these hold are revalued
  HostScenarios(const PreparedRun& run, const AccountPlan& accounts, const HostLoops& loops);

  const PreparedRun& run() const { return run_; }
  const HostLoops& loops() const { return loops_; }
  const DrivePayload& drive() const { return drive_; }
  std::uint32_t num_rows() const { return simulate_.num_observations; }
  std::uint32_t num_draws() const { return (simulate_.num_draws + 3) / 4 * 4; }

  /// obs[row * tile.width + lane]
  void simulate(const cpu::Tile& tile, std::vector<float>& obs) const;
  /// The same without shocks: what is left are chain, tail scales and jumps, that is the mean given those.
  void simulate_means(const cpu::Tile& tile, std::vector<float>& obs) const;
  /// losses[account * stride + lane] from observations
  void losses(const cpu::Tile& tile, const std::vector<float>& obs, double* losses, std::uint64_t stride) const;
  /// Rows as in DriveRows; sums may be null.
  void drive(const cpu::Tile& tile, const DriveRows& rows) const;

 private:
  template <class T>
  using Buffer = std::vector<T>;

  const PreparedRun& run_;
  const AccountPlan& accounts_;
  HostLoops loops_;
  StepTables<Buffer> step_tables_;
  SimulatePayload simulate_, means_;
  DrivePayload drive_{};
  std::vector<std::uint32_t> no_shocks_;  // [factor + 1]
  std::vector<float> step_variance_;      // [regime][class + 1]
  HeldColumns<double> columns_;
};

}  // namespace tailmargin
