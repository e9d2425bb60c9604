// The backend over a device: the flow of a run, batch by batch.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "kernels/cuda/pipeline/account_staging.hpp"
#include "kernels/cuda/pipeline/tail_selector.hpp"

namespace tailmargin {

/// A Device offers: Stream; activate(), description(), free_bytes(), max_shared_bytes(); allocate(), release();
/// create_stream(), destroy_stream(), synchronize(); copy_to_device(), copy_to_host(), fill_zero(); for_each(),
/// for_blocks(), sort_segments(). CudaDevice documents them, the SIMT shim offers the same on the host.
template <class Device>
class PipelineBackend final : public Backend {
 public:
  PipelineBackend(std::string name, std::unique_ptr<Device> device, const PipelineOptions& options)
      : name_(std::move(name)), device_(std::move(device)), options_(options) {}

  std::string name() const override { return name_; }
  std::string device() const override { return device_->description(); }

  Tails tails(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request) override {
    const TailRule rule = make_tail_rule(run);
    if (run.num_paths > max_paths) {
      throw UsageError("too many paths for this backend (path numbers have 32 bits). Ask for at most 4294967232.");
    }
    device_->activate();
    return request.precision == Precision::exact ? run_batches<double>(run, accounts, rule, request)
                                                 : run_batches<float>(run, accounts, rule, request);
  }

 private:
  static constexpr std::uint64_t max_paths = 0x100000000ull - path_padding;
  static constexpr std::uint64_t max_accounts_per_batch = 131'072;  // long enough to hide the upload of the next
  static constexpr double account_share = 0.85;                     // of what the cube left; the sort needs a little

  template <class Real>
  std::vector<AccountBatch> plan_account_batches(const AccountPlan& accounts, const SelectionPlan& selection,
                                                 std::uint64_t num_paths) const {
    using Selector = TailSelector<Device, Real>;
    using Staging = AccountStaging<Device, Real>;
    const auto usable = static_cast<std::uint64_t>(account_share * static_cast<double>(device_->free_bytes()));
    const std::uint64_t fixed = Selector::fixed_bytes(num_paths);
    const std::uint64_t most = options_.accounts_per_batch == 0
                                   ? max_accounts_per_batch
                                   : std::min(options_.accounts_per_batch, max_accounts_per_batch);
    return plan_batches(
        accounts, {most, usable > fixed ? usable - fixed : 0,
                   Selector::bytes_per_account(selection) + Staging::bytes_per_account, Staging::bytes_per_position});
  }

  template <class Real>
  Tails run_batches(const PreparedRun& run, const AccountPlan& accounts, const TailRule& rule,
                    const TailsRequest& request) {
    Tails out;
    if (request.keep_paths == KeepTailPaths::yes) { out.path_offsets.push_back(0); }
    if (accounts.offsets.size() < 2) { return out; }
    const OwnedStream<Device> stream(*device_);
    ScenarioCube<Device, Real> cube(*device_, run, accounts, options_, stream.get());
    const SelectionPlan selection = plan_selection(run.num_paths, rule.num_tail, cube.paths().count(0), options_);
    const auto batches = plan_account_batches<Real>(accounts, selection, run.num_paths);
    std::uint64_t most_accounts = 0;
    for (const AccountBatch& batch : batches) { most_accounts = std::max(most_accounts, batch.num_accounts()); }
    AccountStaging<Device, Real> staging(*device_, accounts, batches);
    TailSelector<Device, Real> selector(*device_, cube, run, rule, selection, most_accounts, stream.get());

    staging.start(batches[0], 0);
    for (std::size_t b = 0; b < batches.size(); ++b) {
      check_stop(request);
      const auto upload_next = [&] {
        if (b + 1 < batches.size()) { staging.start(batches[b + 1], b + 1); }
      };
      append(out, selector.select(staging.finish(b), static_cast<std::uint32_t>(batches[b].num_accounts()), request,
                                  out.seconds, upload_next, stream.get()));
      if (request.progress) {
        request.progress(static_cast<double>(batches[b].last) / static_cast<double>(accounts.offsets.size() - 1));
      }
    }
    return out;
  }

  static void append(Tails& out, BatchTails&& batch) {
    out.figures.insert(out.figures.end(), batch.figures.begin(), batch.figures.end());
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
