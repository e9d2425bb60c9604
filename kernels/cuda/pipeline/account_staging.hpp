// Accounts on their way to the device.
#pragma once

#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "kernels/cuda/pipeline/device_buffer.hpp"
#include "kernels/cuda/pipeline/plans.hpp"

namespace tailmargin {

/// Accounts laid out for TilePnl, on the device. One allocation on either side, which grows with the largest batch.
template <class Device, class Real>
class StagedAccounts {
 public:
  StagedAccounts() = default;
  explicit StagedAccounts(Device& device) : device_(&device) {}

  /// Lays the listed accounts out and starts their upload. Those staged before must not be in use any more.
  void start(const AccountPlan& accounts, const std::vector<std::uint64_t>& listed, const TileShape& shape,
             typename Device::Stream stream) {
    plan_ = plan_tiles(accounts, listed, shape, PositionQuad<Real>::size);
    reserve();
    bytes_ = 0;
    chunks_ = put(plan_.chunks);
    pieces_ = put(plan_.pieces);
    columns_ = put(plan_.columns);
    runs_ = put(plan_.runs);
    rows_ = put(plan_.rows);
    quads_ = bytes_;
    write_quads(accounts, plan_, reinterpret_cast<PositionQuad<Real>*>(host_.data() + quads_));
    bytes_ += plan_.num_quads() * quad_bytes;
    device_->copy_to_device(memory_.data(), host_.data(), bytes_, stream);
  }

  const TilePlan& plan() const { return plan_; }
  AccountTiles<Real> tiles() const {
    return {at<AccountChunk>(chunks_), at<ColumnPiece>(pieces_), at<std::uint32_t>(columns_),
            at<std::uint32_t>(runs_),  at<std::uint32_t>(rows_), at<PositionQuad<Real>>(quads_)};
  }

 private:
  static std::uint64_t padded(std::uint64_t bytes) { return (bytes + quad_bytes - 1) / quad_bytes * quad_bytes; }
  template <class T>
  static std::uint64_t bytes_of(const std::vector<T>& values) {
    return padded(values.size() * sizeof(T));
  }

  void reserve() {
    const std::uint64_t bytes = bytes_of(plan_.chunks) + bytes_of(plan_.pieces) + bytes_of(plan_.columns) +
                                bytes_of(plan_.runs) + bytes_of(plan_.rows) + plan_.num_quads() * quad_bytes;
    if (bytes <= memory_.size()) { return; }
    host_ = {};  // frees the old memory first
    memory_ = {};
    host_ = PinnedBuffer<unsigned char, Device>(*device_, bytes);
    memory_ = DeviceBuffer<unsigned char, Device>(*device_, bytes);
  }

  /// Appends a table to the host's copy. Returns where.
  template <class T>
  std::uint64_t put(const std::vector<T>& values) {
    const std::uint64_t begin = bytes_;
    if (!values.empty()) { std::memcpy(host_.data() + begin, values.data(), values.size() * sizeof(T)); }
    bytes_ += bytes_of(values);
    return begin;
  }
  template <class T>
  const T* at(std::uint64_t begin) const {
    return reinterpret_cast<const T*>(memory_.data() + begin);
  }

  Device* device_ = nullptr;
  TilePlan plan_;
  PinnedBuffer<unsigned char, Device> host_;
  DeviceBuffer<unsigned char, Device> memory_;
  std::uint64_t bytes_ = 0, chunks_ = 0, pieces_ = 0, columns_ = 0, runs_ = 0, rows_ = 0, quads_ = 0;
};

/// Two sets of accounts in turn: batch n + 1 is laid out and uploaded on a stream of its own while the device works on
/// batch n. A set is written again only after its batch was finished, so no events are needed.
template <class Device, class Real>
class AccountStaging {
 public:
  AccountStaging(Device& device, const AccountPlan& accounts, const TileShape& shape)
      : device_(device),
        accounts_(accounts),
        shape_(shape),
        sets_{StagedAccounts<Device, Real>(device), StagedAccounts<Device, Real>(device)},
        stream_(device) {}

  /// Starts the upload of batch number `index`.
  void start(const AccountBatch& batch, std::uint64_t index) {
    std::vector<std::uint64_t> listed(batch.num_accounts());
    std::iota(listed.begin(), listed.end(), batch.first);
    sets_[index % 2].start(accounts_, listed, shape_, stream_.get());
  }

  /// Waits for the upload.
  const StagedAccounts<Device, Real>& finish(std::uint64_t index) {
    device_.synchronize(stream_.get());
    return sets_[index % 2];
  }

  /// Device memory that both sets together need for a position, and for an account: a row in each piece, with what
  /// fills its last quad.
  static std::uint64_t bytes_per_position() { return 2 * sizeof(PositionEntry<Real>); }
  static std::uint64_t bytes_per_account(std::uint32_t num_pieces) {
    const std::uint64_t filling = quad_bytes - sizeof(PositionEntry<Real>);
    return 2 * num_pieces * (sizeof(std::uint32_t) + filling);
  }

 private:
  Device& device_;
  const AccountPlan& accounts_;
  TileShape shape_;
  StagedAccounts<Device, Real> sets_[2];
  OwnedStream<Device> stream_;
};

}  // namespace tailmargin
