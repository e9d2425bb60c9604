#include "host/engine/crowding_pass.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <mutex>
#include <utility>

#include "host/cpu/account_losses.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

/// Tiles between two looks at the caller's wishes.
constexpr std::uint64_t tiles_per_block = 128;
/// Sums of cents fit 64 bits below it.
constexpr double most_cents = 9e18;

std::int64_t to_cents(double usd) { return std::llround(usd * cents_per_usd); }

/// Adds to a sum of several threads; whole numbers, so the order is nobody's business.
void add_shared(std::uint64_t& sum, std::uint64_t value) {
  std::atomic_ref<std::uint64_t>(sum).fetch_add(value, std::memory_order_relaxed);
}

void add_shared(AccountShortfall& sum, const AccountShortfall& value) {
  add_shared(sum.weight, value.weight);
  add_shared(sum.low, value.low);
  add_shared(sum.high, value.high);
}

/// [column] signed delta of one contract, USD; 0 of what is no instrument.
std::vector<double> column_deltas(const Book& book, const ColumnPlan& columns) {
  std::vector<double> deltas(columns.num_columns, 0.0);
  for (InstrumentId i = 0; i < book.instruments.size(); ++i) {
    const std::uint32_t column = columns.instrument_column[i];
    deltas[column] = notional_usd(book, i) * unit_delta(columns.terms[column]);
  }
  return deltas;
}

/// Sizes of what accounts may add to the sums, so far.
class SizeGuard {
 public:
  explicit SizeGuard(std::size_t num_underlyings) : deltas_(num_underlyings) {}

  void add_delta(UnderlyingId underlying, double usd, const std::string& account) {
    add(deltas_[underlying], usd, account);
  }
  void add_notional(double usd, const std::string& account) { add(notional_, usd, account); }

 private:
  static void add(double& size, double usd, const std::string& account) {
    size += std::fabs(usd) * cents_per_usd + 1.0;
    if (size <= most_cents) { return; }
    Diagnostics diagnostics;
    diagnostics.error("positions", 0, "account", account,
                      "with this account the notionals of all accounts may add up to more than the exact sums of "
                      "liquidations hold (9e16 USD). Correct a quantity, a contract size or a price.");
    throw InputError(std::move(diagnostics));
  }

  std::vector<double> deltas_;  // [underlying] cents
  double notional_ = 0.0;       // cents
};

/// What tasks compute a tile in, handed from one to the next: having pages cleared takes as long as filling them.
template <class Real>
class ScratchPool {
 public:
  using Scratch = typename AccountLosses<Real>::Scratch;

  /// @param make  a new one
  template <class Make>
  std::unique_ptr<Scratch> take(Make make) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (free_.empty()) { return make(); }
    std::unique_ptr<Scratch> out = std::move(free_.back());
    free_.pop_back();
    return out;
  }
  void give_back(std::unique_ptr<Scratch> scratch) {
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(std::move(scratch));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> free_;
};

/// Adds the losses of a part of the accounts, in one precision, to the sums.
template <class Real>
class CrowdingPass {
 public:
  /// @param selected  accounts, rising
  CrowdingPass(const PreparedRun& run, const std::vector<std::uint64_t>& selected, const CrowdingRule& rule,
               const Observations& observations, CrowdingSums& out)
      : run_(run),
        selected_(selected),
        rule_(rule),
        observations_(observations),
        losses_(run.columns, select_accounts(run.accounts, selected)),
        out_(out) {}

  void add_tile(std::uint64_t number, const cpu::Kernels& kernels) {
    const cpu::Tile tile = this->tile(number);
    const float* obs = observations_.values.data() + tile.first_path * run_.scenarios.observations.size();
    std::unique_ptr<Scratch> scratch =
        scratch_.take([this] { return std::make_unique<Scratch>(losses_.make_scratch(observations_.tile_width)); });
    losses_.for_each(kernels, tile, obs, *scratch,
                     [&](std::uint64_t i, const Real* losses) { add_account(tile, selected_[i], losses); });
    scratch_.give_back(std::move(scratch));
  }

 private:
  using Scratch = typename ScratchPool<Real>::Scratch;

  cpu::Tile tile(std::uint64_t number) const {
    const std::uint32_t width = observations_.tile_width;
    const std::uint64_t first = number * width;
    return {first, width, static_cast<std::uint32_t>(std::min<std::uint64_t>(width, run_.num_paths - first))};
  }

  /// The sums of a path belong to its tile, those of an account to all threads.
  void add_account(const cpu::Tile& tile, std::uint64_t account, const Real* losses) {
    const double liquidated_above = rule_.liquidation_loss_usd[account], equity = run_.accounts.equity_usd[account];
    const double least = std::min(liquidated_above, equity);
    std::uint64_t weight_liquidated = 0;
    AccountShortfall short_of{};
    for (std::uint32_t lane = 0; lane < tile.valid; ++lane) {
      const auto loss = static_cast<double>(losses[lane]);
      if (!(loss > least)) { continue; }  // most
      const std::uint64_t path = tile.first_path + lane;
      const std::uint32_t weight = run_.path_weights.empty() ? 1 : run_.path_weights[path];
      if (loss > liquidated_above) {
        liquidate(account, path);
        weight_liquidated += weight;
      }
      const std::int64_t cents = shortfall_cents(loss, equity);
      if (cents != 0) {
        out_.shortfalls.paths[path].add(cents);
        out_.short_notional_cents[path] += rule_.deltas.notional_cents[account];
        short_of.add(weight, cents);
      }
    }
    if (weight_liquidated != 0) { add_shared(out_.liquidation_weight[account], weight_liquidated); }
    if (short_of.weight != 0) { add_shared(out_.shortfalls.accounts[account], short_of); }
  }

  void liquidate(std::uint64_t account, std::uint64_t path) {
    const LiquidatedDeltas& deltas = rule_.deltas;
    out_.liquidated[path] += 1;
    for (std::uint64_t d = deltas.offsets[account]; d < deltas.offsets[account + 1]; ++d) {
      out_.delta_cents[deltas.underlyings[d] * run_.num_paths + path] += deltas.cents[d];
    }
  }

  const PreparedRun& run_;
  const std::vector<std::uint64_t>& selected_;
  const CrowdingRule& rule_;
  const Observations& observations_;
  AccountLosses<Real> losses_;
  ScratchPool<Real> scratch_;
  CrowdingSums& out_;
};

template <class Real>
void add_pass(const PreparedRun& run, const std::vector<std::uint64_t>& selected, const CrowdingRule& rule,
              const Observations& observations, const HostLoops& loops, const RunConfig& config, CrowdingSums& out) {
  if (selected.empty()) { return; }
  CrowdingPass<Real> pass(run, selected, rule, observations, out);
  const std::uint64_t tiles = (run.num_paths + observations.tile_width - 1) / observations.tile_width;
  for (std::uint64_t first = 0; first < tiles; first += tiles_per_block) {
    if (config.stop != nullptr && config.stop->load(std::memory_order_relaxed)) {
      throw Interrupted("stopped while liquidations were added up");
    }
    const std::uint64_t count = std::min(tiles_per_block, tiles - first);
    for_each_index(loops.threads, count, [&](std::uint64_t t) { pass.add_tile(first + t, *loops.kernels); });
    if (config.progress) {
      config.progress("liquidations", static_cast<double>(first + count) / static_cast<double>(tiles));
    }
  }
}

}  // namespace

LiquidatedDeltas liquidated_deltas(const Book& book, const ColumnPlan& columns, const AccountPlan& accounts,
                                   const std::vector<std::string>& names) {
  const std::vector<double> deltas = column_deltas(book, columns);
  SizeGuard guard(book.underlyings.size());
  LiquidatedDeltas out;
  for (std::uint64_t a = 0; a + 1 < accounts.offsets.size(); ++a) {
    double delta_usd = 0.0;
    for (std::uint64_t p = accounts.offsets[a]; p < accounts.offsets[a + 1]; ++p) {
      const PositionColumn& column = accounts.columns[p];
      delta_usd += accounts.quantities[p] * deltas[column.column()];
      if (!column.last_of_underlying()) { continue; }
      const UnderlyingId underlying = columns.column_underlying[column.column()];
      guard.add_delta(underlying, delta_usd, names[a]);
      if (const std::int64_t cents = to_cents(delta_usd); cents != 0) {
        out.underlyings.push_back(underlying);
        out.cents.push_back(cents);
      }
      delta_usd = 0.0;
    }
    guard.add_notional(accounts.gross_notional_usd[a], names[a]);
    out.notional_cents.push_back(to_cents(accounts.gross_notional_usd[a]));
    out.offsets.push_back(out.cents.size());
  }
  return out;
}

CrowdingSums crowding_sums(const PreparedRun& run, const AccountTails& tails, const CrowdingRule& rule,
                           const Observations& observations, const HostLoops& loops, const RunConfig& config) {
  CrowdingSums out;
  const std::uint64_t num_accounts = run.accounts.offsets.size() - 1;
  out.liquidated.resize(run.num_paths);
  out.delta_cents.resize(rule.num_underlyings * run.num_paths);
  out.short_notional_cents.resize(run.num_paths);
  out.liquidation_weight.resize(num_accounts);
  out.shortfalls.paths.resize(run.num_paths);
  out.shortfalls.accounts.resize(num_accounts);
  std::vector<std::uint64_t> single, exact;
  for (std::uint64_t a = 0; a < num_accounts; ++a) {
    const double worst = tails.figures(a).worst_loss;
    const bool is_short = shortfall_cents(worst, run.accounts.equity_usd[a]) != 0;
    if (!is_short && !(worst > rule.liquidation_loss_usd[a])) { continue; }
    (std::binary_search(tails.inexact.begin(), tails.inexact.end(), a) ? exact : single).push_back(a);
  }
  add_pass<float>(run, single, rule, observations, loops, config, out);
  add_pass<double>(run, exact, rule, observations, loops, config, out);
  return out;
}

}  // namespace tailmargin
