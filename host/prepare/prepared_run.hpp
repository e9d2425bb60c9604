// Everything a backend needs, computed once from (book, model, seed) in double with own arithmetic, so that
// it has the same bits on every machine. Backends narrow it to float or keep it in double.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

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

/// Step 1, prepared. Shapes as in SimulatePayload.
struct ScenarioPlan {
  std::vector<Factor> factors;  ///< sorted by underlying, then kind
  std::uint32_t num_steps = 0;
  std::uint32_t num_regimes = 0;
  double step_years = 0.0;
  std::vector<std::uint32_t> start_bounds, transition_bounds;
  std::vector<double> drift, loading;
  std::vector<Observation> observations;  ///< rising in step; row 0 and on
};

/// Forward, smile and time of an instrument as revaluation sees it; the definition the reference prices from.
struct InstrumentTerms {
  std::uint32_t column = 0;
  InstrumentKind kind = InstrumentKind::spot;
  Payoff payoff = Payoff::linear;
  bool settled = false;  ///< expires within the horizon
  double contract_size = 1.0;
  double price_now = 0.0;           ///< forward or mark now, in settlement currency (inverse: USD)
  double index_now_usd = 0.0;       ///< of the underlying
  double settlement_now_usd = 1.0;  ///< of the currency it is quoted in (inverse: USD)
  std::uint32_t spot_row = 0;       ///< observation of the log price the contract follows (at expiry if settled)
  std::uint32_t index_row = 0;      ///< observation of the log price at the horizon
  std::uint32_t basis_row = 0;      ///< carry or premium observation
  double basis_weight = 0.0;        ///< years of carry left at the horizon, or 1 for a premium; 0: none
  double basis_roll = 0.0;          ///< deterministic change of the log basis by the horizon
  std::uint32_t quote_row =
      0;  ///< observation of the settlement currency when the price is read (at expiry if settled)
  std::uint32_t settlement_row = 0;  ///< observation of the settlement currency at the horizon
  double settlement_weight = 0.0;    ///< 1 if the settlement currency has a price of its own, else 0
  std::uint32_t vol_row = 0;
  double strike = 0.0, sign = 1.0;
  double years_now = 0.0, years_at_horizon = 0.0;
  double residual_total_vol = 0.0;
  math::SviSmile<double> smile{};  ///< total variance at years_now
  double model_value_now = 0.0;    ///< options: value over the forward now
};

/// Step 2, prepared. Columns are sorted by underlying; the first column of each underlying is the asset itself
/// (one coin held as collateral), then its instruments by name.
template <class Real>
struct ColumnTables {
  std::vector<MarketRow<Real>> market_rows;
  std::vector<ProductColumn<Real>> products;
  std::vector<OptionColumn<Real>> options;
};

struct ColumnPlan {
  std::uint32_t num_columns = 0;
  std::vector<std::uint32_t> asset_column;       ///< [underlying]
  std::vector<std::uint32_t> instrument_column;  ///< [instrument]
  std::vector<UnderlyingId> column_underlying;   ///< [column]
  std::vector<InstrumentTerms> terms;            ///< [column]
  std::vector<double> model_value;               ///< [instrument] value now by the model, in mark units
  std::vector<double> column_scale_usd;  ///< [column] size in USD in which one contract's P&L is computed; options: of
                                         ///< forward or strike
  ColumnTables<float> single;
  ColumnTables<double> exact;
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
  ScenarioPlan scenarios;
  ColumnPlan columns;
  AccountPlan accounts;
  std::vector<std::uint32_t> path_weights;  ///< [path]; empty: all one
  std::vector<Diagnostic> warnings;         ///< found while preparing
};

}  // namespace tailmargin
