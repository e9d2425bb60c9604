// A prepared run made by hand: three coins with price and vol, three regimes, products and options, accounts of every
// shape the tail selection treats differently. And its tails by plain loops and a full sort.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "host/backends/backend.hpp"
#include "tests/support/small_model.hpp"

namespace tailmargin::test {

template <class To, class From>
MarketRow<To> narrow(const MarketRow<From>& row) {
  MarketRow<To> out{row.transform, {}, {}, To(row.constant), To(row.lower), To(row.upper)};
  for (std::uint32_t i = 0; i < max_row_terms; ++i) {
    out.observation[i] = row.observation[i];
    out.weight[i] = To(row.weight[i]);
  }
  return out;
}

template <class To, class From>
SmileRow<To> narrow(const SmileRow<From>& s) {
  return {s.vol,
          s.term,
          s.skew,
          s.butterfly,
          To(s.vol_weight),
          To(s.term_weight),
          To(s.skew_weight),
          To(s.butterfly_weight),
          To(s.theta),
          To(s.slope),
          To(s.log_ratio),
          To(s.wing)};
}

template <class To, class From>
Payment<To> narrow(const Payment<From>& p) {
  return {p.rate_row, p.growth_row, To(p.scale)};
}

template <class To, class From>
ProductColumn<To> narrow(const ProductColumn<From>& p) {
  return {p.out, p.growth_row, p.move_row, p.first_payment, p.num_payments, To(p.scale)};
}

template <class To, class From>
OptionColumn<To> narrow(const OptionColumn<From>& o) {
  return {o.out,           o.growth_row,     o.unit_row,     o.return_row, o.inverse_growth_row,
          o.smile_row,     o.settled,        To(o.sign),     To(o.scale),  To(o.log_moneyness),
          To(o.moneyness), To(o.base_value), To(o.residual), To(o.follow)};
}

template <class To, class Row>
auto narrow_all(const std::vector<Row>& rows) {
  std::vector<decltype(narrow<To>(rows.front()))> out;
  for (const Row& row : rows) { out.push_back(narrow<To>(row)); }
  return out;
}

/// Builds the columns: rows of each coin in double, narrowed to both precisions at the end.
class ColumnMaker {
 public:
  /// @param price_row, vol_row  observations of the coin at the horizon
  void coin(std::uint32_t price_row, std::uint32_t vol_row, double price_usd) {
    const std::uint32_t ones = row(RowTransform::exponential, 0, 0.0);
    const std::uint32_t growth = row(RowTransform::exponential, price_row, 1.0);
    const std::uint32_t move = row(RowTransform::exponential_minus_one, price_row, 1.0);
    const std::uint32_t log_return = row(RowTransform::identity, price_row, 1.0);
    const std::uint32_t inverse = row(RowTransform::exponential, price_row, -1.0);
    const std::uint32_t rate = row(RowTransform::identity, vol_row, 0.01);
    const auto first_smile = static_cast<std::uint32_t>(smiles_.size()),
               first_payment = static_cast<std::uint32_t>(payments_.size());
    // Two expiries, skewed by the price; the second is often held up by the first.
    smiles_.push_back({vol_row, vol_row, price_row, price_row, 1.0, 0.5, -0.4, 0.2, 0.0040, 0.050, -0.2, 0.6});
    smiles_.push_back({vol_row, vol_row, price_row, price_row, 1.0, 0.1, -0.4, 0.2, 0.0045, 0.052, -0.1, 0.6});
    surfaces_.push_back({first_smile, first_smile + 2});
    payments_.push_back({rate, growth, price_usd});
    payments_.push_back({rate, ones, price_usd});
    products_.push_back({next_++, ones, move, first_payment, 2, price_usd});
    products_.push_back({next_++, growth, move, 0, 0, -0.5 * price_usd});
    for (std::uint32_t i = 0; i < 6; ++i) {
      const double moneyness = 0.9 + 0.05 * i, sign = i % 2 == 0 ? 1.0 : -1.0;
      options_.push_back({next_++, ones, growth, log_return, inverse, rows_per_smile * (first_smile + i / 2 % 2),
                          i < 4 ? 0u : 1u, sign, price_usd, std::log(moneyness), moneyness, 0.02 + 0.001 * i, 0.1,
                          i == 3 ? 0.0 : 1.0});
    }
  }

  ColumnPlan plan() const {
    ColumnPlan out;
    out.num_columns = next_;
    out.exact = {rows_, smiles_, surfaces_, payments_, products_, options_};
    for (auto& option : out.exact.options) { option.smile_row += static_cast<std::uint32_t>(rows_.size()); }
    out.single = {narrow_all<float>(rows_),     narrow_all<float>(smiles_),   surfaces_,
                  narrow_all<float>(payments_), narrow_all<float>(products_), narrow_all<float>(out.exact.options)};
    return out;
  }

 private:
  std::uint32_t row(RowTransform transform, std::uint32_t observation, double weight) {
    rows_.push_back({transform, {observation}, {weight}, 0.0, -row_not_cut, row_not_cut});
    return static_cast<std::uint32_t>(rows_.size() - 1);
  }

  std::uint32_t next_ = 0;
  std::vector<MarketRow<double>> rows_;
  std::vector<SmileRow<double>> smiles_;
  std::vector<SurfaceRows> surfaces_;
  std::vector<Payment<double>> payments_;
  std::vector<ProductColumn<double>> products_;
  std::vector<OptionColumn<double>> options_;
};

inline constexpr std::uint32_t columns_per_coin = 8;
inline constexpr std::uint32_t settled_option = 6;  ///< of each coin: a call that pays nothing on most paths

struct HandPosition {
  std::uint32_t column;
  double quantity;
};

inline void add_account(AccountPlan& plan, std::vector<HandPosition> positions) {
  if (plan.offsets.empty()) { plan.offsets.push_back(0); }
  std::sort(positions.begin(), positions.end(), [](auto& a, auto& b) { return a.column < b.column; });
  for (std::size_t p = 0; p < positions.size(); ++p) {
    const bool last = p + 1 == positions.size() ||
                      positions[p + 1].column / columns_per_coin != positions[p].column / columns_per_coin;
    plan.columns.push_back({positions[p].column | (last ? PositionColumn::last_flag : 0u)});
    plan.quantities.push_back(positions[p].quantity);
  }
  plan.offsets.push_back(plan.columns.size());
}

/// Random books, and every sixth account one whose losses tie: none, or long options that expire worthless.
inline AccountPlan hand_accounts(std::size_t num_accounts, std::uint32_t num_columns) {
  AccountPlan plan;
  plan.offsets.push_back(0);
  std::mt19937 random(7);
  for (std::size_t a = 0; a < num_accounts; ++a) {
    std::vector<HandPosition> positions;
    if (a % 6 == 4) {
      positions.push_back({settled_option, 3.0});
      positions.push_back({settled_option + columns_per_coin, 2.0});
    } else if (a % 6 != 5) {
      for (std::uint32_t c = 0; c < num_columns; ++c) {
        if (random() % 4 == 0) { positions.push_back({c, static_cast<double>(random() % 2001) / 100.0 - 10.0}); }
      }
    }
    add_account(plan, positions);
  }
  return plan;
}

struct HandRunOptions {
  std::uint64_t num_paths = 1000;
  std::size_t num_accounts = 13;
  double confidence = 0.95;
  std::vector<std::uint32_t> weights = {};  ///< in turn; empty: none
  std::uint32_t read_times = 1;             ///< 1 or 2
  std::uint64_t seed = 0x123456789abcdefull;
};

/// [path][regime] steps, counted on whole simulated paths.
inline std::vector<std::uint16_t> simulated_regime_steps(const PreparedRun& run) {
  const SimulateTables tables(run);
  const SimulatePayload payload = tables.payload();
  std::vector<float> scratch(scratch_rows(payload)), observed(payload.num_observations);
  std::vector<std::uint8_t> regimes(payload.num_steps);
  std::vector<std::uint16_t> steps(run.num_paths * payload.num_regimes, 0);
  for (std::uint64_t path = 0; path < run.num_paths; ++path) {
    simulate_lanes<1>(payload, path, scratch.data(), 1, observed.data(), 1, regimes.data());
    for (const std::uint8_t regime : regimes) { ++steps[path * payload.num_regimes + regime]; }
  }
  return steps;
}

inline PreparedRun hand_run(const HandRunOptions& options) {
  constexpr std::uint32_t steps = 3, coins = 3;
  SmallModel model(steps, 2 * coins);
  model.add_everything();
  PreparedRun run = model.run;
  run.seed = options.seed;
  run.num_paths = options.num_paths;
  run.confidence = options.confidence;
  run.scenarios.factors.clear();
  run.scenarios.observations.clear();
  ColumnMaker columns;
  for (std::uint32_t coin = 0; coin < coins; ++coin) {
    run.scenarios.factors.push_back({coin, FactorKind::price});
    run.scenarios.factors.push_back({coin, FactorKind::vol});
  }
  for (std::uint32_t slice = 0; slice < options.read_times; ++slice) {
    const std::uint32_t first = 2 * coins * slice, step = slice + 1 == options.read_times ? steps : 1;
    for (std::uint32_t f = 0; f < 2 * coins; ++f) { run.scenarios.observations.push_back({step, f}); }
    for (std::uint32_t coin = 0; coin < coins; ++coin) {
      columns.coin(first + 2 * coin, first + 2 * coin + 1, 100.0 * (coin + 1));
    }
  }
  run.columns = columns.plan();
  run.columns.num_slices = options.read_times;
  run.columns.num_columns /= options.read_times;
  run.accounts = hand_accounts(options.num_accounts, run.columns.num_columns);
  for (std::uint64_t p = 0; !options.weights.empty() && p < options.num_paths; ++p) {
    run.path_weights.push_back(options.weights[p * 2654435761u % options.weights.size()]);
  }
  run.regime_steps = simulated_regime_steps(run);
  return run;
}

template <class Real>
const ColumnTables<Real>& tables_of(const PreparedRun& run) {
  if constexpr (std::is_same_v<Real, float>) {
    return run.columns.single;
  } else {
    return run.columns.exact;
  }
}

/// P&L of one contract of every column on every path: [column][path], one path at a time.
template <class Real>
std::vector<Real> plain_cube(const PreparedRun& run) {
  const SimulateTables steps(run);
  const SimulatePayload payload = steps.payload();
  const ColumnTables<Real>& tables = tables_of<Real>(run);
  std::vector<float> scratch(scratch_rows(payload)), observed(payload.num_observations);
  std::vector<Real> market(tables.num_rows()), cube(run.columns.cube_columns() * run.num_paths);
  for (std::uint64_t path = 0; path < run.num_paths; ++path) {
    simulate_lanes<1>(payload, path, scratch.data(), 1, observed.data(), 1, nullptr);
    for (std::size_t r = 0; r < tables.market_rows.size(); ++r) {
      fill_market_row(tables.market_rows[r], observed.data(), 1, 1, &market[r]);
    }
    for (const SurfaceRows& surface : tables.surfaces) {
      fill_surface(tables.smiles.data(), surface, observed.data(), 1, 1, &market[tables.market_rows.size()]);
    }
    for (const auto& p : tables.products) {
      fill_product_column(p, tables.payments.data(), market.data(), 1, 1, &cube[p.out * run.num_paths + path]);
    }
    for (const auto& o : tables.options) {
      fill_option_column(o, market.data(), 1, 1, &cube[o.out * run.num_paths + path]);
    }
  }
  return cube;
}

/// What a backend must return, bit for bit.
template <class Real>
Tails plain_tails(const PreparedRun& run, const AccountPlan& accounts) {
  const std::vector<Real> cube = plain_cube<Real>(run);
  const std::vector<Real> quantities(accounts.quantities.begin(), accounts.quantities.end());
  const AccountsPayload<Real> payload{accounts.offsets.data(), accounts.columns.data(), quantities.data()};
  const TailRule rule = make_tail_rule(run);
  const std::uint32_t* weights = run.path_weights.empty() ? nullptr : run.path_weights.data();
  Tails out;
  out.path_offsets.push_back(0);
  std::vector<TailLoss<Real>> losses(run.num_paths);
  for (std::uint64_t a = 0; a + 1 < accounts.offsets.size(); ++a) {
    for (std::uint32_t path = 0; path < run.num_paths; ++path) {
      Real pnl;
      account_pnl<1>(payload, a,
                     CubeView<Real>{cube.data() + path, run.num_paths, run.columns.num_slices, run.columns.num_columns},
                     &pnl);
      losses[path] = {-pnl, path};
    }
    std::sort(losses.begin(), losses.end(), worse<Real>);
    out.figures.push_back(summarise_tail(rule, losses.data(), rule.num_tail, weights));
    out.regime_es.resize(out.figures.size() * run.scenarios.num_regimes);
    split_by_regime(rule, losses.data(), out.figures.back(), weights, run.steps_by_regime(),
                    &out.regime_es[a * run.scenarios.num_regimes]);
    for (std::uint32_t i = 0; i < out.figures.back().tail_count; ++i) { out.tail_paths.push_back(losses[i].path); }
    out.path_offsets.push_back(out.tail_paths.size());
  }
  return out;
}

}  // namespace tailmargin::test
