// The cpu backend: paths go through in tiles that stay in cache; all accounts stream past each tile.
//
//   for each batch of accounts (as many as memory holds candidates for)
//     for each block of tiles
//       in parallel over tiles:            simulate, revalue -> cube[tile][column][lane]
//       in parallel over account groups:   P&L and filter, tile by tile
//     in parallel over accounts:           sort candidates, tail figures
//
// An account belongs to one task at a time and meets its paths in order, so no result depends on the number of
// threads, the tile width or the batch size.
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "host/backends/run_control.hpp"
#include "host/backends/run_tables.hpp"
#include "host/cpu/candidates.hpp"
#include "host/cpu/host_loops.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

using cpu::Kernels;

/// A tile of all columns should fill half of the second-level cache, the other half is for positions. Beyond some
/// thousand columns it does not fit, because a tile has at least 64 paths.
std::uint32_t choose_tile_width(std::uint32_t num_columns, std::size_t real_bytes) {
  const long reported = sysconf(_SC_LEVEL2_CACHE_SIZE);
  const std::size_t cache = reported > 0 ? static_cast<std::size_t>(reported) : std::size_t{1} << 20;
  const std::size_t width = cache / 2 / (std::max<std::size_t>(num_columns, 1) * real_bytes);
  return static_cast<std::uint32_t>(std::clamp<std::size_t>(width / cpu::lanes * cpu::lanes, cpu::lanes, 512));
}

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

/// Candidate buffers of a batch of accounts, to begin with.
constexpr std::uint64_t candidate_bytes_budget = std::uint64_t{768} << 20;
/// Paths between two synchronisations, more if that leaves a thread less than four tiles.
constexpr std::uint32_t paths_per_block = 4096;

/// One call of tails() in one precision.
template <class Real>
class CpuPass {
 public:
  CpuPass(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request, const CpuOptions& options,
          const Kernels& kernels, int threads)
      : run_(run),
        accounts_(accounts),
        request_(request),
        options_(options),
        kernels_(kernels),
        threads_(threads),
        rule_(make_tail_rule(run)),
        candidates_(rule_, run.path_weights.empty() ? nullptr : run.path_weights.data()),
        step_tables_(run, [](const auto& values) { return values; }),
        simulate_(step_tables_.payload()),
        quantities_(accounts.quantities.begin(), accounts.quantities.end()) {
    width_ = options.paths_per_tile != 0 ? options.paths_per_tile
                                         : choose_tile_width(run.columns.cube_columns(), sizeof(Real));
    const std::uint64_t groups = (run.num_paths + cpu::lanes - 1) / cpu::lanes;  // no more than there are paths
    width_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(width_, groups * cpu::lanes));
    const std::uint64_t tiles = (run.num_paths + width_ - 1) / width_;
    const std::uint32_t wanted = std::max(paths_per_block / width_, static_cast<std::uint32_t>(4 * threads));
    tiles_per_block_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, tiles));
    select_columns();
    cube_.resize(std::size_t{tiles_per_block_} * run.columns.cube_columns() * width_);
  }

  Tails run() {
    const std::uint64_t count = accounts_.offsets.size() - 1;
    const std::uint64_t fitting = std::max<std::uint64_t>(1, candidate_bytes_budget / candidates_.bytes_per_account());
    const std::uint64_t batch =
        options_.accounts_per_batch != 0 ? std::min(options_.accounts_per_batch, fitting) : fitting;
    out_.figures.resize(count);
    if (keep_paths()) { kept_.resize(count); }
    for (std::uint64_t first = 0; first < count; first += batch) {
      run_batch(first, std::min(first + batch, count), count);
    }
    if (keep_paths()) { join_kept_paths(); }
    const double threads = threads_;
    out_.seconds = {simulating_.total() / threads, revalue_.total() / threads, pnl_.total() / threads,
                    tail_.total() / threads};
    return std::move(out_);
  }

 private:
  bool keep_paths() const { return request_.keep_paths == KeepTailPaths::yes; }

  /// Only columns somebody holds are revalued; the others stay what they are and are never read.
  void select_columns() {
    const std::vector<char> held = held_columns(accounts_, run_.columns);
    const ColumnTables<Real>& all = column_tables<Real>(run_.columns);
    product_columns_ = only_held(all.products, held);
    option_columns_ = only_held(all.options, held);
    const bool none = product_columns_.empty() && option_columns_.empty();
    tables_ = {all.market_rows.data(),
               all.smiles.data(),
               all.surfaces.data(),
               all.payments.data(),
               product_columns_.data(),
               option_columns_.data(),
               static_cast<std::uint32_t>(none ? 0 : all.market_rows.size()),
               static_cast<std::uint32_t>(none ? 0 : all.smiles.size()),
               static_cast<std::uint32_t>(none ? 0 : all.surfaces.size()),
               static_cast<std::uint32_t>(product_columns_.size()),
               static_cast<std::uint32_t>(option_columns_.size())};
  }

  void run_batch(std::uint64_t first, std::uint64_t last, std::uint64_t all) {
    candidates_.start(last - first);
    const std::uint64_t block_paths = std::uint64_t{tiles_per_block_} * width_;
    for (std::uint64_t path = 0; path < run_.num_paths; path += block_paths) {
      check_stop(request_);
      const std::uint64_t left = run_.num_paths - path;
      const auto tiles =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(tiles_per_block_, (left + width_ - 1) / width_));
      fill_cube(path, tiles);
      scan_accounts(path, tiles, first, last);
      if (request_.progress) {
        const double in_batch =
            std::min(1.0, static_cast<double>(path + block_paths) / static_cast<double>(run_.num_paths));
        request_.progress((static_cast<double>(first) + in_batch * static_cast<double>(last - first)) /
                          static_cast<double>(all));
      }
    }
    finish_accounts(first, last);
  }

  cpu::Tile tile_at(std::uint64_t path) const {
    return {path, width_, static_cast<std::uint32_t>(std::min<std::uint64_t>(width_, run_.num_paths - path))};
  }

  Real* tile_cube(std::uint32_t tile) {
    return cube_.data() + std::size_t{tile} * run_.columns.cube_columns() * width_;
  }

  void fill_cube(std::uint64_t first_path, std::uint32_t tiles) {
    tbb::parallel_for(tbb::blocked_range<std::uint32_t>(0, tiles, 1),
                      [&](const tbb::blocked_range<std::uint32_t>& range) {
                        std::vector<float> scratch(std::size_t{scratch_rows(simulate_)} * cpu::lanes);
                        std::vector<float> obs(std::size_t{simulate_.num_observations} * width_);
                        const std::size_t rows = tables_.num_rows + rows_per_smile * tables_.num_smiles;
                        std::vector<Real> market(rows * width_);
                        for (std::uint32_t t = range.begin(); t != range.end(); ++t) {
                          const cpu::Tile tile = tile_at(first_path + std::uint64_t{t} * width_);
                          Stopwatch watch;
                          kernels_.simulate(simulate_, tile, scratch.data(), obs.data());
                          simulating_.add(watch.lap());
                          if constexpr (sizeof(Real) == sizeof(float)) {
                            kernels_.revalue_single(tables_, tile, obs.data(), market.data(), tile_cube(t));
                          } else {
                            kernels_.revalue_exact(tables_, tile, obs.data(), market.data(), tile_cube(t));
                          }
                          revalue_.add(watch.lap());
                        }
                      });
  }

  void scan_accounts(std::uint64_t first_path, std::uint32_t tiles, std::uint64_t first, std::uint64_t last) {
    const std::uint64_t grain =
        std::max<std::uint64_t>(16, (last - first) / (static_cast<std::uint64_t>(threads_) * 8));
    tbb::parallel_for(tbb::blocked_range<std::uint64_t>(first, last, grain),
                      [&](const tbb::blocked_range<std::uint64_t>& range) {
                        Stopwatch watch;
                        const cpu::AccountsTask<Real> task = {
                            {accounts_.offsets.data(), accounts_.columns.data(), quantities_.data()},
                            range.begin(),
                            range.end(),
                            candidates_.data(),
                            first,
                            &candidates_,
                            &cpu::CandidatePool<Real>::make_room,
                            run_.columns.num_slices,
                            run_.columns.num_columns};
                        for (std::uint32_t t = 0; t < tiles; ++t) {
                          const cpu::Tile tile = tile_at(first_path + std::uint64_t{t} * width_);
                          if constexpr (sizeof(Real) == sizeof(float)) {
                            kernels_.pnl_single(task, tile, tile_cube(t));
                          } else {
                            kernels_.pnl_exact(task, tile, tile_cube(t));
                          }
                        }
                        pnl_.add(watch.lap());
                      });
  }

  void finish_accounts(std::uint64_t first, std::uint64_t last) {
    const std::uint32_t* weights = run_.path_weights.empty() ? nullptr : run_.path_weights.data();
    tbb::parallel_for(
        tbb::blocked_range<std::uint64_t>(first, last, 64), [&](const tbb::blocked_range<std::uint64_t>& range) {
          Stopwatch watch;
          for (std::uint64_t account = range.begin(); account != range.end(); ++account) {
            cpu::Candidates<Real>& candidates = candidates_[account - first];
            if (!candidates_.finish(candidates, run_.num_paths)) {
              throw std::runtime_error("some losses of account number " + std::to_string(account) + " are not numbers");
            }
            out_.figures[account] = summarise_tail(rule_, candidates.items, candidates.count, weights);
            if (!keep_paths()) { continue; }
            for (std::uint32_t i = 0; i < out_.figures[account].tail_count; ++i) {
              kept_[account].push_back(candidates.items[i].path);
            }
          }
          tail_.add(watch.lap());
        });
  }

  void join_kept_paths() {
    out_.path_offsets.push_back(0);
    for (const std::vector<std::uint32_t>& paths : kept_) {
      out_.tail_paths.insert(out_.tail_paths.end(), paths.begin(), paths.end());
      out_.path_offsets.push_back(out_.tail_paths.size());
    }
  }

  const PreparedRun& run_;
  const AccountPlan& accounts_;
  const TailsRequest& request_;
  const CpuOptions& options_;
  const Kernels& kernels_;
  int threads_;
  TailRule rule_;
  cpu::CandidatePool<Real> candidates_;
  StepTables<HostBuffer> step_tables_;
  SimulatePayload simulate_;
  std::vector<Real> quantities_;
  std::vector<ProductColumn<Real>> product_columns_;
  std::vector<OptionColumn<Real>> option_columns_;
  cpu::MarketTables<Real> tables_{};
  std::uint32_t width_ = 0, tiles_per_block_ = 0;
  std::vector<Real> cube_;  // [tile][column][lane]
  std::vector<std::vector<std::uint32_t>> kept_;
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

  Tails tails(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request) override {
    // The arena says how many threads work here; the control lets there be more of them than cores.
    const tbb::global_control control(tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads_));
    tbb::task_arena arena(threads_);
    return arena.execute([&] {
      if (request.precision == Precision::exact) {
        return CpuPass<double>(run, accounts, request, options_, kernels_, threads_).run();
      }
      return CpuPass<float>(run, accounts, request, options_, kernels_, threads_).run();
    });
  }

 private:
  CpuOptions options_;
  const Kernels& kernels_;
  int threads_;
};

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(const CpuOptions& options) { return std::make_unique<CpuBackend>(options); }

}  // namespace tailmargin
