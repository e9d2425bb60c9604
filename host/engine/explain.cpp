#include "tailmargin/explain.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

#include "host/engine/account_margins.hpp"
#include "host/engine/collateral_figures.hpp"
#include "host/engine/collateral_rules.hpp"
#include "host/engine/euler_shares.hpp"
#include "host/engine/exchange_shortfall.hpp"
#include "host/engine/holding_pnl.hpp"
#include "host/engine/holding_rows.hpp"
#include "host/engine/margin_sums.hpp"
#include "host/engine/margin_terms.hpp"
#include "host/engine/path_story.hpp"
#include "host/engine/start_greeks.hpp"
#include "host/prepare/narrow.hpp"
#include "host/prepare/prepare_run.hpp"
#include "host/prepare/trades.hpp"

namespace tailmargin {
namespace {

using Clock = std::chrono::steady_clock;

/// Tenor whose vol at the money a path is described by, as far as it is held.
constexpr double described_tenor_years = 30.0 / 365.0;

const std::uint32_t* weights_of(const PreparedRun& run) {
  return run.path_weights.empty() ? nullptr : run.path_weights.data();
}

/// Haircuts and the like, as the run computes them for all accounts.
void explain_collateral(Backend& backend, const PreparedRun& all, const Book& book, Holdings held,
                        const AccountPlan& account, const Model& model, const RunConfig& config,
                        const Observations* first_observations, Explanation& out) {
  const CollateralRules rules(book, model, all.columns);
  for (CollateralBalance& b : held.collateral) {
    out.balances.push_back(rules.value(b));
    b.account = 0;
  }
  for (Position& p : held.positions) { p.account = 0; }
  const std::vector<std::string> names = {out.margin.account};
  std::vector<AccountMargin> margins = {out.margin};
  add_collateral(backend, all, book, {{names, held.positions, held.collateral}, account}, model, config,
                 first_observations, margins);
  out.margin = margins.front();
}

/// The times at which losses are described: when P&L is read, or when the last part of the account closes.
class DescribedTimes {
 public:
  /// @param whole  the account
  DescribedTimes(const ColumnPlan& columns, const AccountPlan& whole) : steps_(columns.slice_step) {
    if (columns.closing_step.empty()) { return; }
    for (const PositionColumn& column : whole.columns) {
      first_ = std::max(first_, column.column() % columns.num_closing_times());
    }
    steps_ = {columns.closing_step[first_]};
  }

  const std::vector<std::uint32_t>& steps() const { return steps_; }  // [slice]
  /// Of a slice, as ColumnPlan::at_time has it.
  std::uint32_t time(std::uint32_t slice) const { return first_ + slice; }

 private:
  std::vector<std::uint32_t> steps_;
  std::uint32_t first_ = 0;
};

/// What closes when of every position. @param holdings  the account, then one row for each
void set_closed_parts(const ColumnPlan& columns, const AccountPlan& holdings, double hours_per_step,
                      std::vector<HoldingShare>& out) {
  if (columns.closing_step.empty()) { return; }
  for (std::size_t h = 0; h < out.size(); ++h) {
    if (!out[h].instrument) { continue; }
    for (std::uint64_t p = holdings.offsets[h + 1]; p < holdings.offsets[h + 2]; ++p) {
      const std::uint32_t column = holdings.columns[p].column(), first = columns.first_column(column);
      if (first != columns.instrument_column[*out[h].instrument]) { continue; }  // a balance: what it is worth
      out[h].closed.push_back({columns.closing_step[column - first] * hours_per_step, holdings.quantities[p]});
    }
  }
}

/// Greeks by underlying of positions and balances now.
class GreeksTable {
 public:
  GreeksTable(const Book& book, const Model& model, const ColumnPlan& columns,
              const std::vector<UnderlyingId>& underlyings)
      : book_(book), model_(model), columns_(columns) {
    for (const UnderlyingId u : underlyings) { rows_[u].underlying = u; }
  }

  void add_position(const Position& position) {
    const Instrument& instrument = book_.instruments[position.instrument];
    const InstrumentTerms& terms = columns_.terms[columns_.instrument_column[position.instrument]];
    const bool other = instrument.settlement != no_underlying && instrument.settlement != instrument.underlying;
    const ContractGreeks one = start_greeks(terms, other && instrument.payoff == Payoff::linear);
    const double q = position.quantity, notional = q * notional_usd(book_, position.instrument);
    UnderlyingGreeks& row = rows_.at(instrument.underlying);
    row.gross_usd += std::fabs(notional);
    row.net_usd += notional;
    row.delta_usd += q * one.delta_usd;
    row.gamma_usd += q * one.gamma_usd;
    row.vega_usd += q * one.vega_usd;
    row.theta_usd += q * one.theta_usd;
    if (instrument.kind == InstrumentKind::perpetual) { row.funding_usd -= notional * funding_per_day(instrument); }
    if (other) {
      rows_.at(instrument.settlement).delta_usd += q * one.settlement_delta_usd;
      rows_.at(instrument.settlement).gamma_usd += q * one.settlement_gamma_usd;
    }
    add_balance(instrument.settlement, position_value(book_, columns_, position));
  }

  void add_balance(UnderlyingId asset, double amount) {
    if (asset == no_underlying || amount == 0.0) { return; }  // a row of nothing is no holding
    rows_.at(asset).delta_usd += amount * book_.underlyings[asset].index_price_usd;
  }

  std::vector<UnderlyingGreeks> take() const {
    std::vector<UnderlyingGreeks> out;
    for (const auto& [underlying, row] : rows_) { out.push_back(row); }
    return out;
  }

 private:
  /// Paid by one USD held long, at the rate of now.
  double funding_per_day(const Instrument& instrument) const {
    if (!(model_.funding_interval_hours > 0.0) || model_.time_roll == TimeRoll::off) { return 0.0; }
    const double rate =
        book_.underlyings[instrument.underlying].funding_rate_8h.value_or(0.0) * model_.funding_interval_hours / 8.0;
    return std::clamp(rate, -model_.funding_cap, model_.funding_cap) * 24.0 / model_.funding_interval_hours;
  }

  const Book& book_;
  const Model& model_;
  const ColumnPlan& columns_;
  std::map<UnderlyingId, UnderlyingGreeks> rows_;
};

/// Vols at the money now and on a path, of the expiries that the account holds options of.
class HeldVols {
 public:
  HeldVols(const Book& book, const ColumnPlan& columns, const std::vector<HoldingShare>& holdings) : columns_(columns) {
    for (const HoldingShare& h : holdings) {
      if (!h.instrument || book.instruments[*h.instrument].kind != InstrumentKind::option) { continue; }
      options_[h.underlying].push_back(columns.instrument_column[*h.instrument]);
    }
  }

  /// Of the held expiry nearest to the described tenor, of those alive at the read time.
  std::optional<AtTheMoney> at(UnderlyingId underlying, std::uint32_t time, const float* observations) const {
    const auto held = options_.find(underlying);
    if (held == options_.end()) { return {}; }
    const InstrumentTerms* best = nullptr;
    for (const std::uint32_t column : held->second) {
      const InstrumentTerms& terms = columns_.terms[columns_.at_time(column, time)];
      if (terms.settled) { continue; }
      if (best == nullptr || distance(terms) < distance(*best)) { best = &terms; }
    }
    if (best == nullptr) { return {}; }
    const SmileFit& fit = columns_.fits[best->fit];
    const double now = fit.smile.level * math::sqrt(2.0 / fit.years);
    return AtTheMoney{fit.expiry, now, level(best->smile, observations) * math::sqrt(2.0 / best->years_left)};
  }

 private:
  static double distance(const InstrumentTerms& terms) { return std::fabs(terms.years_now - described_tenor_years); }

  /// Half the total vol at the money, times the root of two: what revaluation prices with.
  double level(std::uint32_t smile, const float* observations) const {
    const ColumnTables<double>& tables = columns_.exact;
    std::vector<double> rows(rows_per_smile * tables.smiles.size());
    for (const SurfaceRows& surface : tables.surfaces) {
      if (smile < surface.first || smile >= surface.last) { continue; }
      fill_surface(tables.smiles.data(), surface, observations, 1, 1, rows.data());
    }
    return rows[std::size_t{smile} * rows_per_smile];
  }

  const ColumnPlan& columns_;
  std::map<UnderlyingId, std::vector<std::uint32_t>> options_;  // first columns
};

/// The paths a run's ES of one account is made of, and its row of the margins file.
struct FoundTail {
  AccountMargin margin;
  EsPaths paths;
  Precision precision = Precision::single;
  Observations observations;  // of all paths, if the backend kept them
};

/// The account alone, by the code of the whole run: the same bits.
FoundTail find_tail(Backend& backend, const PreparedRun& run, const AccountPlan& account, const Model& model,
                    const RunConfig& config, const std::string& name) {
  AccountTails tails = find_tails(backend, run, account, config, nullptr, ListShortfalls::yes);
  FoundTail out;
  std::vector<AccountMargin> margins = make_margins({name}, model, account, tails);
  set_shortfalls(run, ShortfallFinder(backend, run, account, tails, config, {name}).find(), margins);
  out.margin = margins.front();
  const TailFigures& figures = tails.figures(0);
  out.paths = make_es_paths(make_tail_rule(run), tails.tail(0), figures, weights_of(run));
  const bool in_double = backend.name() == "reference" || out.margin.exact_precision;
  out.precision = in_double ? Precision::exact : Precision::single;
  out.observations = std::move(tails.observations);
  return out;
}

std::vector<std::uint32_t> numbers_of(const EsPaths& paths) {
  std::vector<std::uint32_t> out;
  for (const TailLoss<double>& loss : paths.losses) { out.push_back(loss.path); }
  return out;
}

/// Paths simulated again must lose what they lost in the pass over all of them.
void check_losses(const FoundTail& tail, const HoldingPnl& pnl, const Backend& backend) {
  if (backend.name() == "reference") { return; }  // prices by formulas of its own, in other roundings
  for (std::size_t i = 0; i < tail.paths.losses.size(); ++i) {
    if (pnl.account_loss_usd[i] == tail.paths.losses[i].loss) { continue; }
    throw std::runtime_error("path " + std::to_string(tail.paths.losses[i].path) +
                             " simulated again does not lose what it lost in the run");
  }
}

/// All holdings of one underlying together; losses of the paths.
std::vector<double> losses_of(UnderlyingId underlying, const std::vector<HoldingShare>& holdings,
                              const HoldingPnl& pnl) {
  std::vector<double> sum(pnl.slice.size(), 0.0);
  for (std::size_t h = 0; h < holdings.size(); ++h) {
    if (holdings[h].underlying != underlying) { continue; }
    for (std::size_t i = 0; i < sum.size(); ++i) { sum[i] += pnl.losses_usd[h][i]; }
  }
  return sum;
}

void add_shares(const TailRule& rule, const EsPaths& paths, const HoldingPnl& pnl, Explanation& out) {
  double sum = 0.0;
  std::set<UnderlyingId> underlyings;
  for (std::size_t h = 0; h < out.holdings.size(); ++h) {
    out.holdings[h].es = es_share(rule, paths, pnl.losses_usd[h]);
    sum += out.holdings[h].es.usd;
    underlyings.insert(out.holdings[h].underlying);
  }
  for (const UnderlyingId u : underlyings) {
    out.underlyings.push_back({u, es_share(rule, paths, losses_of(u, out.holdings, pnl))});
  }
  out.rounding_usd = out.margin.es_usd - sum;
}

/// How many paths of equal weight the tail is worth.
double paths_worth(const EsPaths& paths) {
  double sum = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < paths.in_es.size(); ++i) {
    sum += paths.in_es[i];
    squares += paths.in_es[i] * paths.weights[i];
  }
  return sum * sum / squares;
}

/// Tells what happens on a path of the tail.
class PathNarrator {
 public:
  PathNarrator(const PreparedRun& run, const DescribedTimes& times, const PathTeller& teller, const HeldVols& vols,
               const std::vector<UnderlyingId>& underlyings)
      : run_(run),
        times_(times),
        teller_(teller),
        vols_(vols),
        underlyings_(underlyings),
        hours_per_step_(run.scenarios.step_years * 365.0 * 24.0) {}

  double hours(std::uint32_t step) const { return static_cast<double>(step) * hours_per_step_; }

  /// Path number `i` of the tail.
  TailPath describe(const TailRule& rule, const EsPaths& paths, const HoldingPnl& pnl,
                    const std::vector<HoldingShare>& holdings, std::size_t i) const {
    const std::uint32_t slice = pnl.slice[i], last_step = times_.steps()[slice];
    const float* observations = pnl.observations.data() + i * teller_.num_rows();
    TailPath out;
    out.path = paths.losses[i].path;
    out.loss_usd = paths.losses[i].loss;
    out.weight = paths.weights[i] * static_cast<double>(run_.num_paths) / rule.weight_sum;
    out.es_part_usd = paths.in_es[i] * out.loss_usd / rule.tail_weight;
    out.read_hours = hours(last_step);
    tell(last_step, out);
    for (const UnderlyingId u : underlyings_) {
      out.moves.push_back(move_of(u, slice, last_step, observations));
      for (std::size_t h = 0; h < holdings.size(); ++h) {
        if (holdings[h].underlying == u) { out.moves.back().pnl_usd -= pnl.losses_usd[h][i]; }
      }
    }
    return out;
  }

 private:
  void tell(std::uint32_t last_step, TailPath& out) const {
    const PathStory story = teller_.tell(out.path);
    for (std::uint32_t step = 0; step < last_step; ++step) {
      if (out.regimes.empty() || out.regimes.back().regime != story.regimes[step]) {
        out.regimes.push_back({story.regimes[step], 0.0});
      }
      out.regimes.back().hours += hours_per_step_;
    }
    const std::uint32_t block_steps = run_.scenarios.steps_per_mixing;
    for (std::uint32_t step = 0; run_.scenarios.num_classes != 0 && step < last_step; step += block_steps) {
      out.shock_scales.push_back(shock_scale(story, step / block_steps, story.regimes[step]));
    }
    for (const DrawnJump& jump : story.jumps) {
      const JumpPlan& process = run_.scenarios.processes[jump.process];
      if (jump.step > last_step || !concerns(process)) { continue; }
      out.jumps.push_back({process.rule, process.only, hours(jump.step), static_cast<double>(jump.size)});
    }
  }

  double shock_scale(const PathStory& story, std::uint32_t block, std::uint32_t regime) const {
    const ScenarioPlan& plan = run_.scenarios;
    double largest = 0.0;
    for (std::size_t f = 0; f < plan.factors.size(); ++f) {
      const Factor& factor = plan.factors[f];
      if (factor.kind != FactorKind::price || !is_held(factor.underlying)) { continue; }
      const std::uint32_t tail_class = plan.tail_class[f * plan.num_regimes + regime];  // 0: normal, else number + 1
      const float scale =
          tail_class == 0 ? 1.0f : story.shock_scales[std::size_t{block} * plan.num_classes + tail_class - 1];
      largest = std::max(largest, static_cast<double>(scale));
    }
    return largest;
  }

  bool is_held(UnderlyingId underlying) const {
    return std::binary_search(underlyings_.begin(), underlyings_.end(), underlying);
  }

  bool concerns(const JumpPlan& process) const {
    for (std::uint32_t e = process.first_effect; e < process.last_effect; ++e) {
      const UnderlyingId u = run_.scenarios.factors[run_.scenarios.effect_factors[e]].underlying;
      if (is_held(u)) { return true; }
    }
    return false;
  }

  UnderlyingMove move_of(UnderlyingId underlying, std::uint32_t slice, std::uint32_t step,
                         const float* observations) const {
    UnderlyingMove out;
    out.underlying = underlying;
    const std::vector<Observation>& rows = run_.scenarios.observations;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const Factor& factor = run_.scenarios.factors[rows[row].factor];
      if (rows[row].step != step || factor.underlying != underlying) { continue; }
      out.factors.push_back({factor.kind, static_cast<double>(observations[row])});
      if (factor.kind == FactorKind::price) { out.spot_return = math::expm1(out.factors.back().change); }
    }
    out.vol = vols_.at(underlying, times_.time(slice), observations);
    return out;
  }

  const PreparedRun& run_;
  const DescribedTimes& times_;
  const PathTeller& teller_;
  const HeldVols& vols_;
  const std::vector<UnderlyingId>& underlyings_;
  double hours_per_step_;
};

/// Adds up descriptions of all paths of a tail.
class TailAverage {
 public:
  TailAverage(std::size_t num_regimes, const std::vector<UnderlyingId>& underlyings)
      : vol_weight_(underlyings.size(), 0.0) {
    out_.regimes.resize(num_regimes, 0.0);
    for (const UnderlyingId u : underlyings) { out_.moves.push_back({u, 0.0, {}}); }
  }

  /// @param share  of the ES's weight
  void add(const TailPath& path, double share) {
    for (const RegimeSpell& spell : path.regimes) {
      out_.regimes[spell.regime] += share * spell.hours / path.read_hours;
    }
    out_.with_jump += path.jumps.empty() ? 0.0 : share;
    for (std::size_t u = 0; u < out_.moves.size(); ++u) {
      const UnderlyingMove& move = path.moves[u];
      out_.moves[u].spot_return += share * move.spot_return;
      if (!move.vol) { continue; }
      out_.moves[u].vol_change = out_.moves[u].vol_change.value_or(0.0) + share * (move.vol->then - move.vol->now);
      vol_weight_[u] += share;
    }
  }

  TailMean take() {
    for (std::size_t u = 0; u < out_.moves.size(); ++u) {
      if (out_.moves[u].vol_change) { *out_.moves[u].vol_change /= vol_weight_[u]; }
    }
    return std::move(out_);
  }

 private:
  TailMean out_;
  std::vector<double> vol_weight_;  // [underlying] of the paths that have a vol
};

std::vector<ReadTimeShare> share_read_times(const DescribedTimes& times, const EsPaths& paths, const HoldingPnl& pnl,
                                            const PathNarrator& narrator, const TailRule& rule) {
  std::vector<ReadTimeShare> out;
  for (const std::uint32_t step : times.steps()) { out.push_back({narrator.hours(step), 0.0}); }
  for (std::size_t i = 0; i < paths.in_es.size(); ++i) { out[pnl.slice[i]].share += paths.in_es[i] / rule.tail_weight; }
  return out;
}

/// The run without accounts and with a part of its columns.
PreparedRun with_columns(const PreparedRun& run, ColumnPlan columns) {
  PreparedRun out = first_paths(run, run.num_paths);
  out.columns = std::move(columns);
  return out;
}

class StageClock {
 public:
  explicit StageClock(Explanation& out) : out_(out) {}
  void lap(const char* stage) {
    const auto now = Clock::now();
    out_.stages.push_back({stage, std::chrono::duration<double>(now - last_).count()});
    last_ = now;
  }

 private:
  Explanation& out_;
  Clock::time_point last_ = Clock::now();
};

std::vector<UnderlyingGreeks> find_greeks(const Book& book, const Model& model, const ColumnPlan& columns,
                                          const Holdings& held, const std::vector<UnderlyingId>& underlyings) {
  GreeksTable table(book, model, columns, underlyings);
  for (const Position& p : held.positions) { table.add_position(p); }
  for (const CollateralBalance& b : held.collateral) { table.add_balance(b.asset, b.amount); }
  return table.take();
}

}  // namespace

Explanation explain_account(const Book& book, const Model& model, const RunConfig& config, AccountId account,
                            const ExplainOptions& options) {
  check_config(config);
  if (account >= book.accounts.size()) { throw UsageError("there is no such account in the book"); }
  Explanation out;
  StageClock clock(out);
  const std::unique_ptr<Backend> backend = make_backend_for_one(config, out.notes);
  PreparedRun all = prepare_run(book, model, config.num_paths, config.seed, config.sampler);
  out.prepared_tables = serialise_tables(all);
  const Holdings held = holdings_of(book, account);
  out.holdings = list_holdings(book, held);
  const std::vector<UnderlyingId> underlyings = moving_underlyings(book, held);
  all.scenarios = narrow_scenarios(std::move(all.scenarios), underlyings);
  out.greeks = find_greeks(book, model, all.columns, held, underlyings);
  HoldingRows rows;
  rows.add(book.accounts[account], held);
  const AccountPlan holdings = rows.prepare(book, all.columns);
  const AccountPlan whole = select_accounts(holdings, {0});
  NarrowColumns narrow = narrow_columns(all.columns, holdings);
  const PreparedRun run = with_columns(all, std::move(narrow.columns));
  clock.lap("prepare");

  RunConfig with_paths = config;
  with_paths.keep_tail_paths = true;
  const FoundTail tail =
      find_tail(*backend, run, select_accounts(narrow.accounts, {0}), model, with_paths, book.accounts[account]);
  out.margin = tail.margin;
  clock.lap("find tail");
  std::optional<TermsEngine> terms;
  if (model.terms) {
    std::vector<AccountMargin> margins = {out.margin};
    terms.emplace(all, book, model, config, backend->reads_observations());
    terms->add_terms(*backend, whole, margins);
    out.margin = margins.front();
    clock.lap("terms");
  }
  explain_collateral(*backend, all, book, held, whole, model, config, terms ? terms->own_observations() : nullptr, out);
  clock.lap("collateral");

  const PathTeller teller(run);
  const ObservedPaths observed(teller, tail.observations);
  const HoldingPnl pnl = holding_pnl(run, narrow.accounts, observed, numbers_of(tail.paths), tail.precision,
                                     choose_kernels(parse_isa(config.isa)), config.threads);
  check_losses(tail, pnl, *backend);
  const TailRule rule = make_tail_rule(run);
  add_shares(rule, tail.paths, pnl, out);
  const HeldVols vols(book, all.columns, out.holdings);
  const DescribedTimes times(all.columns, whole);
  const PathNarrator narrator(run, times, teller, vols, underlyings);
  set_closed_parts(all.columns, holdings, narrator.hours(1), out.holdings);
  TailAverage average(run.scenarios.num_regimes, underlyings);
  for (std::size_t i = 0; i < tail.paths.losses.size(); ++i) {
    TailPath path = narrator.describe(rule, tail.paths, pnl, out.holdings, i);
    average.add(path, tail.paths.in_es[i] / rule.tail_weight);
    out.worst_paths.push_back(std::move(path));
  }
  if (options.order == PathOrder::part) {
    std::stable_sort(out.worst_paths.begin(), out.worst_paths.end(),
                     [](const TailPath& a, const TailPath& b) { return a.es_part_usd > b.es_part_usd; });
  }
  out.worst_paths.resize(std::min<std::size_t>(options.num_worst_paths, out.worst_paths.size()));
  out.tail = average.take();
  out.read_times = share_read_times(times, tail.paths, pnl, narrator, rule);
  out.tail_paths_worth = paths_worth(tail.paths);
  clock.lap("explain");

  const auto initial = initial_margin_terms(out.margin, uplift_of(model));
  const auto maintenance = maintenance_margin_terms(out.margin, model);
  out.initial_terms.assign(initial.begin(), initial.end());
  if (out.margin.has_terms) {
    const auto added = added_terms(out.margin.terms);
    out.initial_terms.insert(out.initial_terms.end(), added.begin(), added.end());
  }
  out.maintenance_terms.assign(maintenance.begin(), maintenance.end());
  out.backend = backend->name();
  out.device = backend->device();
  out.num_factors = run.scenarios.factors.size();
  out.num_steps = run.scenarios.num_steps;
  out.warnings = all.warnings;
  return out;
}

}  // namespace tailmargin
