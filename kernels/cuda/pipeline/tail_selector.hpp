// Steps 3 and 4 on a device: the exact tails of one batch of accounts.
#pragma once

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <vector>

#include "kernels/cuda/kernels/collect_ties.hpp"
#include "kernels/cuda/kernels/select_pivot.hpp"
#include "kernels/cuda/kernels/sort_tails.hpp"
#include "kernels/cuda/kernels/summarise_tails.hpp"
#include "kernels/cuda/kernels/tile_pnl.hpp"
#include "kernels/cuda/pipeline/account_staging.hpp"
#include "kernels/cuda/pipeline/scenario_cube.hpp"

namespace tailmargin {

/// Tails of the accounts [first_account, first_account + figures.size()), in their order.
struct BatchTails {
  std::uint64_t first_account;
  std::vector<TailFigures> figures;
  std::vector<double> regime_es;                  ///< [account][regime], if ES is split
  std::vector<std::vector<std::uint32_t>> paths;  ///< empty unless asked for
};

/// Finds the worst losses of every account of a batch, in three routes that give the same bits:
///   candidates  the losses above a pivot taken from a sample of the paths; nearly all accounts
///   ties        those, and then the first paths whose loss equals the pivot
///   whole row   every loss of the account, when there were too many or too few above the pivot
/// Either way the result is what a full sort by worse() starts with.
template <class Device, class Real>
class TailSelector {
 public:
  using Stream = typename Device::Stream;
  using Staged = StagedAccounts<Device, Real>;

  TailSelector(Device& device, ScenarioCube<Device, Real>& cube, const PreparedRun& run, const AccountPlan& accounts,
               const TailRule& rule, const TileShape& shape, const SelectionPlan& plan, std::uint64_t max_slots,
               bool carries, Stream stream)
      : device_(device),
        cube_(cube),
        accounts_(accounts),
        rule_(rule),
        shape_(shape),
        plan_(plan),
        max_slots_(max_slots),
        weights_(upload(device, run.path_weights, stream)),
        num_regimes_(run.regime_steps.empty() ? 0 : run.scenarios.num_regimes),
        num_steps_(run.scenarios.num_steps),
        regime_steps_(upload(device, run.regime_steps, stream)),
        rows_(device, std::max(max_slots * row_bytes(plan), whole_row_bytes(run.num_paths))),
        pivots_(device, max_slots),
        counters_(device, 2 * max_slots + 1 + cube.paths().num_chunks()),
        tail_sizes_(device, max_slots),
        tail_weights_(device, max_slots),
        listed_(device, 2 * max_slots),
        figures_(device, max_slots),
        regime_es_(device, max_slots * num_regimes_),
        path_offsets_(device, max_slots + 1),
        carried_(device, carries ? carried_accounts(device, shape) : 0),
        host_counts_(device, 2 * max_slots),
        host_sizes_(device, max_slots),
        host_figures_(device, max_slots),
        host_regime_es_(device, max_slots * num_regimes_),
        whole_(device) {}

  /// Device memory per account of a batch, without its positions.
  static std::uint64_t bytes_per_account(const SelectionPlan& plan, std::uint64_t num_regimes) {
    return row_bytes(plan) + sizeof(Real) + 5 * sizeof(std::uint32_t) + 2 * sizeof(std::uint64_t) +
           sizeof(TailFigures) + num_regimes * sizeof(double);
  }
  /// Device memory whatever the batch: one whole row and its keys' paths, the sums laid aside.
  static std::uint64_t fixed_bytes(const Device& device, const TileShape& shape, std::uint64_t num_paths,
                                   bool carries) {
    return whole_row_bytes(num_paths) + (carries ? carried_bytes(device, shape) : 0);
  }

  /// @param meanwhile  called once after the long kernels were launched, to use the time on the host
  template <class Meanwhile>
  BatchTails select(const Staged& staged, const AccountBatch& batch, const TailsRequest& request, StageSeconds& seconds,
                    Meanwhile meanwhile, Stream stream) {
    BatchTails out{batch.first, {}, {}, {}};
    out.figures.resize(batch.num_accounts());
    out.regime_es.resize(batch.num_accounts() * num_regimes_);
    if (request.keep_paths == KeepTailPaths::yes) { out.paths.resize(batch.num_accounts()); }
    filter(staged, request, seconds, meanwhile, stream);

    Stopwatch watch;
    const double revalued_before = seconds.simulate + seconds.revalue;
    std::vector<std::uint32_t> left = finish(staged, candidate_rows(), nullptr, out, stream);
    const auto is_whole = [this](std::uint32_t slot) {
      return host_counts_.data()[slot] > plan_.capacity || host_counts_.data()[max_slots_ + slot] == 0;
    };
    const auto ties_end = std::stable_partition(left.begin(), left.end(), [&](auto slot) { return !is_whole(slot); });
    std::vector<std::uint32_t> whole(ties_end, left.end());
    left.erase(ties_end, left.end());
    if (!left.empty()) {
      collect_ties(staged, left, request, seconds, stream);
      const std::vector<std::uint32_t> short_of = finish(staged, candidate_rows(), &left, out, stream);
      whole.insert(whole.end(), short_of.begin(), short_of.end());
    }
    const std::size_t at_once = rows_at_once();
    for (std::size_t first = 0; first < whole.size(); first += at_once) {
      std::vector<std::uint64_t> listed;
      for (std::size_t i = first; i < std::min(whole.size(), first + at_once); ++i) {
        listed.push_back(staged.plan().accounts[whole[i]]);
      }
      select_whole_rows(listed, request, seconds, out, stream);
    }
    seconds.tail += watch.lap() - (seconds.simulate + seconds.revalue - revalued_before);
    return out;
  }

 private:
  using Key = TailKey<Real>;
  using Carried = typename TilePnl<Real>::Carried;

  static std::uint64_t padded(std::uint64_t bytes) { return (bytes + quad_bytes - 1) / quad_bytes * quad_bytes; }
  static std::uint64_t row_bytes(const SelectionPlan& plan) {
    return padded(std::max(plan.sample_paths * sizeof(Real), plan.capacity * sizeof(Key)));
  }
  static std::uint64_t whole_row_bytes(std::uint64_t num_paths) { return padded(num_paths * sizeof(Key)); }
  static std::uint64_t carried_accounts(const Device& device, const TileShape& shape) {
    return std::uint64_t{device.num_multiprocessors()} * shape.max_carried;
  }
  static std::uint64_t carried_bytes(const Device& device, const TileShape& shape) {
    return carried_accounts(device, shape) * sizeof(Carried);
  }

  std::uint64_t num_paths() const { return cube_.paths().num_paths; }
  std::uint64_t rows_at_once() const { return std::min(rows_.size() / whole_row_bytes(num_paths()), max_slots_); }
  TailRows candidate_rows() { return {rows_.data(), row_bytes(plan_), plan_.capacity}; }
  TailRows whole_rows() {
    return {rows_.data(), whole_row_bytes(num_paths()), static_cast<std::uint32_t>(num_paths())};
  }
  TailCounts counts() { return {counters_.data(), counters_.data() + max_slots_}; }
  /// Queue of the sample, and of each chunk of paths.
  std::uint32_t* sample_queue() { return counters_.data() + 2 * max_slots_; }
  std::uint32_t* queue(std::uint64_t chunk) { return sample_queue() + 1 + chunk; }
  TailReach reach() const { return {weights_.data(), plan_.reach, num_paths()}; }
  void clear_counters(Stream stream) {
    device_.fill_zero(counters_.data(), counters_.size() * sizeof(std::uint32_t), stream);
  }

  /// Pivots from the sample, then the other paths against them.
  template <class Meanwhile>
  void filter(const Staged& staged, const TailsRequest& request, StageSeconds& seconds, Meanwhile meanwhile,
              Stream stream) {
    cube_.load(0, request, seconds, stream);
    Stopwatch watch;
    const double revalued_before = seconds.simulate + seconds.revalue;
    clear_counters(stream);
    const TailRows rows = candidate_rows();
    launch_tiles(staged, rows, rows.row<Real>(0), 0, 0, plan_.sample_paths, sample_queue(), stream);
    device_.for_blocks(
        "select_pivot", stream,
        {staged.plan().accounts.size(), SelectPivot<Real>::max_threads,
         SelectPivot<Real>::shared_bytes(plan_.sample_paths, weights_.size() != 0)},
        SelectPivot<Real>{rows, plan_.sample_paths, weights_.data(), plan_.pivot_target, pivots_.data(), counts()});
    for (std::uint64_t chunk = 0; chunk < cube_.paths().num_chunks(); ++chunk) {
      cube_.load(chunk, request, seconds, stream);
      launch_tiles(staged, rows, nullptr, chunk, chunk == 0 ? plan_.sample_paths : 0, cube_.paths().count(chunk),
                   queue(chunk), stream);
    }
    meanwhile();
    device_.synchronize(stream);  // for the clock
    seconds.pnl += watch.lap() - (seconds.simulate + seconds.revalue - revalued_before);
  }

  /// The paths [begin, end) of a chunk, which is in memory.
  /// @param losses  null: filters
  void launch_tiles(const Staged& staged, const TailRows& rows, Real* losses, std::uint64_t chunk, std::uint64_t begin,
                    std::uint64_t end, std::uint32_t* queue, Stream stream) {
    const TilePlan& plan = staged.plan();
    if (begin >= end || plan.chunks.empty()) { return; }
    const std::uint32_t threads = shape_.warps * warp_size;
    const std::uint32_t shared_bytes =
        TilePnl<Real>::fixed_shared_bytes(shape_.warps) + plan.largest_piece * tile_bytes_per_column;
    const std::uint64_t items = plan.chunks.size() * ((end - begin + paths_per_tile<Real> - 1) / paths_per_tile<Real>);
    const std::uint64_t blocks =
        plan.carries ? device_.num_multiprocessors() : device_.resident_blocks(threads, shared_bytes);
    const TilePnl<Real> kernel{staged.tiles(),
                               static_cast<std::uint32_t>(plan.chunks.size()),
                               cube_.view().at(begin),
                               static_cast<std::uint32_t>(cube_.paths().first(chunk) + begin),
                               end - begin,
                               losses,
                               rows.row_bytes / sizeof(Real),
                               pivots_.data(),
                               rows,
                               counts(),
                               queue,
                               carried_.data(),
                               shape_.max_carried};
    device_.for_blocks("tile_pnl", stream, {std::min(blocks, items), threads, shared_bytes}, kernel);
  }

  void collect_ties(const Staged& staged, const std::vector<std::uint32_t>& slots, const TailsRequest& request,
                    StageSeconds& seconds, Stream stream) {
    const std::vector<std::uint32_t> chunks = chunks_of(staged.plan(), slots);
    upload_list(slots, listed_.data(), stream);
    upload_list(chunks, listed_.data() + max_slots_, stream);
    const PathPlan& paths = cube_.paths();
    for (std::uint64_t chunk = 0; chunk < paths.num_chunks(); ++chunk) {
      cube_.load(chunk, request, seconds, stream);
      const CollectTies<Real> kernel{staged.tiles(),
                                     listed_.data(),
                                     listed_.data() + max_slots_,
                                     cube_.view(),
                                     static_cast<std::uint32_t>(paths.first(chunk)),
                                     paths.count(chunk),
                                     pivots_.data(),
                                     candidate_rows(),
                                     counts(),
                                     reach(),
                                     tail_weights_.data()};
      device_.for_blocks("collect_ties", stream,
                         {slots.size(), CollectTies<Real>::max_threads, CollectTies<Real>::shared_bytes()}, kernel);
    }
  }

  static std::vector<std::uint32_t> chunks_of(const TilePlan& plan, const std::vector<std::uint32_t>& slots) {
    std::vector<std::uint32_t> chunks;
    for (const std::uint32_t slot : slots) {
      const auto next = std::upper_bound(plan.chunks.begin(), plan.chunks.end(), slot,
                                         [](std::uint32_t s, const AccountChunk& c) { return s < c.first_slot; });
      chunks.push_back(static_cast<std::uint32_t>(next - plan.chunks.begin()) - 1);
    }
    return chunks;
  }

  void upload_list(const std::vector<std::uint32_t>& values, std::uint32_t* to, Stream stream) {
    device_.copy_to_device(to, values.data(), values.size() * sizeof(std::uint32_t), stream);
  }

  /// The plain way for a few accounts: keep all their losses.
  void select_whole_rows(const std::vector<std::uint64_t>& listed, const TailsRequest& request, StageSeconds& seconds,
                         BatchTails& out, Stream stream) {
    whole_.start(accounts_, listed, shape_, stream);
    clear_counters(stream);
    const std::vector<Real> keep_all(listed.size(), -std::numeric_limits<Real>::infinity());
    device_.copy_to_device(pivots_.data(), keep_all.data(), keep_all.size() * sizeof(Real), stream);
    for (std::uint64_t chunk = 0; chunk < cube_.paths().num_chunks(); ++chunk) {
      cube_.load(chunk, request, seconds, stream);
      launch_tiles(whole_, whole_rows(), nullptr, chunk, 0, cube_.paths().count(chunk), queue(chunk), stream);
    }
    const std::vector<std::uint32_t> left = finish(whole_, whole_rows(), nullptr, out, stream);
    if (!left.empty()) {
      throw std::runtime_error("some losses of account number " + std::to_string(whole_.plan().accounts[left.front()]) +
                               " are not numbers");
    }
  }

  /// Sorts the rows, summarises those that hold a complete tail and brings their figures home.
  /// @param listed  the slots to look at; null: all
  /// @return the slots whose tail is not complete
  std::vector<std::uint32_t> finish(const Staged& staged, const TailRows& rows,
                                    const std::vector<std::uint32_t>* listed, BatchTails& out, Stream stream) {
    const auto num_slots = static_cast<std::uint32_t>(staged.plan().accounts.size());
    const auto count = listed == nullptr ? num_slots : static_cast<std::uint32_t>(listed->size());
    const std::uint32_t* slots = listed == nullptr ? nullptr : listed_.data();
    const std::uint32_t shared_keys = keys_in_shared_memory(rows.capacity);
    device_.for_blocks(
        "sort_tails", stream, {count, SortTails<Real>::max_threads, SortTails<Real>::shared_bytes(shared_keys)},
        SortTails<Real>{slots, rows, counts(), reach(), shared_keys, tail_sizes_.data(), tail_weights_.data()});
    constexpr std::uint32_t block = SummariseTails<Real>::max_threads;
    device_.for_blocks(
        "summarise_tails", stream, {(count + block - 1) / block, block, 0},
        SummariseTails<Real>{slots, count, rows, tail_sizes_.data(), rule_, weights_.data(), figures_.data()});
    if (num_regimes_ != 0) {
      device_.for_blocks("split_tails", stream, {(count + block - 1) / block, block, 0},
                         SplitTails<Real>{slots,
                                          count,
                                          rows,
                                          tail_sizes_.data(),
                                          rule_,
                                          weights_.data(),
                                          figures_.data(),
                                          {regime_steps_.data(), num_regimes_, num_steps_},
                                          regime_es_.data()});
      device_.copy_to_host(host_regime_es_.data(), regime_es_.data(),
                           std::uint64_t{num_slots} * num_regimes_ * sizeof(double), stream);
    }
    device_.copy_to_host(host_counts_.data(), counters_.data(), 2 * max_slots_ * sizeof(std::uint32_t), stream);
    device_.copy_to_host(host_sizes_.data(), tail_sizes_.data(), num_slots * sizeof(std::uint32_t), stream);
    device_.copy_to_host(host_figures_.data(), figures_.data(), num_slots * sizeof(TailFigures), stream);
    device_.synchronize(stream);  // they are read below

    std::vector<std::uint32_t> complete, left;
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t slot = listed == nullptr ? i : (*listed)[i];
      (host_sizes_.data()[slot] != 0 ? complete : left).push_back(slot);
    }
    const auto& accounts = staged.plan().accounts;
    for (const std::uint32_t slot : complete) {
      const std::uint64_t place = accounts[slot] - out.first_account;
      out.figures[place] = host_figures_.data()[slot];
      std::copy_n(host_regime_es_.data() + std::uint64_t{slot} * num_regimes_, num_regimes_,
                  out.regime_es.data() + place * num_regimes_);
    }
    if (!out.paths.empty()) { copy_paths(accounts, rows, complete, out, stream); }
    return left;
  }

  std::uint32_t keys_in_shared_memory(std::uint32_t capacity) const {
    // Four blocks then share a multiprocessor; the gaps between keys take a seventeenth.
    const std::uint32_t bytes = device_.max_shared_bytes() / 4;
    return std::min(capacity, bytes / static_cast<std::uint32_t>(sizeof(Key)) / 17 * 16);
  }

  void copy_paths(const std::vector<std::uint64_t>& accounts, const TailRows& rows,
                  const std::vector<std::uint32_t>& complete, BatchTails& out, Stream stream) {
    std::vector<std::uint64_t> offsets(accounts.size() + 1, 0);
    std::uint32_t longest = 0;
    for (const std::uint32_t slot : complete) {
      offsets[slot + 1] = host_figures_.data()[slot].tail_count;
      longest = std::max(longest, host_figures_.data()[slot].tail_count);
    }
    std::partial_sum(offsets.begin(), offsets.end(), offsets.begin());
    DeviceBuffer<std::uint32_t, Device> paths(device_, offsets.back());
    std::vector<std::uint32_t> host_paths(offsets.back());
    device_.copy_to_device(path_offsets_.data(), offsets.data(), offsets.size() * sizeof(std::uint64_t), stream);
    device_.for_each("gather_tail_paths", stream, accounts.size(), longest,
                     GatherTailPaths<Real>{rows, path_offsets_.data(), paths.data()});
    device_.copy_to_host(host_paths.data(), paths.data(), offsets.back() * sizeof(std::uint32_t), stream);
    device_.synchronize(stream);  // the paths are read below
    for (const std::uint32_t slot : complete) {
      out.paths[accounts[slot] - out.first_account].assign(
          host_paths.begin() + static_cast<std::ptrdiff_t>(offsets[slot]),
          host_paths.begin() + static_cast<std::ptrdiff_t>(offsets[slot + 1]));
    }
  }

  Device& device_;
  ScenarioCube<Device, Real>& cube_;
  const AccountPlan& accounts_;
  TailRule rule_;
  TileShape shape_;
  SelectionPlan plan_;
  std::uint64_t max_slots_;
  DeviceBuffer<std::uint32_t, Device> weights_;
  std::uint32_t num_regimes_, num_steps_;  // 0 regimes: ES is not split by them
  DeviceBuffer<std::uint16_t, Device> regime_steps_;
  DeviceBuffer<unsigned char, Device> rows_;
  DeviceBuffer<Real, Device> pivots_;
  DeviceBuffer<std::uint32_t, Device> counters_, tail_sizes_;
  DeviceBuffer<std::uint64_t, Device> tail_weights_;
  DeviceBuffer<std::uint32_t, Device> listed_;  // slots, and behind them their chunks
  DeviceBuffer<TailFigures, Device> figures_;
  DeviceBuffer<double, Device> regime_es_;
  DeviceBuffer<std::uint64_t, Device> path_offsets_;
  DeviceBuffer<Carried, Device> carried_;
  PinnedBuffer<std::uint32_t, Device> host_counts_, host_sizes_;
  PinnedBuffer<TailFigures, Device> host_figures_;
  PinnedBuffer<double, Device> host_regime_es_;
  Staged whole_;
};

}  // namespace tailmargin
