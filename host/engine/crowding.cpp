#include "host/engine/crowding.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "host/engine/byte_number.hpp"
#include "host/engine/exchange_shortfall.hpp"
#include "host/engine/kept_scenarios.hpp"
#include "host/engine/margin_sums.hpp"
#include "host/engine/margin_terms.hpp"
#include "host/engine/path_liquidations.hpp"
#include "host/engine/path_statistics.hpp"
#include "host/prepare/matching.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

/// A config whose passes keep nothing.
RunConfig for_crowding(const RunConfig& config) {
  RunConfig out = silent(config);
  if (config.progress) {
    out.progress = [tell = config.progress](const std::string&, double fraction) { tell("crowding", fraction); };
  }
  return out;
}

void check_crowding(const PreparedRun& run, const Model& model) {
  const bool known = std::any_of(model.regimes.begin(), model.regimes.end(),
                                 [&](const Regime& regime) { return regime.name == model.crowding->regime; });
  if (!known) {
    throw UsageError("no regime is called '" + model.crowding->regime +
                     "' (crowding.regime says whose price vols impact is measured in). Name one of the model's.");
  }
  if (model.closing) {
    Diagnostics diagnostics;
    diagnostics.error(model_source(model), model_line(model, "crowding"), "crowding", "",
                      "liquidations that move prices at the horizon do not go with positions that close after it (they "
                      "would close on other prices). Leave [crowding] or [closing] out, or take --no-crowding.");
    throw InputError(std::move(diagnostics));
  }
  const std::uint64_t bytes = KeptScenarios::bytes(run);
  if (bytes > KeptScenarios::most_bytes) {
    throw UsageError("the scenarios take " + std::to_string(bytes >> 20) +
                     " MiB (crowding keeps those of all paths, up to 4096 MiB). Take fewer paths, a larger "
                     "measure_hours, or --no-crowding.");
  }
}

/// What goes with the ES of a margin.
struct CoreRule {
  double uplift = 0.0;
  std::optional<double> buffer;  ///< on the core, where that is the model's tool against procyclicality

  explicit CoreRule(const Model& model) : uplift(uplift_of(model)) {
    if (model.terms && model.terms->anti_procyclical == AntiProcyclical::buffer) { buffer = buffer_left(model); }
  }
};

/// The margin with another ES in it, and the buffer on that; the other terms stay.
double initial_margin(const AccountMargin& margin, const CoreRule& rule, double es_usd, double es_se_usd) {
  AccountMargin own;
  own.es_usd = es_usd;
  own.es_se_usd = es_se_usd;
  const double core = sum_of(initial_margin_terms(own, rule.uplift));
  if (!margin.has_terms) { return core; }
  AccountTerms terms = margin.terms;
  terms.core_usd = core;
  if (rule.buffer) { terms.floor_usd = (1.0 + *rule.buffer) * core; }
  return terms.initial_margin_usd();
}

/// What is closed against others on a path: of the notional of the accounts that fall short, the part that the fund
/// does not cover.
double deleveraged_usd(std::int64_t shortfall_cents, std::int64_t notional_cents, double fund_usd) {
  const double shortfall = static_cast<double>(shortfall_cents) / cents_per_usd;
  if (!(shortfall > fund_usd)) { return 0.0; }
  return static_cast<double>(notional_cents) / cents_per_usd * ((shortfall - fund_usd) / shortfall);
}

Deleveraging deleveraging(const PathShortfalls& paths, const std::vector<std::int64_t>& notional_cents,
                          double fund_usd) {
  std::vector<double> usd;
  for (std::size_t path = 0; path < paths.sum.size(); ++path) {
    usd.push_back(deleveraged_usd(paths.sum[path], notional_cents[path], fund_usd));
  }
  const TailLoss<double> worst = worst_first(usd, 1).front();
  return {PathStatistics(paths).mean(usd, [](double x) { return x; }), worst.loss, worst.path};
}

/// How the price of one underlying moved, over paths.
CrowdedPrice summarise_price(const PriceImpact& impact, const std::int64_t* delta_cents, const PathShortfalls& paths) {
  const PathStatistics statistics(paths);
  CrowdedPrice out;
  out.day_vol = impact.day_vol;
  out.depth_usd = impact.depth_usd;
  double weight = 0.0, weighted_moves = 0.0, capped = 0.0;
  for (std::uint32_t path = 0; path < paths.sum.size(); ++path) {
    if (delta_cents[path] == 0) { continue; }
    const double move = impact.log_move(delta_cents[path]);
    weight += statistics.weight(path);
    weighted_moves += statistics.weight(path) * move;
    if (std::fabs(move) >= impact.largest) { capped += statistics.weight(path); }
    if (!(std::fabs(move) > std::fabs(out.largest_move))) { continue; }
    out.largest_move = move;
    out.path = path;
    out.delta_usd = static_cast<double>(delta_cents[path]) / cents_per_usd;
  }
  out.probability = weight / statistics.all_weights();
  out.mean_move = weight > 0.0 ? weighted_moves / weight : 0.0;
  out.capped = capped / statistics.all_weights();
  return out;
}

}  // namespace

/// What one look at all accounts finds.
struct CrowdingStudy::Round {
  CrowdingSums sums;
  PathShortfalls paths;
};

CrowdingStudy::CrowdingStudy(const PreparedRun& run, const Book& book, const Model& model, const RunConfig& config,
                             const std::string& tables)
    : run_(run), book_(book), model_(model), config_(for_crowding(config)) {
  check_crowding(run, model);
  if (config.liquidations != nullptr) {
    check_given(*config.liquidations, number_of_bytes(tables), run.num_paths, book);
  }
  loops_ = {&choose_kernels(parse_isa(config.isa)), config.threads};
  backend_ = make_cpu_backend({config.threads, parse_isa(config.isa), 0, config.accounts_per_batch});
  impacts_ = price_impacts(book, model, run.scenarios);
  deltas_ = liquidated_deltas(book, run.columns, run.accounts, book.accounts);
}

Observations CrowdingStudy::scenarios(AccountTails& tails) const {
  if (!tails.observations.empty()) { return std::exchange(tails.observations, {}); }
  return KeptScenarios(run_, {{loops_.kernels, loops_.threads, {}, config_.stop}}).take_observations();
}

void CrowdingStudy::add_to(RunResult& result, const Backend& backend, AccountTails& tails) {
  Observations observations = scenarios(tails);
  AccountTails own;  // of the cpu's arithmetic, if those of the run are not
  if (backend.name() == "reference") { own = find(observations); }
  const AccountTails& before = backend.name() == "reference" ? own : tails;
  for (const AccountMargin& margin : result.margins) {
    loss_to_liquidation_.push_back(margin.equity_usd - margin.collateral.haircut_usd - margin.maintenance_margin_usd);
  }
  const Round first = look(before, observations, result);
  PathLiquidations of_accounts;
  of_accounts.scenarios = first.paths.scenarios;
  of_accounts.num_accounts = result.margins.size();
  of_accounts.num_paths = run_.num_paths;
  of_accounts.accounts = first.sums.liquidated;
  of_accounts.delta_cents = first.sums.delta_cents;
  if (config_.keep_liquidations) { of_accounts.marks = account_marks(book_); }
  const PathLiquidations& all = config_.liquidations != nullptr ? *config_.liquidations : of_accounts;

  CrowdingReport report;
  report.without = summarise(first);
  report.prices = summarise_prices(all, first.paths);
  warn_of_still_prices(all, result.warnings);
  const auto num_rows = static_cast<std::uint32_t>(run_.scenarios.observations.size());
  if (move_prices(impacts_, all.delta_cents, run_.num_paths, num_rows, observations)) {
    const AccountTails after = find(observations);
    const Round second = look(after, observations, result);
    report.with = summarise(second);
    set_accounts(before, first, after, second, result.margins);
  } else {
    report.with = report.without;
    set_accounts(before, first, before, first, result.margins);
  }
  result.crowding = std::move(report);
  if (config_.keep_liquidations) { result.liquidations = std::move(of_accounts); }
}

AccountTails CrowdingStudy::find(const Observations& observations) {
  AccountTails tails = find_tails(*backend_, run_, run_.accounts, config_, &observations);
  for (std::uint64_t a = 0; a < book_.accounts.size(); ++a) {
    const TailFigures& figures = tails.figures(a);
    if (!std::isfinite(figures.es) || !std::isfinite(figures.es_standard_error) || !std::isfinite(figures.worst_loss)) {
      throw std::runtime_error("the losses of account " + book_.accounts[a] + " with crowding are not finite");
    }
  }
  return tails;
}

CrowdingStudy::Round CrowdingStudy::look(const AccountTails& tails, const Observations& observations,
                                         const RunResult& result) const {
  check_shortfall_sums(run_, run_.accounts, tails, book_.accounts);
  const CrowdingRule rule = {loss_to_liquidation_, deltas_, book_.underlyings.size()};
  Round round;
  round.sums = crowding_sums(run_, tails, rule, observations, loops_, config_);
  round.paths = path_shortfalls(run_, round.sums.shortfalls, result.prepared_tables);
  return round;
}

CrowdingRound CrowdingStudy::summarise(const Round& round) const {
  const std::vector<double> liquidated(round.sums.liquidated.begin(), round.sums.liquidated.end());
  CrowdingRound out;
  out.liquidated = PathStatistics(round.paths).mean(liquidated, [](double n) { return n; });
  out.shortfall = summarise_shortfalls(round.paths, book_.insurance_fund_usd);
  if (book_.insurance_fund_usd) {
    out.deleveraging = deleveraging(round.paths, round.sums.short_notional_cents, *book_.insurance_fund_usd);
  }
  return out;
}

std::vector<CrowdedPrice> CrowdingStudy::summarise_prices(const PathLiquidations& all,
                                                          const PathShortfalls& paths) const {
  std::vector<CrowdedPrice> prices;
  for (std::size_t u = 0; u < impacts_.size(); ++u) {
    CrowdedPrice price = summarise_price(impacts_[u], all.delta_cents.data() + u * run_.num_paths, paths);
    price.underlying = book_.underlyings[u].name;
    if (price.probability > 0.0) { prices.push_back(std::move(price)); }
  }
  return prices;
}

void CrowdingStudy::set_accounts(const AccountTails& before, const Round& first, const AccountTails& after,
                                 const Round& second, std::vector<AccountMargin>& margins) const {
  const double all = weight_sum(run_.path_weights, run_.num_paths);
  const CoreRule rule(model_);
  for (std::size_t a = 0; a < margins.size(); ++a) {
    const TailFigures &without = before.figures(a), &with = after.figures(a);
    CrowdedFigures& out = margins[a].crowding;
    out.liquidation_probability = static_cast<double>(first.sums.liquidation_weight[a]) / all;
    out.es_usd = without.es + 0.0;  // turns -0 into 0
    out.es_se_usd = without.es_standard_error + 0.0;
    out.initial_margin_usd = initial_margin(margins[a], rule, out.es_usd, out.es_se_usd);
    out.crowded_es_usd = with.es + 0.0;
    out.crowded_es_se_usd = with.es_standard_error + 0.0;
    out.crowded_initial_margin_usd = initial_margin(margins[a], rule, out.crowded_es_usd, out.crowded_es_se_usd);
    out.crowded_shortfall_probability = static_cast<double>(second.sums.shortfalls.accounts[a].weight) / all;
    out.crowded_uncovered_loss_usd = second.sums.shortfalls.accounts[a].weighted_usd() / all;
  }
}

void CrowdingStudy::warn_of_still_prices(const PathLiquidations& all, std::vector<Diagnostic>& warnings) const {
  Diagnostics diagnostics;
  for (std::size_t u = 0; u < impacts_.size(); ++u) {
    const auto first = all.delta_cents.begin() + static_cast<std::ptrdiff_t>(u * run_.num_paths);
    const auto last = first + static_cast<std::ptrdiff_t>(run_.num_paths);
    if (impacts_[u].moves() || std::all_of(first, last, [](std::int64_t cents) { return cents == 0; })) { continue; }
    diagnostics.warning("underlyings", 0, "adv_usd", book_.underlyings[u].name,
                        "its daily volume is not known, or is 0 (liquidations of it do not move its price). Fill it "
                        "in.");
  }
  warnings.insert(warnings.end(), diagnostics.items().begin(), diagnostics.items().end());
}

}  // namespace tailmargin
