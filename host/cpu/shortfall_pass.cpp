// Every tile of paths is one task: scenarios, prices of the columns held, then account by account. The sums of a path
// belong to its tile, those of an account to the thread; both are integers, so how the paths are cut shows nowhere.
// Tiles are whole words of paths, so a word of short paths has one owner, too.
#include "host/cpu/shortfall_pass.hpp"

#include <algorithm>

#include <tbb/blocked_range.h>
#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include "host/backends/run_control.hpp"
#include "host/backends/run_tables.hpp"
#include "host/cpu/account_losses.hpp"
#include "host/cpu/tile_width.hpp"

namespace tailmargin {
namespace {

static_assert(cpu::lanes % 64 == 0, "tiles are whole words of paths");

template <class T>
using HostBuffer = std::vector<T>;

/// Tiles between two words to the caller.
constexpr std::uint64_t tiles_per_block = 128;

template <class Real>
class ShortfallPass {
 public:
  ShortfallPass(const PreparedRun& run, const AccountPlan& accounts, const ShortfallsRequest& request,
                const cpu::Kernels& kernels, std::uint32_t paths_per_tile)
      : run_(run),
        request_(request),
        kernels_(kernels),
        losses_(run.columns, accounts),
        step_tables_(run, [](const auto& values) { return values; }),
        simulate_(step_tables_.payload()),
        width_(tile_width(paths_per_tile)),
        words_(request.keep_paths == KeepShortPaths::yes ? path_words(run.num_paths) : 0),
        scratch_([this] { return Scratch(*this); }) {}

  Shortfalls run() {
    out_.paths.resize(run_.num_paths);
    out_.accounts.resize(num_accounts());
    out_.short_paths.resize(num_accounts() * words_);
    const std::uint64_t tiles = (run_.num_paths + width_ - 1) / width_;
    for (std::uint64_t first = 0; first < tiles && num_accounts() != 0; first += tiles_per_block) {
      check_stop(request_);
      const std::uint64_t last = std::min(first + tiles_per_block, tiles);
      tbb::parallel_for(tbb::blocked_range<std::uint64_t>(first, last, 1),
                        [&](const tbb::blocked_range<std::uint64_t>& range) {
                          for (std::uint64_t t = range.begin(); t != range.end(); ++t) { add_tile(tile(t)); }
                        });
      if (request_.progress) { request_.progress(static_cast<double>(last) / static_cast<double>(tiles)); }
    }
    for (const Scratch& scratch : scratch_) {
      for (std::uint64_t a = 0; a < num_accounts(); ++a) { out_.accounts[a].add(scratch.accounts[a]); }
    }
    return std::move(out_);
  }

 private:
  /// What a thread computes in, and its part of the sums of accounts.
  struct Scratch {
    explicit Scratch(const ShortfallPass& pass)
        : simulate(std::size_t{scratch_rows(pass.simulate_)} * cpu::lanes),
          obs(std::size_t{pass.simulate_.num_observations} * pass.width_),
          losses(pass.losses_.make_scratch(pass.width_)),
          accounts(pass.num_accounts()) {}

    LargeBuffer<float> simulate, obs;
    typename AccountLosses<Real>::Scratch losses;
    std::vector<AccountShortfall> accounts;
  };

  std::uint64_t num_accounts() const { return losses_.num_accounts(); }

  std::uint32_t tile_width(std::uint32_t wanted) const {
    if (request_.observations != nullptr) { return request_.observations->tile_width; }
    const std::uint32_t chosen = choose_tile_width(losses_.cube_columns(), sizeof(Real), kernels_.paths_at_once);
    const std::uint64_t groups = (run_.num_paths + cpu::lanes - 1) / cpu::lanes;  // no more than there are paths
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted != 0 ? wanted : chosen, groups * cpu::lanes));
  }

  cpu::Tile tile(std::uint64_t number) const {
    const std::uint64_t first = number * width_;
    return {first, width_, static_cast<std::uint32_t>(std::min<std::uint64_t>(width_, run_.num_paths - first))};
  }

  /// Null: all are 1.
  const std::uint32_t* weights_at(std::uint64_t path) const {
    return request_.weights == nullptr ? nullptr : request_.weights->data() + path;
  }

  void add_tile(const cpu::Tile& tile) {
    const std::uint32_t* weights = weights_at(tile.first_path);
    if (weights != nullptr && std::all_of(weights, weights + tile.valid, [](std::uint32_t w) { return w == 0; })) {
      return;
    }
    Scratch& scratch = scratch_.local();
    const float* obs = observe(tile, scratch);
    losses_.for_each(kernels_, tile, obs, scratch.losses, [&](std::uint64_t account, const Real* losses) {
      add_account(tile, account, losses, scratch.accounts[account]);
    });
  }

  const float* observe(const cpu::Tile& tile, Scratch& scratch) const {
    if (request_.observations != nullptr) {
      return request_.observations->values.data() + tile.first_path * simulate_.num_observations;
    }
    kernels_.simulate(simulate_, tile, scratch.simulate.data(), scratch.obs.data());
    return scratch.obs.data();
  }

  /// @param losses  [lane]
  void add_account(const cpu::Tile& tile, std::uint64_t account, const Real* losses, AccountShortfall& sum) {
    const double equity = losses_.equity_usd(account);
    const std::uint32_t* weights = weights_at(tile.first_path);
    PathShortfall* paths = out_.paths.data() + tile.first_path;
    for (std::uint32_t lane = 0; lane < tile.valid; ++lane) {
      if (!(static_cast<double>(losses[lane]) > equity)) { continue; }  // most: nothing to round
      const std::int64_t cents = shortfall_cents(static_cast<double>(losses[lane]), equity);
      const std::uint32_t weight = weights == nullptr ? 1 : weights[lane];
      if (cents == 0 || weight == 0) { continue; }
      paths[lane].add(cents);
      sum.add(weight, cents);
      if (words_ != 0) { mark(account, tile.first_path + lane); }
    }
  }

  void mark(std::uint64_t account, std::uint64_t path) {
    out_.short_paths[account * words_ + path / 64] |= std::uint64_t{1} << path % 64;
  }

  const PreparedRun& run_;
  const ShortfallsRequest& request_;
  const cpu::Kernels& kernels_;
  AccountLosses<Real> losses_;
  StepTables<HostBuffer> step_tables_;
  SimulatePayload simulate_;
  std::uint32_t width_;
  std::uint64_t words_;  // of paths kept for each account; 0: they are not
  tbb::enumerable_thread_specific<Scratch> scratch_;
  Shortfalls out_;
};

}  // namespace

Shortfalls shortfall_pass(const PreparedRun& run, const AccountPlan& accounts, const ShortfallsRequest& request,
                          const cpu::Kernels& kernels, std::uint32_t paths_per_tile) {
  if (request.precision == Precision::exact) {
    return ShortfallPass<double>(run, accounts, request, kernels, paths_per_tile).run();
  }
  return ShortfallPass<float>(run, accounts, request, kernels, paths_per_tile).run();
}

}  // namespace tailmargin
