// Positions of account batches on their way to the device.
#pragma once

#include <algorithm>

#include "kernels/cuda/kernels/account_pnl_pack.hpp"
#include "kernels/cuda/pipeline/device_buffer.hpp"
#include "kernels/cuda/pipeline/plans.hpp"

namespace tailmargin {

/// Two sets of buffers in turn: batch n + 1 is packed and uploaded on a stream of its own while the device works on
/// batch n. A set is written again only after its batch was finished, so no events are needed.
template <class Device, class Real>
class AccountStaging {
 public:
  AccountStaging(Device& device, const AccountPlan& accounts, const std::vector<AccountBatch>& batches)
      : device_(device), accounts_(accounts), stream_(device) {
    std::uint64_t most_accounts = 0, most_positions = 0;
    for (const AccountBatch& batch : batches) {
      most_accounts = std::max(most_accounts, batch.num_accounts());
      most_positions = std::max(most_positions, num_positions(batch));
    }
    for (Set& set : sets_) { set = Set(device, most_accounts, most_positions); }
  }

  /// Starts the upload of batch number `index`.
  void start(const AccountBatch& batch, std::uint64_t index) {
    Set& set = sets_[index % 2];
    const std::uint64_t first = accounts_.offsets[batch.first];
    for (std::uint64_t a = 0; a <= batch.num_accounts(); ++a) {
      set.host_offsets.data()[a] = accounts_.offsets[batch.first + a] - first;
    }
    for (std::uint64_t p = 0; p < num_positions(batch); ++p) {
      set.host_positions.data()[p] = {accounts_.columns[first + p], static_cast<Real>(accounts_.quantities[first + p])};
    }
    device_.copy_to_device(set.offsets.data(), set.host_offsets.data(),
                           (batch.num_accounts() + 1) * sizeof(std::uint64_t), stream_.get());
    device_.copy_to_device(set.positions.data(), set.host_positions.data(),
                           num_positions(batch) * sizeof(PositionEntry<Real>), stream_.get());
  }

  /// Waits for the upload.
  AccountTable<Real> finish(std::uint64_t index) {
    device_.synchronize(stream_.get());
    return {sets_[index % 2].offsets.data(), sets_[index % 2].positions.data()};
  }

  /// Device memory a position and an account need, both sets together.
  static constexpr std::uint64_t bytes_per_position = 2 * sizeof(PositionEntry<Real>);
  static constexpr std::uint64_t bytes_per_account = 2 * sizeof(std::uint64_t);

 private:
  struct Set {
    Set() = default;
    Set(Device& device, std::uint64_t num_accounts, std::uint64_t num_positions)
        : host_offsets(device, num_accounts + 1),
          offsets(device, num_accounts + 1),
          host_positions(device, num_positions),
          positions(device, num_positions) {}
    PinnedBuffer<std::uint64_t, Device> host_offsets;
    DeviceBuffer<std::uint64_t, Device> offsets;
    PinnedBuffer<PositionEntry<Real>, Device> host_positions;
    DeviceBuffer<PositionEntry<Real>, Device> positions;
  };

  std::uint64_t num_positions(const AccountBatch& batch) const {
    return accounts_.offsets[batch.last] - accounts_.offsets[batch.first];
  }

  Device& device_;
  const AccountPlan& accounts_;
  OwnedStream<Device> stream_;
  Set sets_[2];
};

}  // namespace tailmargin
