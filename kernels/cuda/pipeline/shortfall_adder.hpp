// Step 5 on a device: shortfalls of a set of accounts, batch by batch.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/cuda/kernels/add_shortfalls.hpp"
#include "kernels/cuda/kernels/mark_short_paths.hpp"
#include "kernels/cuda/pipeline/scenario_cube.hpp"

namespace tailmargin {

/// Accounts as compressed rows on the device.
template <class Device, class Real>
class AccountRows {
 public:
  using Stream = typename Device::Stream;

  AccountRows(Device& device, const AccountPlan& accounts, const AccountBatch& batch, Stream stream)
      : num_accounts_(batch.num_accounts()),
        offsets_(upload(device, offsets_of(accounts, batch), stream)),
        columns_(upload(device, part<PositionColumn>(accounts.columns, accounts, batch), stream)),
        quantities_(upload(device, part<Real>(accounts.quantities, accounts, batch), stream)),
        equity_(upload(device,
                       std::vector<double>(accounts.equity_usd.begin() + static_cast<std::ptrdiff_t>(batch.first),
                                           accounts.equity_usd.begin() + static_cast<std::ptrdiff_t>(batch.last)),
                       stream)) {}

  static constexpr std::uint64_t bytes_per_account() {
    return sizeof(std::uint64_t) + sizeof(double) + sizeof(AccountShortfall);
  }
  static constexpr std::uint64_t bytes_per_position() { return sizeof(PositionColumn) + sizeof(Real); }

  std::uint64_t num_accounts() const { return num_accounts_; }
  AccountsPayload<Real> payload() const { return {offsets_.data(), columns_.data(), quantities_.data()}; }
  const double* equity() const { return equity_.data(); }

 private:
  static std::vector<std::uint64_t> offsets_of(const AccountPlan& accounts, const AccountBatch& batch) {
    std::vector<std::uint64_t> out;
    for (std::uint64_t a = batch.first; a <= batch.last; ++a) {
      out.push_back(accounts.offsets[a] - accounts.offsets[batch.first]);
    }
    return out;
  }
  template <class To, class From>
  static std::vector<To> part(const std::vector<From>& values, const AccountPlan& accounts, const AccountBatch& batch) {
    std::vector<To> out;
    for (std::uint64_t p = accounts.offsets[batch.first]; p < accounts.offsets[batch.last]; ++p) {
      out.push_back(static_cast<To>(values[p]));
    }
    return out;
  }

  std::uint64_t num_accounts_;
  DeviceBuffer<std::uint64_t, Device> offsets_;
  DeviceBuffer<PositionColumn, Device> columns_;
  DeviceBuffer<Real, Device> quantities_;
  DeviceBuffer<double, Device> equity_;
};

template <class Device, class Real>
class ShortfallAdder {
 public:
  using Stream = typename Device::Stream;

  ShortfallAdder(Device& device, const PreparedRun& run, const AccountPlan& accounts, const ShortfallsRequest& request,
                 const PipelineOptions& options, Stream stream)
      : device_(device),
        accounts_(accounts),
        request_(request),
        options_(options),
        weights_(device, request.weights == nullptr ? 0 : run.num_paths),
        words_(request.keep_paths == KeepShortPaths::yes ? path_words(run.num_paths) : 0),
        paths_(device, run.num_paths),
        cube_(device, run, accounts, options, stream),
        stream_(stream) {}

  Shortfalls add() {
    const DrainedStream<Device> drained(device_, stream_);
    if (request_.weights != nullptr) {
      device_.copy_to_device(weights_.data(), request_.weights->data(), weights_.size() * sizeof(std::uint32_t),
                             stream_);
    }
    device_.fill_zero(paths_.data(), paths_.size() * sizeof(PathShortfall), stream_);
    Shortfalls out;
    out.accounts.resize(accounts_.offsets.size() - 1);
    out.short_paths.resize(out.accounts.size() * words_);
    for (const AccountBatch& batch : plan()) {
      add_batch(batch, out);
      if (request_.progress) {
        request_.progress(static_cast<double>(batch.last) / static_cast<double>(out.accounts.size()));
      }
    }
    out.paths.resize(paths_.size());
    device_.copy_to_host(out.paths.data(), paths_.data(), paths_.size() * sizeof(PathShortfall), stream_);
    device_.synchronize(stream_);  // the sums are read by the caller
    return out;
  }

 private:
  static constexpr double account_share = 0.8;  // of what the cube left

  std::vector<AccountBatch> plan() const {
    const auto usable = static_cast<std::uint64_t>(account_share * static_cast<double>(device_.free_bytes()));
    const std::uint64_t all = accounts_.offsets.size() - 1;
    return plan_batches(accounts_, {options_.accounts_per_batch == 0 ? all : options_.accounts_per_batch, usable,
                                    AccountRows<Device, Real>::bytes_per_account() + words_ * sizeof(std::uint64_t),
                                    AccountRows<Device, Real>::bytes_per_position()});
  }

  void add_batch(const AccountBatch& batch, Shortfalls& out) {
    const AccountRows<Device, Real> rows(device_, accounts_, batch, stream_);
    DeviceBuffer<AccountShortfall, Device> sums(device_, rows.num_accounts());
    // Halves of words, the lower one first, as device and host have them.
    DeviceBuffer<std::uint32_t, Device> short_paths(device_, rows.num_accounts() * 2 * words_);
    const DrainedStream<Device> drained(device_, stream_);
    device_.fill_zero(sums.data(), sums.size() * sizeof(AccountShortfall), stream_);
    device_.fill_zero(short_paths.data(), short_paths.size() * sizeof(std::uint32_t), stream_);
    StageSeconds seconds;
    for (std::uint64_t chunk = 0; chunk < cube_.paths().num_chunks(); ++chunk) {
      cube_.load(chunk, request_, seconds, stream_);
      const std::uint64_t first = cube_.paths().first(chunk), count = cube_.paths().count(chunk);
      const std::uint32_t* weights = request_.weights == nullptr ? nullptr : weights_.data() + first;
      device_.for_blocks("add_shortfalls", stream_, grid<AddShortfalls<Real>>(count),
                         AddShortfalls<Real>{rows.payload(), rows.equity(), rows.num_accounts(), cube_.view(), count,
                                             weights, paths_.data() + first, sums.data()});
      if (words_ == 0) { continue; }
      static_assert(path_padding % warp_size == 0, "chunks begin with whole words");
      device_.for_blocks("mark_short_paths", stream_, grid<MarkShortPaths<Real>>(count),
                         MarkShortPaths<Real>{rows.payload(), rows.equity(), rows.num_accounts(), cube_.view(), count,
                                              weights, short_paths.data() + first / warp_size, 2 * words_});
    }
    device_.copy_to_host(out.accounts.data() + batch.first, sums.data(), sums.size() * sizeof(AccountShortfall),
                         stream_);
    device_.copy_to_host(out.short_paths.data() + batch.first * words_, short_paths.data(),
                         short_paths.size() * sizeof(std::uint32_t), stream_);
    device_.synchronize(stream_);  // the sums are freed here
  }

  template <class Kernel>
  static BlockGrid grid(std::uint64_t num_paths) {
    return {(num_paths + Kernel::max_threads - 1) / Kernel::max_threads, Kernel::max_threads, 0};
  }

  Device& device_;
  const AccountPlan& accounts_;
  const ShortfallsRequest& request_;
  const PipelineOptions& options_;
  DeviceBuffer<std::uint32_t, Device> weights_;
  std::uint64_t words_;  // of paths kept for each account; 0: they are not
  DeviceBuffer<PathShortfall, Device> paths_;
  ScenarioCube<Device, Real> cube_;
  Stream stream_;
};

}  // namespace tailmargin
