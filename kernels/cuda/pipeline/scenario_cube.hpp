// Steps 1 and 2 on a device: scenarios, market rows and the cube of one chunk of paths.
#pragma once

#include <algorithm>
#include <vector>

#include "host/backends/run_control.hpp"
#include "host/backends/run_tables.hpp"
#include "kernels/cuda/kernels/filter_pnl.hpp"
#include "kernels/cuda/kernels/revalue_columns.hpp"
#include "kernels/cuda/kernels/simulate_paths.hpp"
#include "kernels/cuda/pipeline/plans.hpp"
#include "kernels/cuda/pipeline/upload.hpp"

namespace tailmargin {

/// Tables of steps 1 and 2 as they lie on the device.
template <class Device, class Real>
struct ScenarioTables {
  using Stream = typename Device::Stream;

  ScenarioTables(Device& device, const PreparedRun& run, const std::vector<char>& held, Stream stream)
      : start_bounds(upload(device, run.scenarios.start_bounds, stream)),
        transition_bounds(upload(device, run.scenarios.transition_bounds, stream)),
        drift(upload(device, to_float(run.scenarios.drift), stream)),
        loading(upload(device, to_float(run.scenarios.loading), stream)),
        observations(upload(device, run.scenarios.observations, stream)),
        market_rows(upload(device, column_tables<Real>(run.columns).market_rows, stream)),
        products(upload(device, only_held(column_tables<Real>(run.columns).products, held), stream)),
        options(upload(device, only_held(column_tables<Real>(run.columns).options, held), stream)) {}

  SimulatePayload simulate_payload(const PreparedRun& run) const {
    return make_simulate_payload(
        run, {start_bounds.data(), transition_bounds.data(), drift.data(), loading.data(), observations.data()});
  }

  DeviceBuffer<std::uint32_t, Device> start_bounds, transition_bounds;
  DeviceBuffer<float, Device> drift, loading;
  DeviceBuffer<Observation, Device> observations;
  DeviceBuffer<MarketRow<Real>, Device> market_rows;
  DeviceBuffer<ProductColumn<Real>, Device> products;
  DeviceBuffer<OptionColumn<Real>, Device> options;
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
        tables_(device, run, held_columns(accounts, run.columns.num_columns), stream),
        scratch_(device, uses_scratch()
                             ? std::uint64_t(scratch_threads) * simulate_bytes_per_thread(num_factors()) / sizeof(float)
                             : 0),
        paths_(plan_paths(run.num_paths, bytes_per_path(), device.free_bytes(), options)),
        observations_(device, tables_.observations.size() * stride()),
        market_(device, tables_.market_rows.size() * stride()),
        cube_(device, std::uint64_t(run.columns.num_columns) * stride()) {}

  const PathPlan& paths() const { return paths_; }
  const Real* data() const { return cube_.data(); }  ///< [column][path of the chunk]
  std::uint64_t stride() const { return paths_.paths_per_chunk; }

  /// Makes sure that the chunk is the one in memory. Waits for the stream when it has to be filled, for the clock.
  void load(std::uint64_t chunk, const TailsRequest& request, StageSeconds& seconds, Stream stream) {
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

  std::uint32_t num_factors() const { return static_cast<std::uint32_t>(run_.scenarios.factors.size()); }
  bool uses_scratch() const { return simulate_block_size(num_factors(), device_.max_shared_bytes()) == 0; }
  std::uint64_t bytes_per_path() const {
    return tables_.observations.size() * sizeof(float) +
           (tables_.market_rows.size() + run_.columns.num_columns) * sizeof(Real);
  }

  /// The padding of the last tile is simulated too: any path number is a valid path, and nothing reads garbage.
  void simulate(std::uint64_t first_path, Stream stream) {
    const std::uint32_t threads = simulate_block_size(num_factors(), device_.max_shared_bytes());
    SimulatePaths kernel{
        tables_.simulate_payload(run_), first_path, stride(), observations_.data(), stride(), nullptr, 0};
    if (threads != 0) {
      const BlockGrid grid{(stride() + threads - 1) / threads, threads,
                           threads * simulate_bytes_per_thread(num_factors())};
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
    device_.for_each("fill_product_columns", stream, tables_.products.size(), stride(),
                     FillProductColumns<Real>{tables_.products.data(), market_.data(), cube_.data(), stride()});
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
