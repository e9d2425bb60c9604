// Tiles of paths go by as in the cpu backend; an account looks at those of its tail only:
//
//   for each batch of accounts (as many as memory holds tails of), in the precision of their margins
//     for each block of tiles
//       in parallel over tiles:     revalue what is held -> cube[tile][column][lane]
//       in parallel over accounts:  on each path of the tail, what every holding loses joins its sums
//
// An account belongs to one task at a time and meets its paths in order, so no sum depends on the number of threads,
// the tile width, the batch or the other accounts.
#include "host/engine/contributions.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>
#include <thread>

#include "host/cpu/held_columns.hpp"
#include "host/cpu/host_loops.hpp"
#include "host/cpu/kernels_of.hpp"
#include "host/cpu/sort_tail.hpp"
#include "host/cpu/tile_width.hpp"
#include "host/engine/euler_shares.hpp"
#include "host/engine/holding_rows.hpp"
#include "host/prepare/narrow.hpp"

namespace tailmargin {
namespace {

/// Tail paths of a whole run are kept up to this; a path takes a backend so many bytes.
constexpr std::uint64_t most_kept_bytes = std::uint64_t{2} << 30, kept_path_bytes = 28;
/// Columns of a block of tiles.
constexpr std::uint64_t block_bytes = std::uint64_t{64} << 20;

template <class T>
using HostBuffer = std::vector<T>;

/// An account whose holdings are asked for.
struct Owner {
  AccountId account = 0;
  std::uint64_t row = 0;           // in the plan; its holdings are behind it
  std::vector<std::uint64_t> due;  // paths of the tail by number, each above its rank; the last rank is the quantile's
  std::size_t next = 0;            // in due
  AccountTails::KeptPaths tail;    // worst first
  double quantile = 0.0;
  std::uint64_t bits_due = 0, bits_met = 0;  // sums of the bits of its losses there
  EulerShares shares;

  std::uint32_t path() const { return static_cast<std::uint32_t>(due[next] >> 32); }
  std::uint32_t rank() const { return static_cast<std::uint32_t>(due[next]); }
};

std::uint64_t bits_of(double loss) { return std::bit_cast<std::uint64_t>(loss + 0.0); }  // one zero

/// The holdings of some accounts in one precision.
template <class Real>
class ContributionPass {
 public:
  /// @param own_prices  whether the losses of the tails come from prices that are not those of this pass
  ContributionPass(const PreparedRun& run, const Observations* observations, const RunConfig& config, bool own_prices)
      : run_(run),
        rule_(make_tail_rule(run)),
        observations_(observations),
        config_(config),
        own_prices_(own_prices),
        kernels_(choose_kernels(parse_isa(config.isa))) {}

  /// @param account  of `tails`
  void add(const Book& book, AccountId in_book, const AccountTails& tails, std::uint64_t account,
           std::size_t holdings) {
    const TailFigures& figures = tails.figures(account);
    Owner owner{in_book, rows_.num_rows(), {}, 0, tails.kept(account), figures.var, 0, 0, {rule_, holdings}};
    for (std::uint32_t rank = 0; rank < owner.tail.paths.size(); ++rank) {
      owner.due.push_back(std::uint64_t{owner.tail.paths[rank]} << 32 | rank);
    }
    owner.due.push_back(std::uint64_t{figures.var_path} << 32 | figures.tail_count);
    for (const double loss : owner.tail.losses) { owner.bits_due += bits_of(loss); }
    owners_.push_back(std::move(owner));
    rows_.add(book.accounts[in_book], holdings_of(book, in_book));
  }

  bool empty() const { return owners_.empty(); }

  /// @param out  [account of the book]
  void run(const Book& book, std::vector<std::vector<HoldingShare>>& out) {
    prepare(book);
    const std::uint64_t tiles = (run_.num_paths + width_ - 1) / width_;
    for (std::uint64_t first = 0; first < tiles; first += tiles_per_block_) {
      if (config_.stop != nullptr && config_.stop->load(std::memory_order_relaxed)) {
        throw Interrupted("stopped while the shares of holdings were added up");
      }
      const std::uint64_t count = std::min<std::uint64_t>(tiles_per_block_, tiles - first);
      for_each_index(config_.threads, count, [&](std::uint64_t t) { fill(first + t, t); });
      for_each_index(config_.threads, cuts_.size() - 1, [&](std::uint64_t part) {
        std::vector<double> losses;
        for (std::uint64_t t = 0; t < count; ++t) {
          for (std::size_t o = cuts_[part]; o < cuts_[part + 1]; ++o) {
            add_tile(tile(first + t), cube(t), owners_[o], losses);
          }
        }
      });
      if (config_.progress) {
        config_.progress("contributions", static_cast<double>(first + count) / static_cast<double>(tiles));
      }
    }
    for (const Owner& owner : owners_) { finish(book, owner, out[owner.account]); }
  }

 private:
  void prepare(const Book& book) {
    narrow_ = narrow_columns(run_.columns, rows_.prepare(book, run_.columns));
    quantities_.assign(narrow_.accounts.quantities.begin(), narrow_.accounts.quantities.end());
    columns_.emplace(narrow_.accounts, narrow_.columns);
    tables_.emplace(run_, [](const auto& values) { return values; });
    simulate_ = tables_->payload();
    const std::uint32_t cube_columns = narrow_.columns.cube_columns();
    const std::uint64_t groups = (run_.num_paths + cpu::lanes - 1) / cpu::lanes;  // no more than there are paths
    width_ = observations_ != nullptr
                 ? observations_->tile_width
                 : static_cast<std::uint32_t>(std::min<std::uint64_t>(
                       choose_tile_width(cube_columns, sizeof(Real), kernels_.paths_at_once), groups * cpu::lanes));
    const std::uint64_t tile_bytes = std::max<std::uint64_t>(1, std::uint64_t{cube_columns} * width_ * sizeof(Real));
    const int threads = config_.threads > 0 ? config_.threads : static_cast<int>(std::thread::hardware_concurrency());
    tiles_per_block_ =
        std::max<std::uint64_t>(block_bytes / tile_bytes, static_cast<std::uint64_t>(std::max(threads, 1)));
    tiles_per_block_ = std::min(tiles_per_block_, (run_.num_paths + width_ - 1) / width_);
    cube_ = LargeBuffer<Real>(tiles_per_block_ * cube_columns * width_);
    market_ = LargeBuffer<Real>(tiles_per_block_ * columns_->market_rows() * width_);
    if (observations_ == nullptr) {
      simulated_ = LargeBuffer<float>(tiles_per_block_ * simulate_.num_observations * width_);
      scratch_ = LargeBuffer<float>(tiles_per_block_ * scratch_rows(simulate_) * cpu::lanes);
    }
    cut_owners(4 * static_cast<std::uint64_t>(std::max(threads, 1)));
    for_each_index(config_.threads, cuts_.size() - 1, [&](std::uint64_t part) {
      std::vector<std::uint64_t> spare;
      for (std::size_t o = cuts_[part]; o < cuts_[part + 1]; ++o) {
        cpu::sort_by_upper_half(owners_[o].due, spare);
        owners_[o].due.shrink_to_fit();
      }
    });
  }

  /// Owners in parts of about the same work.
  void cut_owners(std::uint64_t parts) {
    const auto cost = [&](std::size_t o) { return owners_[o].due.size() * (4 + holdings_of_owner(o)); };
    std::uint64_t total = 0, sum = 0;
    for (std::size_t o = 0; o < owners_.size(); ++o) { total += cost(o); }
    cuts_ = {0};
    for (std::size_t o = 0; o < owners_.size(); ++o) {
      sum += cost(o);
      if (sum * parts < total && o + 1 != owners_.size()) { continue; }
      cuts_.push_back(o + 1);
      sum = 0;
    }
  }

  std::uint64_t holdings_of_owner(std::size_t o) const {
    return (o + 1 < owners_.size() ? owners_[o + 1].row : rows_.num_rows()) - owners_[o].row - 1;
  }

  cpu::Tile tile(std::uint64_t number) const {
    const std::uint64_t first = number * width_;
    return {first, width_, static_cast<std::uint32_t>(std::min<std::uint64_t>(width_, run_.num_paths - first))};
  }
  Real* cube(std::uint64_t in_block) { return cube_.data() + in_block * narrow_.columns.cube_columns() * width_; }

  void fill(std::uint64_t number, std::uint64_t in_block) {
    const cpu::Tile now = tile(number);
    const float* obs;
    if (observations_ != nullptr) {
      obs = observations_->values.data() + now.first_path * simulate_.num_observations;
    } else {
      float* simulated = simulated_.data() + in_block * simulate_.num_observations * width_;
      kernels_.simulate(simulate_, now, scratch_.data() + in_block * scratch_rows(simulate_) * cpu::lanes, simulated);
      obs = simulated;
    }
    cpu::revalue(kernels_, columns_->tables(), now, obs, market_.data() + in_block * columns_->market_rows() * width_,
                 cube(in_block));
  }

  /// @param losses  memory
  void add_tile(const cpu::Tile& tile, const Real* cube, Owner& owner, std::vector<double>& losses) const {
    if (owner.next == owner.due.size() || owner.path() >= tile.first_path + tile.valid) { return; }
    const std::uint64_t* offsets = narrow_.accounts.offsets.data();
    const HoldingsPayload<Real> payload = {{offsets, narrow_.accounts.columns.data(), quantities_.data()},
                                           owner.row,
                                           owner.shares.count(),
                                           narrow_.columns.num_slices,
                                           narrow_.columns.num_columns};
    losses.resize(owner.shares.count());
    const std::size_t num_tail = owner.tail.paths.size(), near = first_near(num_tail);
    for (; owner.next < owner.due.size() && owner.path() < tile.first_path + tile.valid; ++owner.next) {
      const std::uint32_t path = owner.path(), rank = owner.rank();
      const AccountLoss whole = cpu::holding_losses(kernels_, payload, tile, cube,
                                                    static_cast<std::uint32_t>(path - tile.first_path), losses.data());
      if (rank == num_tail) {
        owner.shares.add_at_quantile(losses.data());
        continue;
      }
      owner.bits_met += bits_of(whole.usd);
      const double loss = own_prices_ ? owner.tail.losses[rank] : whole.usd;
      const std::uint32_t weight = run_.path_weights.empty() ? 1 : run_.path_weights[path];
      owner.shares.add({path, weight, loss - owner.quantile, rank >= near}, losses.data());
    }
  }

  void finish(const Book& book, const Owner& owner, std::vector<HoldingShare>& out) const {
    if (!own_prices_ && !owner.tail.losses.empty() && owner.bits_met != owner.bits_due) {
      throw std::runtime_error("the tail of account " + book.accounts[owner.account] +
                               " does not lose once more what it lost in the run");
    }
    out = list_holdings(book, holdings_of(book, owner.account));
    for (std::size_t h = 0; h < out.size(); ++h) { out[h].es = owner.shares.share(h); }
  }

  const PreparedRun& run_;
  TailRule rule_;
  const Observations* observations_;
  const RunConfig& config_;
  bool own_prices_;
  const cpu::Kernels& kernels_;
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
  LargeBuffer<Real> cube_, market_;  // [tile of a block]
  LargeBuffer<float> simulated_, scratch_;
};

}  // namespace

RunConfig keeping_tails(const PreparedRun& run, RunConfig config) {
  const std::uint64_t accounts = run.accounts.offsets.size() - 1, paths = make_tail_rule(run).num_tail;
  if (config.contributions && accounts * paths * kept_path_bytes <= most_kept_bytes) { config.keep_tail_paths = true; }
  return config;
}

std::vector<std::vector<HoldingShare>> find_contributions(Backend& backend, const PreparedRun& run, const Book& book,
                                                          const AccountTails& tails, const RunConfig& config,
                                                          std::uint64_t batch_bytes) {
  const bool reference = backend.name() == "reference";
  const Observations* observations = tails.observations.empty() ? nullptr : &tails.observations;
  const TailRule rule = make_tail_rule(run);
  std::vector<std::vector<HoldingShare>> out(book.accounts.size());
  RunConfig keeping = silent(config);
  keeping.keep_tail_paths = true;
  for (AccountId first = 0, last = 0; first < out.size(); first = last) {
    std::vector<std::uint64_t> batch;
    std::vector<std::size_t> holdings;
    for (std::uint64_t bytes = 0; last < out.size() && bytes < batch_bytes; ++last) {
      const std::size_t count = list_holdings(book, holdings_of(book, last)).size();
      if (count == 0) { continue; }
      batch.push_back(last);
      holdings.push_back(count);
      bytes += (tails.figures(last).tail_count + 1) * sizeof(std::uint64_t) + count * EulerShares::bytes(rule);
    }
    AccountTails own;
    if (!tails.keeps_paths() && !batch.empty()) {
      own = find_tails(backend, run, select_accounts(run.accounts, batch), keeping, observations);
    }
    ContributionPass<float> single(run, observations, config, reference);
    ContributionPass<double> exact(run, observations, config, reference);
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const bool in_double = reference || std::binary_search(tails.inexact.begin(), tails.inexact.end(), batch[i]);
      const AccountTails& of = tails.keeps_paths() ? tails : own;
      const std::uint64_t account = tails.keeps_paths() ? batch[i] : i;
      in_double ? exact.add(book, batch[i], of, account, holdings[i])
                : single.add(book, batch[i], of, account, holdings[i]);
    }
    if (!single.empty()) { single.run(book, out); }
    if (!exact.empty()) { exact.run(book, out); }
  }
  return out;
}

}  // namespace tailmargin
