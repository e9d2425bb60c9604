// From a validated book and model to everything a backend needs.
#pragma once

#include <span>
#include <string>

#include "host/prepare/prepared_run.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

/// Factors, chain and step tables. Problems (no rule for an underlying, correlations not positive definite, no
/// stationary distribution) go to diagnostics under the model's name.
ScenarioPlan prepare_scenarios(const Book& book, const Model& model, Diagnostics& diagnostics);

/// Columns: what one contract of each instrument does on a path. Adds the observations it needs to `scenarios`.
ColumnPlan prepare_columns(const Book& book, const Model& model, ScenarioPlan& scenarios, Diagnostics& diagnostics);

/// Accounts as rows over columns. Accounts too large or quantities too small for float go to diagnostics.
AccountPlan prepare_accounts(const Book& book, const ColumnPlan& columns, Diagnostics& diagnostics);

/// Rows of a book that accounts hold, as book.hpp has them; an AccountId is a place in `accounts`.
struct HoldingsView {
  std::span<const std::string> accounts;
  std::span<const Position> positions;
  std::span<const CollateralBalance> collateral;
  /// [position] contracts that close as one with it; empty: the account's rows of the instrument
  std::span<const double> closed_with = {};
};

/// The same of rows that need not be the book's own; of the book only the market is read.
AccountPlan prepare_accounts(const Book& market, const HoldingsView& held, const ColumnPlan& columns,
                             Diagnostics& diagnostics);

/// What a position adds to the balance of its settlement currency (USD, a stablecoin, or the coin of an inverse
/// contract). With an entry price its unrealised P&L. Without one, spot and options count at their market value: they
/// were paid for out of the balances; perpetuals and futures count nothing.
double position_value(const Book& book, const ColumnPlan& columns, const Position& position);

/// Mark, or what the model says of an option without one, in mark units.
double mark_price(const Book& book, const ColumnPlan& columns, InstrumentId instrument);

/// Of one contract, at the index.
double notional_usd(const Book& book, InstrumentId instrument);

/// Contracts a day, from the instrument's own volume or else its underlying's; 0 if neither is known, or it is 0: then it
/// has no market.
double daily_volume(const Book& book, InstrumentId instrument);

/// Contracts that the daily volume of its underlying is worth; 0 if it is not known.
double underlying_volume(const Book& book, InstrumentId instrument);

/// Black-76 forward delta of one unit of an option; 1 for what is none.
double unit_delta(const InstrumentTerms& terms);

/// The accounts named by `selected` (indices into plan), in that order.
AccountPlan select_accounts(const AccountPlan& plan, const std::vector<std::uint64_t>& selected);

/// All of it. @throws InputError with every problem found
PreparedRun prepare_run(const Book& book, const Model& model, std::uint64_t num_paths, std::uint64_t seed,
                        Sampler sampler = Sampler::plain);

/// The scenarios of a run's first paths, without columns and accounts.
PreparedRun first_paths(const PreparedRun& run, std::uint64_t num_paths);

/// The same paths of another model, which differs in chain or correlations only: with the run's own draws and points,
/// unless its correlations are of another number of draws. What does not move in the run does not here.
/// @throws InputError
PreparedRun prepare_variant(const PreparedRun& run, const Book& book, const Model& model, std::uint64_t num_paths);

/// The tables scenarios and prices come from, as bytes in a fixed order: hashed and saved with every run, so that
/// two runs can be shown to have used the same numbers. Accounts are not part of it.
std::string serialise_tables(const PreparedRun& run);

/// Whole seconds of the horizon and the step. A path ends at the horizon, or at the last closing time beyond it.
struct TimeGrid {
  std::int64_t horizon_seconds = 0, step_seconds = 0;
  std::uint32_t horizon_steps = 0;
  std::uint32_t num_steps = 0;  ///< of a path
};
TimeGrid time_grid(const Model& model);

/// Whole steps of a time.
std::uint32_t steps_of(double hours, const TimeGrid& grid);

/// Limits that keep every number of a run finite in float. A factor's standard deviation over the horizon (log units; a
/// daily price vol of 38 per year is at it), the same times the largest tail scale, an account's size, and the smallest
/// quantity that is not zero.
inline constexpr double max_horizon_sd = 2.0;
inline constexpr double max_horizon_scale = 4.0;
inline constexpr double max_account_size_usd = 1e15;
inline constexpr double min_quantity = 1e-30;

inline constexpr double seconds_per_year = 31'536'000.0;  // 365 days, as the venues' own option values count time

}  // namespace tailmargin
