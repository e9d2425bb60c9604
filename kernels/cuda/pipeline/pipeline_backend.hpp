// The backend over a device: the flow of a run, batch by batch.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "kernels/cuda/pipeline/account_staging.hpp"
#include "kernels/cuda/pipeline/shortfall_adder.hpp"
#include "kernels/cuda/pipeline/tail_selector.hpp"

namespace tailmargin {

/// A Device offers: Stream; activate(), description(), free_bytes(), max_shared_bytes(); allocate(), release();
/// create_stream(), destroy_stream(), synchronize(); copy_to_device(), copy_to_host(), fill_zero(); for_each(),
/// for_blocks(); num_multiprocessors(), max_warps(), resident_blocks(). CudaDevice documents them, the SIMT shim offers
/// the same on the host.
template <class Device>
class PipelineBackend final : public Backend {
 public:
  PipelineBackend(std::string name, std::unique_ptr<Device> device, const PipelineOptions& options)
      : name_(std::move(name)), device_(std::move(device)), options_(options) {}

  std::string name() const override { return name_; }
  std::string device() const override { return device_->description(); }

  Tails tails(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request) override {
    const TailRule rule = make_tail_rule(run);
    check_paths(run);
    device_->activate();
    return request.precision == Precision::exact ? run_batches<double>(run, accounts, rule, request)
                                                 : run_batches<float>(run, accounts, rule, request);
  }

  Shortfalls shortfalls(const PreparedRun& run, const AccountPlan& accounts,
                        const ShortfallsRequest& request) override {
    check_paths(run);
    device_->activate();
    return request.precision == Precision::exact ? add_shortfalls<double>(run, accounts, request)
                                                 : add_shortfalls<float>(run, accounts, request);
  }

 private:
  static constexpr std::uint64_t max_paths = std::uint64_t{1} << 30;  // a whole row is sorted by 32-bit places
  static constexpr std::uint64_t max_accounts_per_batch = 131'072;    // long enough to hide the upload of the next
  static constexpr double account_share = 0.9;                        // of what the cube left

  static void check_paths(const PreparedRun& run) {
    if (run.num_paths > max_paths) {
      throw UsageError("too many paths for this backend. Ask for at most " + std::to_string(max_paths) + ".");
    }
  }

  template <class Real>
  Shortfalls add_shortfalls(const PreparedRun& run, const AccountPlan& accounts, const ShortfallsRequest& request) {
    const OwnedStream<Device> stream(*device_);
    return ShortfallAdder<Device, Real>(*device_, run, accounts, request, options_, stream.get()).add();
  }

  template <class Real>
  std::vector<AccountBatch> plan_account_batches(const AccountPlan& accounts, const SelectionPlan& selection,
                                                 std::uint64_t fixed_bytes, std::uint32_t num_pieces,
                                                 std::uint64_t num_regimes) const {
    const auto usable = static_cast<std::uint64_t>(account_share * static_cast<double>(device_->free_bytes()));
    const std::uint64_t most = options_.accounts_per_batch == 0
                                   ? max_accounts_per_batch
                                   : std::min(options_.accounts_per_batch, max_accounts_per_batch);
    return plan_batches(accounts, {most, usable > fixed_bytes ? usable - fixed_bytes : 0,
                                   TailSelector<Device, Real>::bytes_per_account(selection, num_regimes) +
                                       AccountStaging<Device, Real>::bytes_per_account(num_pieces),
                                   AccountStaging<Device, Real>::bytes_per_position()});
  }

  template <class Real>
  Tails run_batches(const PreparedRun& run, const AccountPlan& accounts, const TailRule& rule,
                    const TailsRequest& request) {
    Tails out;
    if (request.keep_paths == KeepTailPaths::yes) { out.path_offsets.push_back(0); }
    if (accounts.offsets.size() < 2) { return out; }
    const OwnedStream<Device> stream(*device_);
    ScenarioCube<Device, Real> cube(*device_, run, accounts, options_, stream.get());
    const std::uint32_t num_held = count_held(accounts, run.columns);
    const TileShape shape =
        plan_tile_shape(run.columns.num_slices, device_->max_warps(), device_->max_shared_bytes(), options_);
    const std::uint32_t num_pieces = std::max(1u, (num_held + shape.max_columns - 1) / shape.max_columns);
    const bool carries = num_pieces > 1 || shape.num_slices > 1;
    const SelectionPlan selection =
        plan_selection(rule, run.path_weights, run.num_paths, cube.paths().count(0),
                       SelectPivot<Real>::most_sample_paths(device_->max_shared_bytes()), options_);
    using Selector = TailSelector<Device, Real>;
    const std::uint64_t fixed = Selector::fixed_bytes(*device_, shape, run.num_paths, carries);
    const auto batches =
        plan_account_batches<Real>(accounts, selection, fixed, num_pieces, run.regime_steps.size() / run.num_paths);
    std::uint64_t most_accounts = 0;
    for (const AccountBatch& batch : batches) { most_accounts = std::max(most_accounts, batch.num_accounts()); }
    AccountStaging<Device, Real> staging(*device_, accounts, shape);
    Selector selector(*device_, cube, run, accounts, rule, shape, selection, most_accounts, carries, stream.get());
    const DrainedStream<Device> drained(*device_, stream.get());

    staging.start(batches[0], 0);
    for (std::size_t b = 0; b < batches.size(); ++b) {
      check_stop(request);
      const auto upload_next = [&] {
        if (b + 1 < batches.size()) { staging.start(batches[b + 1], b + 1); }
      };
      append(out, selector.select(staging.finish(b), batches[b], request, out.seconds, upload_next, stream.get()));
      if (request.progress) {
        request.progress(static_cast<double>(batches[b].last) / static_cast<double>(accounts.offsets.size() - 1));
      }
    }
    return out;
  }

  /// Columns of one read time that any of the accounts holds.
  static std::uint32_t count_held(const AccountPlan& accounts, const ColumnPlan& columns) {
    const std::vector<char> held = held_columns(accounts, columns);
    return static_cast<std::uint32_t>(std::count(held.begin(), held.begin() + columns.num_columns, 1));
  }

  static void append(Tails& out, BatchTails&& batch) {
    out.figures.insert(out.figures.end(), batch.figures.begin(), batch.figures.end());
    out.regime_es.insert(out.regime_es.end(), batch.regime_es.begin(), batch.regime_es.end());
    for (const std::vector<std::uint32_t>& paths : batch.paths) {
      out.tail_paths.insert(out.tail_paths.end(), paths.begin(), paths.end());
      out.path_offsets.push_back(out.tail_paths.size());
    }
  }

  std::string name_;
  std::unique_ptr<Device> device_;
  PipelineOptions options_;
};

}  // namespace tailmargin
