// Tiles of paths go by as in the cpu backend, with tails that are known by now:
//
//   for each batch of accounts (as many as memory holds sums of), in the precision of their margins
//     for each block of tiles
//       in parallel over tiles:     revalue what is held -> cube[tile][column][lane]
//       in parallel over accounts:  losses; on the paths of the tail, what every holding loses joins its sums
//
// An account belongs to one task at a time and meets its paths in order, so no sum depends on the number of threads,
// the tile width, the batch or the other accounts.
#include "host/engine/contributions.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "host/cpu/held_columns.hpp"
#include "host/cpu/host_loops.hpp"
#include "host/cpu/kernels_of.hpp"
#include "host/cpu/tile_width.hpp"
#include "host/engine/euler_shares.hpp"
#include "host/engine/holding_rows.hpp"
#include "host/prepare/narrow.hpp"

namespace tailmargin {
namespace {

/// Columns of a block of tiles.
constexpr std::uint64_t block_bytes = std::uint64_t{64} << 20;

template <class T>
using HostBuffer = std::vector<T>;

/// An account whose holdings are asked for.
struct Owner {
  AccountId account = 0;
  std::uint64_t row = 0;  // in the plan; its holdings are behind it
  TailFigures tail{};
  std::uint32_t num_beyond = 0;  // paths beyond the quantile so far
  bool met_quantile = false;
  EulerShares shares;
};

/// The holdings of some accounts in one precision.
template <class Real>
class ContributionPass {
 public:
  ContributionPass(const PreparedRun& run, const TailRule& rule, const Observations* observations,
                   const RunConfig& config)
      : run_(run),
        rule_(rule),
        observations_(observations),
        config_(config),
        kernels_(choose_kernels(parse_isa(config.isa))),
        threads_(config.threads > 0 ? static_cast<std::uint64_t>(config.threads)
                                    : std::max(1u, std::thread::hardware_concurrency())) {}

  void add(const Book& book, AccountId account, const TailFigures& figures, std::size_t num_holdings) {
    owners_.push_back({account, rows_.num_rows(), figures, 0, false, {rule_, num_holdings, figures.var, figures.es}});
    rows_.add(book.accounts[account], holdings_of(book, account));
  }

  /// @param out  [account of the book]
  void run(const Book& book, std::vector<std::vector<HoldingShare>>& out) {
    if (owners_.empty()) { return; }
    prepare(book);
    const std::uint64_t tiles = (run_.num_paths + width_ - 1) / width_;
    for (std::uint64_t first = 0; first < tiles; first += tiles_per_block_) {
      if (config_.stop != nullptr && config_.stop->load(std::memory_order_relaxed)) {
        throw Interrupted("stopped while the shares of holdings were added up");
      }
      const std::uint64_t count = std::min<std::uint64_t>(tiles_per_block_, tiles - first);
      for_each_index(config_.threads, count, [&](std::uint64_t t) { fill(first + t, t); });
      for_each_index(config_.threads, cuts_.size() - 1,
                     [&](std::uint64_t part) { scan(first, count, cuts_[part], cuts_[part + 1]); });
      if (config_.progress) {
        config_.progress("contributions", static_cast<double>(first + count) / static_cast<double>(tiles));
      }
    }
    for (const Owner& owner : owners_) { out[owner.account] = shares_of(book, owner); }
  }

 private:
  void prepare(const Book& book) {
    narrow_ = narrow_columns(run_.columns, rows_.prepare(book, run_.columns));
    quantities_.assign(narrow_.accounts.quantities.begin(), narrow_.accounts.quantities.end());
    columns_.emplace(narrow_.accounts, narrow_.columns);
    tables_.emplace(run_, [](const auto& values) { return values; });
    simulate_ = tables_->payload();
    cut_owners(4 * threads_);
    const std::uint32_t cube_columns = narrow_.columns.cube_columns();
    const std::uint64_t groups = (run_.num_paths + cpu::lanes - 1) / cpu::lanes;  // no more than there are paths
    width_ = observations_ != nullptr
                 ? observations_->tile_width
                 : static_cast<std::uint32_t>(std::min<std::uint64_t>(
                       choose_tile_width(cube_columns, sizeof(Real), kernels_.paths_at_once), groups * cpu::lanes));
    const std::uint64_t tile_bytes = std::uint64_t{cube_columns} * width_ * sizeof(Real);
    tiles_per_block_ =
        std::min(std::max(block_bytes / tile_bytes, 2 * threads_), (run_.num_paths + width_ - 1) / width_);
    cube_ = LargeBuffer<Real>(tiles_per_block_ * cube_columns * width_);
    market_ = LargeBuffer<Real>(tiles_per_block_ * columns_->market_rows() * width_);
    if (observations_ == nullptr) {
      simulated_ = LargeBuffer<float>(tiles_per_block_ * simulate_.num_observations * width_);
      scratch_ = LargeBuffer<float>(tiles_per_block_ * scratch_rows(simulate_) * cpu::lanes);
    }
  }

  /// Owners in parts of about the same work.
  void cut_owners(std::uint64_t parts) {
    const auto cost = [&](const Owner& owner) { return 4 + owner.shares.count(); };
    std::uint64_t total = 0, sum = 0;
    for (const Owner& owner : owners_) { total += cost(owner); }
    cuts_ = {0};
    for (std::size_t o = 0; o < owners_.size(); ++o) {
      sum += cost(owners_[o]);
      if (sum * parts < total && o + 1 != owners_.size()) { continue; }
      cuts_.push_back(o + 1);
      sum = 0;
    }
  }

  cpu::Tile tile(std::uint64_t number) const {
    const std::uint64_t first = number * width_;
    return {first, width_, static_cast<std::uint32_t>(std::min<std::uint64_t>(width_, run_.num_paths - first))};
  }
  Real* cube(std::uint64_t in_block) { return cube_.data() + in_block * narrow_.columns.cube_columns() * width_; }

  void fill(std::uint64_t number, std::uint64_t in_block) {
    const cpu::Tile now = tile(number);
    const std::uint64_t rows = simulate_.num_observations;
    const float* obs = nullptr;
    if (observations_ != nullptr) {
      obs = observations_->values.data() + now.first_path * rows;
    } else {
      float* simulated = simulated_.data() + in_block * rows * width_;
      kernels_.simulate(simulate_, now, scratch_.data() + in_block * scratch_rows(simulate_) * cpu::lanes, simulated);
      obs = simulated;
    }
    columns_->revalue(kernels_, now, obs, market_.data() + in_block * columns_->market_rows() * width_, cube(in_block));
  }

  /// What one task computes in.
  struct Scratch {
    std::vector<Real> losses;      // [lane] of the account
    std::vector<double> holdings;  // [holding] on one path
  };

  void scan(std::uint64_t first_tile, std::uint64_t count, std::size_t first, std::size_t last) {
    Scratch scratch{std::vector<Real>(width_), {}};
    for (std::uint64_t t = 0; t < count; ++t) {
      const cpu::Tile now = tile(first_tile + t);
      for (std::size_t o = first; o < last; ++o) { add_tile(now, cube(t), owners_[o], scratch); }
    }
  }

  AccountsPayload<Real> payload() const {
    return {narrow_.accounts.offsets.data(), narrow_.accounts.columns.data(), quantities_.data()};
  }

  void add_tile(const cpu::Tile& tile, const Real* cube, Owner& owner, Scratch& scratch) const {
    cpu::losses_of(kernels_,
                   {payload(), owner.row, owner.row + 1, narrow_.columns.num_slices, narrow_.columns.num_columns}, tile,
                   cube, scratch.losses.data(), width_);
    scratch.holdings.resize(owner.shares.count());
    const Real quantile = static_cast<Real>(owner.tail.var);  // it was one
    constexpr std::uint32_t group = 16;
    static_assert(cpu::lanes % group == 0);
    for (std::uint32_t lane = 0; lane < tile.valid; lane += group) {
      const Real* losses = scratch.losses.data() + lane;
      Real largest = losses[0];
      for (std::uint32_t l = 1; l < group; ++l) { largest = losses[l] > largest ? losses[l] : largest; }
      if (!(largest >= quantile)) { continue; }  // most
      for (std::uint32_t l = 0; l < group && lane + l < tile.valid; ++l) {
        if (losses[l] >= quantile) { add_path(tile, cube, lane + l, losses[l], owner, scratch.holdings); }
      }
    }
  }

  /// @param loss  of the account, the quantile or beyond
  void add_path(const cpu::Tile& tile, const Real* cube, std::uint32_t lane, Real loss, Owner& owner,
                std::vector<double>& holdings) const {
    const auto path = static_cast<std::uint32_t>(tile.first_path + lane);
    const TailLoss<double> whole = {static_cast<double>(loss), path},
                           at_quantile = {owner.tail.var, owner.tail.var_path};
    if (worse(at_quantile, whole)) { return; }  // as bad as the quantile, and behind it
    const HoldingsPayload<Real> in = {payload(), owner.row, owner.shares.count(), narrow_.columns.num_slices,
                                      narrow_.columns.num_columns};
    if (in.num_slices == 1) {
      slice_losses(in, cube + lane, width_, holdings.data());
    } else {
      cpu::holding_losses(kernels_, in, tile, cube, lane, holdings.data());
    }
    if (path == owner.tail.var_path) {
      owner.shares.add_at_quantile(holdings.data());
      owner.met_quantile = true;
      return;
    }
    owner.shares.add({path, run_.path_weights.empty() ? 1 : run_.path_weights[path], whole.loss}, holdings.data());
    ++owner.num_beyond;
  }

  std::vector<HoldingShare> shares_of(const Book& book, const Owner& owner) const {
    if (owner.num_beyond != owner.tail.tail_count || !owner.met_quantile) {
      throw std::runtime_error("the tail of account " + book.accounts[owner.account] +
                               " does not lose once more what it lost in the run");
    }
    std::vector<HoldingShare> out = list_holdings(book, holdings_of(book, owner.account));
    for (std::size_t h = 0; h < out.size(); ++h) { out[h].es = owner.shares.share(h); }
    return out;
  }

  const PreparedRun& run_;
  const TailRule& rule_;
  const Observations* observations_;
  const RunConfig& config_;
  const cpu::Kernels& kernels_;
  std::uint64_t threads_;
  std::vector<Owner> owners_;
  HoldingRows rows_;
  std::vector<std::size_t> cuts_;  // of owners
  NarrowColumns narrow_;
  std::vector<Real> quantities_;
  std::optional<HeldColumns<Real>> columns_;
  std::optional<StepTables<HostBuffer>> tables_;
  SimulatePayload simulate_{};
  std::uint32_t width_ = 0;
  std::uint64_t tiles_per_block_ = 0;
  LargeBuffer<Real> cube_, market_;         // [tile of a block]
  LargeBuffer<float> simulated_, scratch_;  // likewise, without observations
};

}  // namespace

void check_contributions(const RunConfig& config) {
  if (config.backend != BackendChoice::reference) { return; }
  throw UsageError(
      "--contributions does not go with --backend reference (its prices are its own, and the shares of a whole book "
      "are taken from the loops of the cpu backend). Take another backend, or explain one account.");
}

std::vector<std::vector<HoldingShare>> find_contributions(const PreparedRun& run, const Book& book,
                                                          const AccountTails& tails, const RunConfig& config,
                                                          std::uint64_t batch_bytes) {
  const Observations* observations = tails.observations.empty() ? nullptr : &tails.observations;
  const TailRule rule = make_tail_rule(run);
  std::vector<std::vector<HoldingShare>> out(book.accounts.size());
  for (AccountId next = 0; next < out.size();) {
    ContributionPass<float> single(run, rule, observations, config);
    ContributionPass<double> exact(run, rule, observations, config);
    for (std::uint64_t bytes = 0; next < out.size() && bytes < batch_bytes; ++next) {
      const std::size_t count = list_holdings(book, holdings_of(book, next)).size();
      if (count == 0) { continue; }
      const bool in_double = std::binary_search(tails.inexact.begin(), tails.inexact.end(), next);
      in_double ? exact.add(book, next, tails.figures(next), count)
                : single.add(book, next, tails.figures(next), count);
      bytes += count * EulerShares::bytes(rule);
    }
    single.run(book, out);
    exact.run(book, out);
  }
  return out;
}

}  // namespace tailmargin
