// Steps 3 and 4 on a device: the exact tails of one batch of accounts.
#pragma once

#include <algorithm>
#include <vector>

#include "kernels/cuda/kernels/collect_ties.hpp"
#include "kernels/cuda/kernels/filter_pnl.hpp"
#include "kernels/cuda/kernels/select_pivot.hpp"
#include "kernels/cuda/kernels/summarise_tails.hpp"
#include "kernels/cuda/pipeline/scenario_cube.hpp"

namespace tailmargin {

/// Tails of a batch, in the batch's order.
struct BatchTails {
  std::vector<TailFigures> figures;
  std::vector<std::vector<std::uint32_t>> paths;  ///< empty unless asked for
};

/// Finds the num_tail worst losses of every account of a batch, in three routes that give the same bits:
///   candidates  the losses above a pivot taken from a sample of the paths; nearly all accounts
///   ties        those, and then the first paths whose loss equals the pivot
///   whole row   every loss of the account, when there were too many or too few above the pivot
/// Either way the result is what a full sort by worse() starts with.
template <class Device, class Real>
class TailSelector {
 public:
  using Stream = typename Device::Stream;
  using Key = TailKey<Real>;

  TailSelector(Device& device, ScenarioCube<Device, Real>& cube, const PreparedRun& run, const TailRule& rule,
               const SelectionPlan& plan, std::uint64_t max_slots, Stream stream)
      : device_(device),
        cube_(cube),
        rule_(rule),
        plan_(plan),
        weights_(upload(device, run.path_weights, stream)),
        keys_(device, std::max(max_slots * std::max(plan.sample_paths, plan.capacity), run.num_paths)),
        alternate_(device, std::max(max_slots * plan.capacity, run.num_paths)),
        tails_(device, max_slots * plan.num_tail),
        pivots_(device, max_slots),
        num_above_(device, max_slots),
        num_ties_(device, max_slots),
        listed_(device, max_slots),
        num_found_(device, max_slots),
        begins_(device, max_slots),
        ends_(device, max_slots),
        figures_(device, max_slots),
        path_offsets_(device, max_slots + 1),
        host_above_(device, max_slots),
        host_ties_(device, max_slots),
        host_figures_(device, max_slots) {
    rule_.num_tail = plan.num_tail;
  }

  /// Device memory per account of a batch, without its positions.
  static std::uint64_t bytes_per_account(const SelectionPlan& plan) {
    return (std::uint64_t{std::max(plan.sample_paths, plan.capacity)} + plan.capacity) * sizeof(Key) +
           plan.num_tail * sizeof(TailLoss<Real>) + sizeof(Real) + 4 * sizeof(std::uint32_t) +
           2 * sizeof(std::int64_t) + sizeof(TailFigures) + sizeof(std::uint64_t);
  }
  /// Device memory for one whole row, whatever the batch.
  static std::uint64_t fixed_bytes(std::uint64_t num_paths) { return 2 * num_paths * sizeof(Key); }

  /// @param meanwhile  called once after the long kernels were launched, to use the time on the host
  template <class Meanwhile>
  BatchTails select(const AccountTable<Real>& accounts, std::uint32_t num_accounts, const TailsRequest& request,
                    StageSeconds& seconds, Meanwhile meanwhile, Stream stream) {
    BatchTails out;
    out.figures.resize(num_accounts);
    if (request.keep_paths == KeepTailPaths::yes) { out.paths.resize(num_accounts); }
    filter(accounts, num_accounts, request, seconds, meanwhile, stream);

    Stopwatch watch;
    const double revalued_before = seconds.simulate + seconds.revalue;
    const Routes routes = read_routes(num_accounts);
    if (!routes.ties.empty()) { collect_ties(accounts, routes.ties, request, seconds, stream); }
    finish(num_accounts, plan_.capacity, nullptr, out, stream);
    for (std::size_t first = 0; first < routes.whole_row.size(); first += rows_at_once()) {
      const std::size_t last = std::min<std::size_t>(routes.whole_row.size(), first + rows_at_once());
      select_whole_rows(accounts,
                        {routes.whole_row.begin() + static_cast<std::ptrdiff_t>(first),
                         routes.whole_row.begin() + static_cast<std::ptrdiff_t>(last)},
                        request, seconds, out, stream);
    }
    seconds.tail += watch.lap() - (seconds.simulate + seconds.revalue - revalued_before);
    return out;
  }

 private:
  struct Routes {
    std::vector<std::uint32_t> ties, whole_row;
  };

  std::uint64_t num_paths() const { return cube_.paths().num_paths; }
  std::uint64_t rows_at_once() const {
    return std::min({alternate_.size() / num_paths(), keys_.size() / num_paths(), num_above_.size()});
  }

  /// Pivots from the sample, then every path against them.
  template <class Meanwhile>
  void filter(const AccountTable<Real>& accounts, std::uint32_t num_slots, const TailsRequest& request,
              StageSeconds& seconds, Meanwhile meanwhile, Stream stream) {
    cube_.load(0, request, seconds, stream);
    Stopwatch watch;
    const double revalued_before = seconds.simulate + seconds.revalue;
    clear_counts(num_slots, stream);
    launch_filter(sample_kernel(accounts, num_slots), stream);
    device_.for_blocks("select_pivot", stream,
                       {num_slots, SelectPivot<Real>::max_threads, SelectPivot<Real>::shared_bytes(plan_.sample_paths)},
                       SelectPivot<Real>{keys_.data(), plan_.sample_paths, plan_.pivot_rank, pivots_.data()});
    clear_counts(num_slots, stream);
    for (std::uint64_t chunk = 0; chunk < cube_.paths().num_chunks(); ++chunk) {
      cube_.load(chunk, request, seconds, stream);
      FilterPnl<Real> kernel = chunk_kernel(accounts, nullptr, num_slots, chunk);
      kernel.pivot = pivots_.data();
      kernel.capacity = plan_.capacity;
      launch_filter(kernel, stream);
    }
    device_.copy_to_host(host_above_.data(), num_above_.data(), num_slots * sizeof(std::uint32_t), stream);
    device_.copy_to_host(host_ties_.data(), num_ties_.data(), num_slots * sizeof(std::uint32_t), stream);
    meanwhile();
    device_.synchronize(stream);  // the host chooses the routes
    seconds.pnl += watch.lap() - (seconds.simulate + seconds.revalue - revalued_before);
  }

  void clear_counts(std::uint32_t num_slots, Stream stream) {
    device_.fill_zero(num_above_.data(), num_slots * sizeof(std::uint32_t), stream);
    device_.fill_zero(num_ties_.data(), num_slots * sizeof(std::uint32_t), stream);
  }

  FilterPnl<Real> chunk_kernel(const AccountTable<Real>& accounts, const std::uint32_t* slot_account,
                               std::uint32_t num_slots, std::uint64_t chunk) {
    const PathPlan& paths = cube_.paths();
    return {accounts,           slot_account, num_slots, cube_.view(), static_cast<std::uint32_t>(paths.first(chunk)),
            paths.count(chunk), nullptr,      0,         keys_.data(), num_above_.data(),
            num_ties_.data()};
  }

  /// Keeps every loss of the sample.
  FilterPnl<Real> sample_kernel(const AccountTable<Real>& accounts, std::uint32_t num_slots) {
    FilterPnl<Real> kernel = chunk_kernel(accounts, nullptr, num_slots, 0);
    kernel.num_paths = plan_.sample_paths;
    kernel.capacity = plan_.sample_paths;
    return kernel;
  }

  void launch_filter(const FilterPnl<Real>& kernel, Stream stream) {
    const std::uint64_t blocks = FilterPnl<Real>::num_blocks(kernel.num_slots, kernel.num_paths);
    device_.for_blocks("filter_pnl", stream, {blocks, FilterPnl<Real>::max_threads, 0}, kernel);
  }

  Routes read_routes(std::uint32_t num_slots) const {
    Routes routes;
    for (std::uint32_t slot = 0; slot < num_slots; ++slot) {
      switch (tail_route(host_above_.data()[slot], host_ties_.data()[slot], plan_.num_tail, plan_.capacity)) {
        case TailRoute::candidates: break;
        case TailRoute::ties: routes.ties.push_back(slot); break;
        case TailRoute::whole_row: routes.whole_row.push_back(slot); break;
      }
    }
    return routes;
  }

  void collect_ties(const AccountTable<Real>& accounts, const std::vector<std::uint32_t>& slots,
                    const TailsRequest& request, StageSeconds& seconds, Stream stream) {
    device_.copy_to_device(listed_.data(), slots.data(), slots.size() * sizeof(std::uint32_t), stream);
    device_.fill_zero(num_found_.data(), slots.size() * sizeof(std::uint32_t), stream);
    const PathPlan& paths = cube_.paths();
    for (std::uint64_t chunk = 0; chunk < paths.num_chunks(); ++chunk) {
      cube_.load(chunk, request, seconds, stream);
      const CollectTies<Real> kernel{
          accounts,           listed_.data(), cube_.view(),      static_cast<std::uint32_t>(paths.first(chunk)),
          paths.count(chunk), pivots_.data(), num_above_.data(), plan_.num_tail,
          plan_.capacity,     keys_.data(),   num_found_.data()};
      device_.for_blocks("collect_ties", stream,
                         {slots.size(), CollectTies<Real>::max_threads, CollectTies<Real>::shared_bytes()}, kernel);
    }
  }

  /// The plain way for a few accounts: keep all their losses.
  void select_whole_rows(const AccountTable<Real>& accounts, const std::vector<std::uint32_t>& slots,
                         const TailsRequest& request, StageSeconds& seconds, BatchTails& out, Stream stream) {
    const auto num_slots = static_cast<std::uint32_t>(slots.size());
    device_.copy_to_device(listed_.data(), slots.data(), slots.size() * sizeof(std::uint32_t), stream);
    clear_counts(num_slots, stream);
    for (std::uint64_t chunk = 0; chunk < cube_.paths().num_chunks(); ++chunk) {
      cube_.load(chunk, request, seconds, stream);
      FilterPnl<Real> kernel = chunk_kernel(accounts, listed_.data(), num_slots, chunk);
      kernel.capacity = static_cast<std::uint32_t>(num_paths());
      launch_filter(kernel, stream);
    }
    finish(num_slots, static_cast<std::uint32_t>(num_paths()), &slots, out, stream);
  }

  /// Sorts the keys of each slot, summarises them and brings the figures home.
  /// @param accounts  account of each slot; null: slot i is account i
  void finish(std::uint32_t num_slots, std::uint32_t capacity, const std::vector<std::uint32_t>* accounts,
              BatchTails& out, Stream stream) {
    const MarkSegments mark{num_above_.data(), num_ties_.data(), plan_.num_tail,
                            capacity,          begins_.data(),   ends_.data()};
    device_.for_each("mark_segments", stream, 1, num_slots, mark);
    const Key* sorted = device_.sort_segments(keys_.data(), alternate_.data(), std::uint64_t(num_slots) * capacity,
                                              num_slots, begins_.data(), ends_.data(), stream);
    device_.for_each("unpack_tails", stream, num_slots, plan_.num_tail,
                     UnpackTails<Real>{sorted, begins_.data(), ends_.data(), plan_.num_tail, tails_.data()});
    constexpr std::uint32_t block = SummariseTails<Real>::max_threads;
    device_.for_blocks("summarise_tails", stream, {(num_slots + block - 1) / block, block, 0},
                       SummariseTails<Real>{tails_.data(), begins_.data(), ends_.data(), rule_, weights_.data(),
                                            figures_.data(), num_slots});
    device_.copy_to_host(host_figures_.data(), figures_.data(), num_slots * sizeof(TailFigures), stream);
    device_.synchronize(stream);  // the figures are read below

    std::vector<std::uint64_t> offsets(num_slots + std::size_t(1), 0);
    for (std::uint32_t slot = 0; slot < num_slots; ++slot) {
      const bool complete = accounts != nullptr || tail_route(host_above_.data()[slot], host_ties_.data()[slot],
                                                              plan_.num_tail, capacity) != TailRoute::whole_row;
      offsets[slot + 1] = offsets[slot] + (complete ? host_figures_.data()[slot].tail_count : 0);
      if (complete) { out.figures[accounts == nullptr ? slot : (*accounts)[slot]] = host_figures_.data()[slot]; }
    }
    if (!out.paths.empty()) { copy_paths(offsets, accounts, out, stream); }
  }

  void copy_paths(const std::vector<std::uint64_t>& offsets, const std::vector<std::uint32_t>* accounts,
                  BatchTails& out, Stream stream) {
    const std::size_t num_slots = offsets.size() - 1;
    DeviceBuffer<std::uint32_t, Device> paths(device_, offsets.back());
    std::vector<std::uint32_t> host_paths(offsets.back());
    device_.copy_to_device(path_offsets_.data(), offsets.data(), offsets.size() * sizeof(std::uint64_t), stream);
    device_.for_each("gather_tail_paths", stream, num_slots, plan_.num_tail,
                     GatherTailPaths<Real>{tails_.data(), path_offsets_.data(), plan_.num_tail, paths.data()});
    device_.copy_to_host(host_paths.data(), paths.data(), offsets.back() * sizeof(std::uint32_t), stream);
    device_.synchronize(stream);  // the paths are read below
    for (std::size_t slot = 0; slot < num_slots; ++slot) {
      if (offsets[slot] == offsets[slot + 1]) { continue; }
      out.paths[accounts == nullptr ? slot : (*accounts)[slot]].assign(
          host_paths.begin() + static_cast<std::ptrdiff_t>(offsets[slot]),
          host_paths.begin() + static_cast<std::ptrdiff_t>(offsets[slot + 1]));
    }
  }

  Device& device_;
  ScenarioCube<Device, Real>& cube_;
  TailRule rule_;
  SelectionPlan plan_;
  DeviceBuffer<std::uint32_t, Device> weights_;
  DeviceBuffer<Key, Device> keys_, alternate_;
  DeviceBuffer<TailLoss<Real>, Device> tails_;
  DeviceBuffer<Real, Device> pivots_;
  DeviceBuffer<std::uint32_t, Device> num_above_, num_ties_, listed_, num_found_;
  DeviceBuffer<std::int64_t, Device> begins_, ends_;
  DeviceBuffer<TailFigures, Device> figures_;
  DeviceBuffer<std::uint64_t, Device> path_offsets_;
  PinnedBuffer<std::uint32_t, Device> host_above_, host_ties_;
  PinnedBuffer<TailFigures, Device> host_figures_;
};

}  // namespace tailmargin
