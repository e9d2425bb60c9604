// Steps 1 and 2 on a device: scenarios, market rows and the cube of one chunk of paths.
#pragma once

#include <algorithm>
#include <vector>

#include "host/backends/run_control.hpp"
#include "host/backends/run_tables.hpp"
#include "kernels/cuda/kernels/revalue_columns.hpp"
#include "kernels/cuda/kernels/simulate_paths.hpp"
#include "kernels/cuda/pipeline/plans.hpp"
#include "kernels/cuda/pipeline/upload.hpp"

namespace tailmargin {

/// Tables of steps 1 and 2 as they lie on the device.
template <class Device, class Real>
struct ScenarioTables {
  using Stream = typename Device::Stream;
  template <class T>
  using Buffer = DeviceBuffer<T, Device>;

  ScenarioTables(Device& device, const PreparedRun& run, const std::vector<char>& held, Stream stream)
      : steps(run, [&](const auto& values) { return upload(device, values, stream); }),
        market_rows(upload(device, column_tables<Real>(run.columns).market_rows, stream)),
        smiles(upload(device, column_tables<Real>(run.columns).smiles, stream)),
        surfaces(upload(device, column_tables<Real>(run.columns).surfaces, stream)),
        payments(upload(device, column_tables<Real>(run.columns).payments, stream)),
        products(upload(device, only_held(column_tables<Real>(run.columns).products, held), stream)),
        options(upload(device, only_held(column_tables<Real>(run.columns).options, held), stream)) {}

  StepTables<Buffer> steps;
  Buffer<MarketRow<Real>> market_rows;
  Buffer<SmileRow<Real>> smiles;
  Buffer<SurfaceRows> surfaces;
  Buffer<Payment<Real>> payments;
  Buffer<ProductColumn<Real>> products;
  Buffer<OptionColumn<Real>> options;
};

/// The cube of one chunk of paths at a time. When the whole run fits it is filled once; else every user asks for the
/// chunks in turn and they are made again, which is cheap beside the account P&L of a batch.
template <class Device, class Real>
class ScenarioCube {
 public:
  using Stream = typename Device::Stream;

  /// Fills the columns that any of the accounts holds.
  ScenarioCube(Device& device, const PreparedRun& run, const AccountPlan& accounts, const PipelineOptions& options,
               Stream stream)
      : device_(device),
        run_(run),
        tables_(device, run, held_columns(accounts, run.columns), stream),
        scratch_(device, uses_scratch() ? std::uint64_t(scratch_threads) *
                                              simulate_bytes_per_thread(step_counts(run_)) / sizeof(float)
                                        : 0),
        paths_(plan_paths(run.num_paths, bytes_per_path(), device.free_bytes(), options)),
        observations_(device, run_.scenarios.observations.size() * stride()),
        market_(device, num_market_rows() * stride()),
        cube_(device, std::uint64_t(run.columns.cube_columns()) * stride()) {}

  const PathPlan& paths() const { return paths_; }
  /// The paths of the chunk.
  CubeView<Real> view() const { return {cube_.data(), stride(), run_.columns.num_slices, run_.columns.num_columns}; }
  std::uint64_t stride() const { return paths_.paths_per_chunk; }

  /// Makes sure that the chunk is the one in memory. Waits for the stream when it has to be filled, for the clock.
  void load(std::uint64_t chunk, const PassRequest& request, StageSeconds& seconds, Stream stream) {
    if (loaded_ && chunk_ == chunk) { return; }
    check_stop(request);
    device_.synchronize(stream);
    Stopwatch watch;
    simulate(paths_.first(chunk), stream);
    device_.synchronize(stream);
    seconds.simulate += watch.lap();
    revalue(stream);
    device_.synchronize(stream);
    seconds.revalue += watch.lap();
    chunk_ = chunk;
    loaded_ = true;
  }

 private:
  static constexpr std::uint32_t scratch_threads = 16'384;  // enough to fill a device, 2 kB each per 250 factors

  bool uses_scratch() const { return simulate_block_size(step_counts(run_), device_.max_shared_bytes()) == 0; }
  std::uint64_t num_market_rows() const { return column_tables<Real>(run_.columns).num_rows(); }
  std::uint64_t bytes_per_path() const {
    return run_.scenarios.observations.size() * sizeof(float) +
           (num_market_rows() + run_.columns.cube_columns()) * sizeof(Real);
  }

  /// The padding of the last tile is simulated too: any path number is a valid path, and nothing reads garbage.
  void simulate(std::uint64_t first_path, Stream stream) {
    const std::uint32_t threads = simulate_block_size(step_counts(run_), device_.max_shared_bytes());
    SimulatePaths kernel{tables_.steps.payload(), first_path, stride(), observations_.data(), stride(), nullptr, 0};
    if (threads != 0) {
      const BlockGrid grid{(stride() + threads - 1) / threads, threads,
                           threads * simulate_bytes_per_thread(step_counts(run_))};
      device_.for_blocks("simulate_paths", stream, grid, kernel);
      return;
    }
    kernel.scratch = scratch_.data();
    kernel.scratch_stride = scratch_threads;
    for (std::uint64_t done = 0; done < stride(); done += scratch_threads) {
      kernel.first_path = first_path + done;
      kernel.num_paths = std::min<std::uint64_t>(scratch_threads, stride() - done);
      kernel.observations = observations_.data() + done;
      constexpr std::uint32_t block = SimulatePaths::max_threads;
      device_.for_blocks("simulate_paths", stream, {(kernel.num_paths + block - 1) / block, block, 0}, kernel);
    }
  }

  void revalue(Stream stream) {
    // Nothing held: there may be no observations to read either.
    if (tables_.products.size() == 0 && tables_.options.size() == 0) { return; }
    device_.for_each("fill_market_rows", stream, tables_.market_rows.size(), stride(),
                     FillMarketRows<Real>{tables_.market_rows.data(), observations_.data(), market_.data(), stride()});
    device_.for_each("fill_surfaces", stream, tables_.surfaces.size(), stride(),
                     FillSurfaces<Real>{tables_.surfaces.data(), tables_.smiles.data(), observations_.data(),
                                        market_.data() + tables_.market_rows.size() * stride(), stride()});
    device_.for_each("fill_product_columns", stream, tables_.products.size(), stride(),
                     FillProductColumns<Real>{tables_.products.data(), tables_.payments.data(), market_.data(),
                                              cube_.data(), stride()});
    device_.for_each("fill_option_columns", stream, tables_.options.size(), stride(),
                     FillOptionColumns<Real>{tables_.options.data(), market_.data(), cube_.data(), stride()});
  }

  Device& device_;
  const PreparedRun& run_;
  ScenarioTables<Device, Real> tables_;
  DeviceBuffer<float, Device> scratch_;
  PathPlan paths_;
  DeviceBuffer<float, Device> observations_;
  DeviceBuffer<Real, Device> market_, cube_;
  std::uint64_t chunk_ = 0;
  bool loaded_ = false;
};

}  // namespace tailmargin
