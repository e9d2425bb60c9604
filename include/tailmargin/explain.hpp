// Why one account's margin is what it is: what each holding adds to the expected shortfall, what happens on its worst
// paths, its greeks now, and the terms its margin is the sum of. Equations: docs/methodology.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tailmargin/book.hpp"
#include "tailmargin/engine.hpp"
#include "tailmargin/holding_share.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// One amount a margin is made of. The terms of a list add up, in their order, to the margin they explain, bit for bit.
struct MarginTerm {
  const char* name;  ///< such as "expected shortfall"
  double usd;        ///< may be negative
  const char* what;  ///< one line: where it comes from
};

struct UnderlyingShare {
  UnderlyingId underlying = 0;
  EsShare es;  ///< of the holdings with this underlying together
};

/// Steps in one regime.
struct RegimeSpell {
  std::uint32_t regime = 0;  ///< of the model
  double hours = 0.0;        ///< > 0
};

struct PathJump {
  std::uint32_t rule = 0;                   ///< of the model's jumps
  UnderlyingId underlying = no_underlying;  ///< whom alone it moves; no_underlying: all that the rule matches
  double hours = 0.0;                       ///< end of the step it falls into
  double size = 0.0;                        ///< Y of the rule's law
};

struct FactorMove {
  FactorKind kind = FactorKind::price;
  double change = 0.0;  ///< from now, as FactorKind says
};

/// Vol at the money of one expiry, per year.
struct AtTheMoney {
  UtcTime expiry;
  double now = 0.0, then = 0.0;
};

struct UnderlyingMove {
  UnderlyingId underlying = 0;
  double spot_return = 0.0;              ///< of the index price; -0.1: it fell by a tenth
  std::optional<AtTheMoney> vol;         ///< of the held expiry nearest to 30 days that is still alive, if there is one
  std::vector<FactorMove> factors = {};  ///< all of the underlying's, in the order of FactorKind
  double pnl_usd = 0.0;                  ///< of the account's holdings with this underlying
};

/// A path of the tail, up to the time its loss falls.
struct TailPath {
  std::uint32_t path = 0;
  double weight = 0.0;       ///< of the path over the mean path's
  double es_part_usd = 0.0;  ///< loss times its weight in the ES
  double loss_usd = 0.0;     ///< as the margin's own pass has it
  double read_hours = 0.0;   ///< when the loss falls: the horizon, a look on the way, or when the last part has closed
  /// [mixing block] what price shocks are multiplied with by the tail law of the day, the most of the account's
  /// underlyings in the regime the block begins in; empty: all shocks are normal.
  std::vector<double> shock_scales = {};
  std::vector<RegimeSpell> regimes = {};   ///< up to read_hours
  std::vector<PathJump> jumps = {};        ///< likewise, those that move the account's underlyings
  std::vector<UnderlyingMove> moves = {};  ///< by underlying
};

struct MeanMove {
  UnderlyingId underlying = 0;
  double spot_return = 0.0;
  std::optional<double> vol_change;  ///< of TailPath's vols at the money, per year; over the paths that have one
};

/// The tail as a whole: means over its paths with their weights in the ES.
struct TailMean {
  std::vector<double> regimes;  ///< [regime] share of the time up to the loss; they add up to one
  double with_jump = 0.0;       ///< weight of the paths with a jump that moves the account's underlyings, 0 to 1
  std::vector<MeanMove> moves;  ///< by underlying
};

/// Weight of the tail by the time the loss falls.
struct ReadTimeShare {
  double hours = 0.0;
  double share = 0.0;  ///< 0 to 1
};

/// What the account gains, to first or second order, when one thing moves and all else stays. USD. Every contract keeps
/// its own implied vol; forwards and marks move with the index by the same ratio. Balances and debts count, and so does
/// a price of the settlement currency.
struct UnderlyingGreeks {
  UnderlyingId underlying = 0;
  double gross_usd = 0.0;    ///< sum of absolute notionals of the positions, as in the margins file
  double net_usd = 0.0;      ///< sum of signed notionals; options count in full, whatever their delta
  double delta_usd = 0.0;    ///< S dV/dS: gain per 100 % of the price, at the slope of now
  double gamma_usd = 0.0;    ///< S^2 d2V/dS2 / 100: what delta_usd gains by the curvature when the price rises by 1 %
  double vega_usd = 0.0;     ///< per vol point (0.01 per year) of all implied vols
  double theta_usd = 0.0;    ///< per day, at the rate of now: decay of options, roll of basis at constant carry
  double funding_usd = 0.0;  ///< per day at the rate of now, cut as the model says; negative: the account pays
};

/// One account of a run explained.
struct Explanation {
  AccountMargin margin;  ///< the account's row of the margins file; with tail paths
  std::vector<MarginTerm> initial_terms, maintenance_terms;
  std::vector<BalanceValue> balances;        ///< in the book's order
  std::vector<HoldingShare> holdings;        ///< positions in the book's order, then balances; USD has no share
  std::vector<UnderlyingShare> underlyings;  ///< by underlying, those of the holdings
  double rounding_usd = 0.0;                 ///< ES less the sum of the holdings' shares, added in their order
  double tail_paths_worth = 0.0;             ///< (sum w)^2 / sum w^2 of the tail
  std::vector<ReadTimeShare> read_times;     ///< rising; one entry: the horizon
  TailMean tail;
  std::vector<TailPath> worst_paths;     ///< worst first
  std::vector<UnderlyingGreeks> greeks;  ///< by underlying
  std::string prepared_tables;           ///< as RunResult::prepared_tables
  std::string backend, device;
  std::uint64_t num_factors = 0, num_steps = 0;
  std::vector<StageTime> stages;
  std::vector<Diagnostic> warnings;  ///< found while preparing
  std::vector<std::string> notes;
};

/// Which paths of the tail are shown first: those that lose most, or those with the largest part of the ES. They differ
/// where paths have weights: the worst are then rare ones that weigh little.
enum class PathOrder : std::uint8_t { loss, part };

struct ExplainOptions {
  std::uint32_t num_worst_paths = 5;
  PathOrder order = PathOrder::loss;
};

/// Explains one account of the run that run_margin(book, model, config) is. Takes the account alone through the run's
/// own code, so that margin and tail have the run's bits; then simulates the paths of its tail again and revalues every
/// holding by itself on them.
/// @throws what run_margin throws; UsageError if there is no such account
Explanation explain_account(const Book& book, const Model& model, const RunConfig& config, AccountId account,
                            const ExplainOptions& options = {});

}  // namespace tailmargin
