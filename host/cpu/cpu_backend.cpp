// The cpu backend: paths go through in tiles that stay in cache; all accounts stream past each tile.
//
//   for each batch of accounts (as many as memory holds candidates for)
//     for each block of tiles
//       in parallel over tiles:            simulate, revalue -> cube[tile][column][lane]
//       in parallel over account groups:   P&L and filter, tile by tile
//     in parallel over accounts:           sort candidates, tail figures
//
// Accounts go through in an order that puts like beside like, so that what one leaves in the first-level cache serves
// the next. An account belongs to one task at a time and meets its paths in order, so no result depends on the number
// of threads, the tile width, the batch size or that order.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_sort.h>
#include <tbb/task_arena.h>

#include "host/backends/run_control.hpp"
#include "host/backends/run_tables.hpp"
#include "host/cpu/candidates.hpp"
#include "host/cpu/held_columns.hpp"
#include "host/cpu/host_loops.hpp"
#include "host/cpu/near_tails.hpp"
#include "host/cpu/shortfall_pass.hpp"
#include "host/cpu/tail_shortfalls.hpp"
#include "host/cpu/tile_width.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

using cpu::Kernels;

/// Accounts of few exposures first and by their number, so that loops over them are of one length; then by the
/// underlyings they touch, so that neighbours read the same part of a tile.
std::vector<std::uint32_t> order_accounts(const AccountPlan& accounts, const ColumnPlan& plan) {
  struct Key {
    std::uint64_t kind;
    std::uint32_t account;
  };
  std::vector<Key> keys(accounts.offsets.size() - 1);
  tbb::parallel_for(std::uint32_t{0}, static_cast<std::uint32_t>(keys.size()), [&](std::uint32_t a) {
    const std::uint64_t first = accounts.offsets[a], last = accounts.offsets[a + 1];
    constexpr std::uint64_t few = 8;
    std::uint64_t kind = std::min(last - first, few) << 56;
    int shift = 48;
    for (std::uint64_t p = first; p < last && shift >= 0; ++p) {
      if (!accounts.columns[p].last_of_underlying()) { continue; }
      const std::uint64_t underlying = plan.column_underlying[accounts.columns[p].column()];
      kind |= std::min<std::uint64_t>(underlying, 255) << shift;
      shift -= 8;
    }
    keys[a] = {kind, a};
  });
  tbb::parallel_sort(keys.begin(), keys.end(), [](const Key& a, const Key& b) {
    return a.kind < b.kind || (a.kind == b.kind && a.account < b.account);
  });
  std::vector<std::uint32_t> order(keys.size());
  std::transform(keys.begin(), keys.end(), order.begin(), [](const Key& key) { return key.account; });
  return order;
}

/// Positions in the order in which accounts are visited: read one after the other they come in time by themselves.
template <class Real>
class PlacedAccounts {
 public:
  PlacedAccounts(const AccountPlan& accounts, const std::vector<std::uint32_t>& order) {
    offsets_.reserve(order.size() + 1);
    columns_.reserve(accounts.columns.size());
    quantities_.reserve(accounts.columns.size());
    offsets_.push_back(0);
    for (const std::uint32_t account : order) {
      for (std::uint64_t p = accounts.offsets[account]; p < accounts.offsets[account + 1]; ++p) {
        columns_.push_back(accounts.columns[p]);
        quantities_.push_back(static_cast<Real>(accounts.quantities[p]));
      }
      offsets_.push_back(columns_.size());
    }
  }

  AccountsPayload<Real> payload() const { return {offsets_.data(), columns_.data(), quantities_.data()}; }

 private:
  std::vector<std::uint64_t> offsets_;   // [place + 1]
  std::vector<PositionColumn> columns_;  // [position]
  std::vector<Real> quantities_;
};

/// Adds up how long tasks of one stage took, over all threads.
class StageClock {
 public:
  void add(double seconds) {
    const std::lock_guard<std::mutex> lock(mutex_);
    total_ += seconds;
  }
  double total() const { return total_; }

 private:
  std::mutex mutex_;
  double total_ = 0.0;
};

template <class T>
using HostBuffer = std::vector<T>;

/// Observations of all paths are kept if they fit, so that later batches and the pass in double need not simulate.
constexpr std::uint64_t observation_bytes_budget = std::uint64_t{256} << 20;
/// Candidate buffers of a batch of accounts: an eighth of the machine's memory, 2.5 GiB at most. Each batch revalues
/// every column again.
std::uint64_t candidate_bytes_budget() {
  const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
  const std::uint64_t memory =
      pages > 0 && page > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page) : 0;
  return std::clamp(memory / 8, std::uint64_t{256} << 20, std::uint64_t{2560} << 20);
}
/// Paths between two synchronisations, more if that leaves a thread less than four tiles.
constexpr std::uint32_t paths_per_block = 4096;
/// Losses below this part of where a tail is expected to begin are not kept.
constexpr double far_below = 0.6;

/// One call of tails() in one precision.
template <class Real>
class CpuPass {
 public:
  CpuPass(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request, const CpuOptions& options,
          const Kernels& kernels, int threads, cpu::Workspace& memory)
      : run_(run),
        accounts_(accounts),
        request_(request),
        options_(options),
        kernels_(kernels),
        threads_(threads),
        rule_(make_tail_rule(run)),
        weights_(run.path_weights.empty() ? nullptr : run.path_weights.data()),
        regimes_(run.steps_by_regime()),
        candidates_(rule_, run.num_paths, weights_, options.tail_sigmas, &memory.candidates),
        task_{rule_, weights_, regimes_},
        order_(order_accounts(accounts, run.columns)),
        step_tables_(run, [](const auto& values) { return values; }),
        simulate_(step_tables_.payload()),
        placed_(accounts, order_),
        columns_(accounts, run.columns),
        scratch_([this] {
          return TileScratch{LargeBuffer<float>(std::size_t{scratch_rows(simulate_)} * cpu::lanes),
                             LargeBuffer<float>(std::size_t{simulate_.num_observations} * width_),
                             LargeBuffer<Real>(columns_.market_rows() * width_)};
        }),
        weights_scratch_([this] { return LargeBuffer<std::uint32_t>(weights_ == nullptr ? 0 : run_.num_paths); }) {
    width_ = options.paths_per_tile != 0
                 ? options.paths_per_tile
                 : choose_tile_width(run.columns.cube_columns(), sizeof(Real), kernels.paths_at_once);
    const std::uint64_t groups = (run.num_paths + cpu::lanes - 1) / cpu::lanes;  // no more than there are paths
    width_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(width_, groups * cpu::lanes));
    if (request.observations != nullptr) { width_ = request.observations->tile_width; }
    const std::uint64_t tiles = (run.num_paths + width_ - 1) / width_;
    const std::uint32_t wanted = std::max(paths_per_block / width_, static_cast<std::uint32_t>(4 * threads));
    tiles_per_block_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, tiles));
    cube_ = memory.columns<Real>(std::size_t{tiles_per_block_} * run.columns.cube_columns() * width_);
    const std::uint64_t observed = std::uint64_t{simulate_.num_observations} * width_ * tiles;
    if (request.observations == nullptr && observed * sizeof(float) <= observation_bytes_budget) {
      observations_ = {LargeBuffer<float>(observed), width_};
    }
  }

  Tails run() {
    const std::uint64_t count = accounts_.offsets.size() - 1;
    out_.figures.resize(count);
    if (regimes_.steps != nullptr) { out_.regime_es.resize(count * regimes_.num_regimes); }
    if (keep_paths()) { kept_.resize(count); }
    for (std::uint64_t first = 0, last = 0; first < count; first = last) {
      last = std::min(first + batch_size(), count);
      run_batch(first, last, count);
      observed_ = true;
    }
    const double threads = threads_;
    out_.seconds = {simulating_.total() / threads, revalue_.total() / threads, pnl_.total() / threads,
                    tail_.total() / threads};
    repeat_short_accounts();
    std::sort(out_.hints.near.begin(), out_.hints.near.end(),
              [](const NearPaths& a, const NearPaths& b) { return a.account < b.account; });
    std::sort(out_.shortfalls.begin(), out_.shortfalls.end(),
              [](const TailShortfalls& a, const TailShortfalls& b) { return a.account < b.account; });
    if (!out_.hints.near.empty() || lists_shortfalls()) { out_.hints.observations = std::move(observations_); }
    if (keep_paths()) { join_paths(kept_, out_); }
    return std::move(out_);
  }

 private:
  /// What a thread computes a tile in.
  struct TileScratch {
    LargeBuffer<float> simulate, obs;
    LargeBuffer<Real> market;
  };

  /// Accounts of the next batch: as many as memory holds candidates for, going by what those before took.
  std::uint64_t batch_size() const {
    const std::uint64_t fitting =
        std::max<std::uint64_t>(1, candidate_bytes_budget() / candidates_.bytes_per_account());
    return options_.accounts_per_batch != 0 ? std::min(options_.accounts_per_batch, fitting) : fitting;
  }

  bool keep_paths() const { return request_.keep_paths == KeepTailPaths::yes; }
  bool lists_shortfalls() const { return request_.list_shortfalls == ListShortfalls::yes; }

  void run_batch(std::uint64_t first, std::uint64_t last, std::uint64_t all) {
    std::vector<typename cpu::CandidatePool<Real>::Prospect> prospects;
    for (std::uint64_t place = first; place < last; ++place) { prospects.push_back(prospect(order_[place])); }
    candidates_.start(prospects);
    const std::vector<std::uint64_t> cuts = cut_places(first, last);
    const std::uint64_t block_paths = std::uint64_t{tiles_per_block_} * width_;
    for (std::uint64_t path = 0; path < run_.num_paths; path += block_paths) {
      check_stop(request_);
      const std::uint64_t left = run_.num_paths - path;
      const auto tiles =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(tiles_per_block_, (left + width_ - 1) / width_));
      fill_cube(path, tiles);
      scan_accounts(path, tiles, first, cuts);
      if (request_.progress) {
        const double in_batch =
            std::min(1.0, static_cast<double>(path + block_paths) / static_cast<double>(run_.num_paths));
        request_.progress((static_cast<double>(first) + in_batch * static_cast<double>(last - first)) /
                          static_cast<double>(all));
      }
    }
    finish_accounts(first, last);
  }

  /// Where a tail is said to begin, losses far below need not be kept; not so where double may need some of them.
  typename cpu::CandidatePool<Real>::Prospect prospect(std::uint32_t account) const {
    typename cpu::CandidatePool<Real>::Prospect out{accounts_.rounding_scale_usd[account]};
    if (request_.expected_var == nullptr || std::isinf(options_.tail_sigmas)) { return out; }
    const double lowest = far_below * (*request_.expected_var)[account];
    if (lowest > 0.0 && !needs_double(out.rounding_scale, lowest)) { out.lowest = lowest; }
    return out;
  }

  cpu::Tile tile_at(std::uint64_t path) const {
    return {path, width_, static_cast<std::uint32_t>(std::min<std::uint64_t>(width_, run_.num_paths - path))};
  }

  Real* tile_cube(std::uint32_t tile) { return cube_ + std::size_t{tile} * run_.columns.cube_columns() * width_; }

  void fill_cube(std::uint64_t first_path, std::uint32_t tiles) {
    tbb::parallel_for(std::uint32_t{0}, tiles, [&](std::uint32_t t) {
      TileScratch& scratch = scratch_.local();
      const cpu::Tile tile = tile_at(first_path + std::uint64_t{t} * width_);
      Stopwatch watch;
      const float* obs = observe(tile, scratch);
      simulating_.add(watch.lap());
      columns_.revalue(kernels_, tile, obs, scratch.market.data(), tile_cube(t));
      revalue_.add(watch.lap());
    });
  }

  /// The observations of a tile: given, simulated, or as the first batch left them.
  const float* observe(const cpu::Tile& tile, TileScratch& scratch) {
    const std::size_t place = tile.first_path * simulate_.num_observations;
    if (request_.observations != nullptr) { return request_.observations->values.data() + place; }
    float* obs = scratch.obs.data();
    if (!observations_.empty()) {
      obs = observations_.values.data() + place;
      if (observed_) { return obs; }
    }
    kernels_.simulate(simulate_, tile, scratch.simulate.data(), obs);
    return obs;
  }

  /// Places [first, last) in parts of about the same work, a few for each thread.
  std::vector<std::uint64_t> cut_places(std::uint64_t first, std::uint64_t last) const {
    const auto cost = [&](std::uint64_t place) {  // besides its positions an account costs the look at its losses
      return 4 + placed_.payload().offsets[place + 1] - placed_.payload().offsets[place];
    };
    std::uint64_t total = 0;
    for (std::uint64_t place = first; place < last; ++place) { total += cost(place); }
    const std::uint64_t part = std::max<std::uint64_t>(1, total / (4 * static_cast<std::uint64_t>(threads_)));
    std::vector<std::uint64_t> cuts{first};
    std::uint64_t sum = 0;
    for (std::uint64_t place = first; place < last; ++place) {
      sum += cost(place);
      if (sum >= part || place + 1 == last) {
        cuts.push_back(place + 1);
        sum = 0;
      }
    }
    return cuts;
  }

  /// Whether a tile ends the 256th path, the 1024th and so on: each time four times as many paths say where tails
  /// begin.
  static bool foretells(const cpu::Tile& tile) {
    for (std::uint64_t path = 256; path <= tile.first_path + tile.valid; path *= 4) {
      if (path > tile.first_path) { return true; }
    }
    return false;
  }

  void scan_accounts(std::uint64_t first_path, std::uint32_t tiles, std::uint64_t first,
                     const std::vector<std::uint64_t>& cuts) {
    tbb::parallel_for(tbb::blocked_range<std::size_t>(0, cuts.size() - 1, 1),
                      [&](const tbb::blocked_range<std::size_t>& range) {
                        Stopwatch watch;
                        for (std::size_t part = range.begin(); part != range.end(); ++part) {
                          scan_part(first_path, tiles, first, cuts[part], cuts[part + 1]);
                        }
                        pnl_.add(watch.lap());
                      });
  }

  void scan_part(std::uint64_t first_path, std::uint32_t tiles, std::uint64_t batch_first, std::uint64_t first,
                 std::uint64_t last) {
    cpu::AccountsTask<Real> task = {placed_.payload(),
                                    first,
                                    last,
                                    candidates_.data(),
                                    batch_first,
                                    weights_,
                                    weights_scratch_.local().data(),
                                    candidates_.reach(),
                                    false,
                                    &candidates_,
                                    &cpu::CandidatePool<Real>::grow,
                                    run_.columns.num_slices,
                                    run_.columns.num_columns};
    for (std::uint32_t t = 0; t < tiles; ++t) {
      const cpu::Tile tile = tile_at(first_path + std::uint64_t{t} * width_);
      task.raise = foretells(tile);
      if constexpr (sizeof(Real) == sizeof(float)) {
        kernels_.pnl_single(task, tile, tile_cube(t));
      } else {
        kernels_.pnl_exact(task, tile, tile_cube(t));
      }
    }
  }

  void finish_accounts(std::uint64_t first, std::uint64_t last) {
    tbb::parallel_for(tbb::blocked_range<std::uint64_t>(first, last, 64),
                      [&](const tbb::blocked_range<std::uint64_t>& range) {
                        Stopwatch watch;
                        std::vector<TailLoss<Real>> tail;
                        for (std::uint64_t place = range.begin(); place != range.end(); ++place) {
                          finish_account(order_[place], candidates_[place - first], tail);
                        }
                        tail_.add(watch.lap());
                      });
  }

  void finish_account(std::uint32_t account, const cpu::Candidates<Real>& candidates,
                      std::vector<TailLoss<Real>>& tail) {
    if (!candidates_.finish(candidates, tail)) {
      const std::lock_guard<std::mutex> lock(mutex_);
      short_.push_back(account);
      return;
    }
    cpu::summarise(kernels_, task_, tail, out_.figures[account], regime_es_of(out_, account));
    if (sizeof(Real) == sizeof(float) &&
        needs_double(accounts_.rounding_scale_usd[account], out_.figures[account].es)) {
      NearPaths near = candidates_.near_paths(candidates, tail);
      near.account = account;
      const std::lock_guard<std::mutex> lock(mutex_);
      out_.hints.near.push_back(std::move(near));
    }
    if (lists_shortfalls() && cpu::tells_shortfalls(tail, accounts_.equity_usd[account])) {
      TailShortfalls listed = cpu::list_shortfalls(account, tail, accounts_.equity_usd[account]);
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!listed.paths.empty() && room_.take(listed.paths.size())) { out_.shortfalls.push_back(std::move(listed)); }
    }
    if (!keep_paths()) { return; }
    for (std::uint32_t i = 0; i < out_.figures[account].tail_count; ++i) {
      kept_[account].push_back({double(tail[i].loss), tail[i].path});
    }
  }

  /// The accounts whose tails were foretold wrongly, once more without foretelling.
  void repeat_short_accounts() {
    if (short_.empty()) { return; }
    std::sort(short_.begin(), short_.end());
    if (std::isinf(options_.tail_sigmas)) {
      throw std::runtime_error("some losses of account number " + std::to_string(short_.front()) + " are not numbers");
    }
    CpuOptions options = options_;
    options.tail_sigmas = std::numeric_limits<double>::infinity();
    TailsRequest request = request_;
    request.progress = nullptr;
    request.expected_var = nullptr;
    const AccountPlan accounts = select_accounts(accounts_, short_);
    cpu::Workspace memory;  // this pass still holds what it took from its own
    Tails again = CpuPass(run_, accounts, request, options, kernels_, threads_, memory).run();
    for (TailShortfalls& listed : again.shortfalls) {
      listed.account = short_[listed.account];
      out_.shortfalls.push_back(std::move(listed));
    }
    for (std::size_t i = 0; i < short_.size(); ++i) {
      out_.figures[short_[i]] = again.figures[i];
      copy_regime_es(again, i, short_[i], out_);
      if (keep_paths()) { kept_[short_[i]] = tail_of(again, i); }
    }
    out_.seconds.simulate += again.seconds.simulate;
    out_.seconds.revalue += again.seconds.revalue;
    out_.seconds.pnl += again.seconds.pnl;
    out_.seconds.tail += again.seconds.tail;
  }

  const PreparedRun& run_;
  const AccountPlan& accounts_;
  const TailsRequest& request_;
  const CpuOptions& options_;
  const Kernels& kernels_;
  int threads_;
  TailRule rule_;
  const std::uint32_t* weights_;  // [path], or null for ones
  RegimeSteps regimes_;
  cpu::CandidatePool<Real> candidates_;
  cpu::TailTask task_;
  std::vector<std::uint32_t> order_;  // [place] account
  std::vector<std::uint64_t> short_;  // accounts whose tails were foretold wrongly
  std::mutex mutex_;                  // of short_, the hints and shortfalls
  cpu::ShortfallRoom room_;
  StepTables<HostBuffer> step_tables_;
  SimulatePayload simulate_;
  PlacedAccounts<Real> placed_;
  HeldColumns<Real> columns_;
  tbb::enumerable_thread_specific<TileScratch> scratch_;
  tbb::enumerable_thread_specific<LargeBuffer<std::uint32_t>> weights_scratch_;
  std::uint32_t width_ = 0, tiles_per_block_ = 0;
  Real* cube_ = nullptr;       // [tile][column][lane]
  Observations observations_;  // empty if they were given, or are not kept
  bool observed_ = false;      // whether they have been filled
  std::vector<std::vector<TailLoss<double>>> kept_;
  StageClock simulating_, revalue_, pnl_, tail_;
  Tails out_;
};

class CpuBackend final : public Backend {
 public:
  explicit CpuBackend(const CpuOptions& options) : options_(options), kernels_(choose_kernels(options.isa)) {
    if (options.paths_per_tile % cpu::lanes != 0) { throw UsageError("the tile width must be a multiple of 64 paths"); }
    threads_ =
        options.threads > 0 ? options.threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  }

  std::string name() const override { return "cpu"; }
  std::string device() const override {
    return std::to_string(threads_) + " thread" + (threads_ == 1 ? "" : "s") + ", " + kernels_.name;
  }

  bool reads_observations() const override { return true; }

  Tails tails(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request) override {
    // The arena says how many threads work here; the control lets there be more of them than cores.
    const tbb::global_control control(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads_));
    tbb::task_arena arena(threads_);
    return arena.execute([&] {
      const std::unique_lock<std::mutex> kept(memory_mutex_, std::try_to_lock);
      cpu::Workspace own;  // for a second call at the same time
      cpu::Workspace& memory = kept ? memory_ : own;
      if (request.precision == Precision::exact) { return exact_tails(run, accounts, request, memory); }
      return CpuPass<float>(run, accounts, request, options_, kernels_, threads_, memory).run();
    });
  }

  Shortfalls shortfalls(const PreparedRun& run, const AccountPlan& accounts,
                        const ShortfallsRequest& request) override {
    const tbb::global_control control(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads_));
    tbb::task_arena arena(threads_);
    return arena.execute([&] { return shortfall_pass(run, accounts, request, kernels_, options_.paths_per_tile); });
  }

 private:
  /// By the hints where they serve, from all paths otherwise.
  Tails exact_tails(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request,
                    cpu::Workspace& memory) {
    Stopwatch watch;
    NearTails near = near_tails(run, accounts, request, kernels_);
    near.tails.seconds.pnl = watch.lap();
    if (near.missing.empty()) { return std::move(near.tails); }
    TailsRequest seen = request;  // what the pass in float has simulated need not be simulated again
    if (seen.observations == nullptr && seen.hints != nullptr && !seen.hints->observations.empty()) {
      seen.observations = &seen.hints->observations;
    }
    const Tails rest =
        CpuPass<double>(run, select_accounts(accounts, near.missing), seen, options_, kernels_, threads_, memory).run();
    return join_tails(near, rest);
  }

  CpuOptions options_;
  const Kernels& kernels_;
  int threads_;
  std::mutex memory_mutex_;
  cpu::Workspace memory_;  // kept from call to call
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) { return std::make_unique<CpuBackend>(options); }

}  // namespace tailmargin
