// Everything a backend needs, computed once from (book, model, seed) in double with own arithmetic, so that
// it has the same bits on every machine. Backends narrow it to float or keep it in double.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/prepare/point_plan.hpp"
#include "host/prepare/surface.hpp"
#include "kernels/executors/account_pnl.hpp"
#include "kernels/executors/revalue.hpp"
#include "kernels/executors/simulate.hpp"
#include "kernels/executors/tail.hpp"
#include "tailmargin/book.hpp"
#include "tailmargin/diagnostics.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

struct Factor {
  UnderlyingId underlying = 0;
  FactorKind kind = FactorKind::price;
};

/// A sparse matrix with one coefficient per entry and regime.
struct SparseTable {
  std::vector<std::uint32_t> offsets{0};  ///< [row + 1] into inputs
  std::vector<std::uint32_t> inputs;      ///< [entry]
  std::vector<double> coefficients;       ///< [entry][regime]
};

/// A jump process as it is sampled: law, effects, and what one of its jumps does to a path's weight.
struct JumpPlan {
  JumpLaw law = JumpLaw::fixed;
  double location = 0.0, scale = 0.0, max = 0.0;
  std::uint32_t first_effect = 0, last_effect = 0;
  double log_multiple = 0.0;          ///< ln of how many times more often it is sampled than it happens
  std::uint32_t rule = 0;             ///< of the model's jumps, and
  UnderlyingId only = no_underlying;  ///< whom alone it moves; no_underlying: the whole market
};

/// How a correlation matrix was moved to the nearest that some joint law has.
struct CorrelationRepair {
  std::uint32_t regime = 0;
  std::string table;            ///< of the model file: "kind_correlations"
  double distance = 0.0;        ///< root of the sum of squared changes (Frobenius)
  std::string a, b;             ///< the pair that moved most
  double from = 0.0, to = 0.0;  ///< its correlation
};

/// Step 1, prepared. Shapes and meanings as in SimulatePayload.
struct ScenarioPlan {
  std::vector<Factor> factors;  ///< sorted by underlying, then kind
  std::uint32_t num_steps = 0;
  std::uint32_t num_regimes = 0;
  double step_years = 0.0;
  std::vector<std::uint32_t> start_bounds, transition_bounds;
  std::uint32_t num_draws = 0;
  std::optional<std::vector<UnderlyingId>> moved;        ///< rising: no others move here; none: all do
  std::optional<std::vector<std::uint32_t>> read_draws;  ///< rising; none: all
  std::vector<double> step_sd;  ///< [factor][regime] standard deviation of a step, of which shocks are made
  SparseTable shared, shocks;
  std::vector<double> keep;                ///< [factor]
  std::vector<double> drift, scale_drift;  ///< [factor][regime]
  std::vector<std::uint32_t> tail_class;   ///< [factor][regime]
  std::uint32_t num_classes = 0;
  std::vector<double> scale_pieces;  ///< [class][piece][4]
  std::uint32_t steps_per_mixing = 1;
  double score_keep = 0.0;
  std::vector<JumpPlan> processes;
  std::vector<std::uint32_t> effect_factors;
  std::vector<double> effect_changes;
  std::vector<std::uint32_t> jump_counts, jump_bounds;
  std::vector<double> excess_jumps;        ///< [regime] jumps of a step that are sampled beyond those that happen
  std::vector<Observation> observations;   ///< rising in step; row 0 and on
  std::vector<CorrelationRepair> repairs;  ///< for reports: the tables above hold what came out
};

/// A factor's change at one time of a path, times a weight. Weight 0: nothing is read.
struct Reading {
  std::uint32_t row = 0;  ///< observation
  double weight = 0.0;
};

/// One payment of funding on the way: rate x notional, from those long to those short.
struct FundingTerms {
  double payments = 1.0;  ///< payments that fall into this grid step
  double rate = 0.0;      ///< of each, before the premium moves
  Reading premium;        ///< added to the rate
  double largest = 0.0;   ///< the rate's size is cut to this
  Reading price;          ///< of the coin when paid
};

/// What an instrument is worth at one read time as revaluation sees it; the definition the reference prices from.
struct InstrumentTerms {
  std::uint32_t column = 0;
  InstrumentKind kind = InstrumentKind::spot;
  Payoff payoff = Payoff::linear;
  bool settled = false;  ///< has expired by the read time
  double contract_size = 1.0;
  double price_now = 0.0;           ///< forward or mark now, in settlement currency (inverse: USD)
  double index_now_usd = 0.0;       ///< of the underlying
  double settlement_now_usd = 1.0;  ///< of the currency it is quoted in (inverse: USD)
  Reading index;                    ///< log price of the underlying at the read time
  Reading settlement;               ///< log price of the settlement currency then; weight 0 if it is USD
  /// The contract's log return in its settlement currency is the sum of these and basis_roll, less quote and
  /// quote_before. Settled: read at expiry, with the step before for the average.
  Reading spot, spot_before;    ///< log price of the underlying
  Reading quote, quote_before;  ///< log price of the settlement currency
  Reading basis;                ///< carry, weight: years left; or premium
  Reading basis_slope;          ///< carry_slope, weight: years left times its decay over them
  Reading dislocation;
  double basis_roll = 0.0;  ///< deterministic change of the log basis by then
  std::vector<FundingTerms> funding;
  double strike = 0.0, sign = 1.0;
  double years_now = 0.0, years_left = 0.0;  ///< now, at the read time
  double total_vol_now = 0.0;                ///< options: vol times sqrt(years), smile and residual
  double residual = 0.0;                     ///< total vol now less the smile's, over the smile's level
  double follow = 1.0;                       ///< share of the forward's log return the smile follows
  std::uint32_t fit = 0;                     ///< options: into fits
  std::uint32_t smile = 0;                   ///< options not settled: into smiles
  double model_value_now = 0.0;              ///< options: value over the forward now
};

/// The smile of one expiry now, and how it meets its quotes.
struct SmileFit {
  UnderlyingId underlying = 0;
  UnderlyingId settlement = no_underlying;
  UtcTime expiry;
  double years = 0.0;
  math::SsviSmile<double> smile{};
  FitError error;
};

/// One expiry's smile at one read time. Those of a surface stand together, the shortest first.
struct SmileTerms {
  std::uint32_t fit = 0;    ///< into fits
  bool first = false;       ///< of its surface
  double years_left = 0.0;  ///< at the read time
  Reading vol, term, skew, butterfly;
};

/// Step 2, prepared. Columns are sorted by underlying; the first column of each underlying is the asset itself
/// (one coin held as collateral), then its instruments by name. Market rows on a path: market_rows, then three for each
/// of smiles.
template <class Real>
struct ColumnTables {
  std::vector<MarketRow<Real>> market_rows;
  std::vector<SmileRow<Real>> smiles;
  std::vector<SurfaceRows> surfaces;
  std::vector<Payment<Real>> payments;
  std::vector<ProductColumn<Real>> products;
  std::vector<OptionColumn<Real>> options;

  std::size_t num_rows() const { return market_rows.size() + rows_per_smile * smiles.size(); }
};

/// P&L is read at `num_slices` times of a path, the last the horizon. Tables and terms hold all of them: column c of
/// slice s is number s * num_columns + c there.
///
/// With closing times there is one slice, and a column is (asset or instrument, closing time): those of one asset or
/// instrument stand together, by time, and asset_column and instrument_column name the first, that of the horizon.
struct ColumnPlan {
  std::uint32_t num_columns = 0;  ///< of one slice
  std::uint32_t num_slices = 1;
  std::vector<std::uint32_t> slice_step;         ///< [slice] grid step it is read at
  std::vector<std::uint32_t> asset_column;       ///< [underlying]
  std::vector<std::uint32_t> instrument_column;  ///< [instrument]
  std::vector<UnderlyingId> column_underlying;   ///< [column]
  std::vector<std::uint32_t> closing_step;  ///< [closing time] grid step, the horizon's first; empty: no such times
  std::vector<double> closing_contracts;    ///< [instrument][closing time] that one account can close by then
  std::vector<InstrumentTerms> terms;       ///< [slice][column]
  std::vector<SmileFit> fits;               ///< by underlying, settlement, expiry
  std::vector<SmileTerms> smiles;           ///< [slice or closing time], then as fits, those that have not expired
  std::vector<double> model_value;          ///< [instrument] value now by the model, in mark units
  std::vector<double> column_scale_usd;  ///< [column] size in USD in which one contract's P&L is computed; options: of
                                         ///< forward or strike
  ColumnTables<float> single;
  ColumnTables<double> exact;

  std::uint32_t cube_columns() const { return num_slices * num_columns; }
  std::uint32_t num_closing_times() const {
    return closing_step.empty() ? 1 : static_cast<std::uint32_t>(closing_step.size());
  }
  /// Of the columns of one asset or instrument the first.
  std::uint32_t first_column(std::uint32_t column) const { return column - column % num_closing_times(); }
  /// Number in tables and terms of an asset's or instrument's first column at a closing time, or in a slice.
  std::uint32_t at_time(std::uint32_t first_column, std::uint32_t time) const {
    return closing_step.empty() ? time * num_columns + first_column : first_column + time;
  }
};

/// Step 3, prepared: accounts as compressed rows. Quantities in double; backends narrow them.
struct AccountPlan {
  std::vector<std::uint64_t> offsets;
  std::vector<PositionColumn> columns;
  std::vector<double> quantities;
  std::vector<double>
      equity_usd;  ///< [account] balances, unrealised P&L, value of spot and options without entry price
  std::vector<double> gross_notional_usd;    ///< [account]
  std::vector<double> net_delta_usd;         ///< [account] sum of signed notional, options by their delta
  std::vector<double> rounding_scale_usd;    ///< [account] sum |quantity| * column scale: what float errors grow with
  std::vector<std::uint32_t> num_positions;  ///< [account] rows of the positions file
};

struct PreparedRun {
  std::uint64_t seed = 0;
  std::uint64_t num_paths = 0;
  double confidence = 0.99;
  double stressed_confidence = 0.0;  ///< ES is also told at this level, at least the other; 0: it is not
  bool fit_tails = false;            ///< whether tail figures include a fitted law
  ScenarioPlan scenarios;
  PointPlan points;
  ColumnPlan columns;
  AccountPlan accounts;
  std::vector<std::uint32_t> path_weights;  ///< [path]; empty: all one
  std::vector<std::uint16_t> regime_steps;  ///< [path][regime] as in RegimeSteps; empty: ES is not split by regime
  std::vector<Diagnostic> warnings;         ///< found while preparing

  RegimeSteps steps_by_regime() const {
    return {regime_steps.empty() ? nullptr : regime_steps.data(), scenarios.num_regimes, scenarios.num_steps};
  }
};

}  // namespace tailmargin
