#include "host/cli/margin_summary.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include <nlohmann/json.hpp>

#include "host/cli/terminal.hpp"
#include "host/cli/text_columns.hpp"

namespace tailmargin {
namespace {

/// Accounts count as fragile when their ES grows by more than a tenth with other correlations.
constexpr double fragile_from = 1.1;

struct Totals {
  double initial = 0.0, maintenance = 0.0, gross = 0.0, equity = 0.0;
  double haircut = 0.0, depeg_loss = 0.0;
  std::uint64_t short_of_initial = 0, short_of_maintenance = 0, below_ratio = 0;
};

/// Sums in account order, so that they repeat.
Totals sum_margins(const std::vector<AccountMargin>& margins) {
  Totals totals;
  for (const AccountMargin& m : margins) {
    totals.initial += m.initial_margin_usd;
    totals.maintenance += m.maintenance_margin_usd;
    totals.gross += m.gross_notional_usd;
    totals.equity += m.equity_usd;
    totals.short_of_initial += m.equity_usd < m.initial_margin_usd ? 1u : 0u;
    totals.short_of_maintenance += m.equity_usd < m.maintenance_margin_usd ? 1u : 0u;
    totals.haircut += m.collateral.haircut_usd;
    totals.depeg_loss += m.collateral.depeg_loss_usd;
    totals.below_ratio += m.margin_ratio().value_or(1.0) < 1.0 ? 1u : 0u;
  }
  return totals;
}

/// The accounts with the largest margins, largest first.
std::vector<const AccountMargin*> largest(const std::vector<AccountMargin>& margins, std::size_t count) {
  std::vector<const AccountMargin*> found;
  for (const AccountMargin& m : margins) { found.push_back(&m); }
  count = std::min(count, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(count), found.end(),
                    [](const AccountMargin* a, const AccountMargin* b) {
                      return a->initial_margin_usd != b->initial_margin_usd
                                 ? a->initial_margin_usd > b->initial_margin_usd
                                 : a->account < b->account;
                    });
  found.resize(count);
  return found;
}

std::string line(const char* format, const std::string& a, const std::string& b) {
  char text[256];
  std::snprintf(text, sizeof text, format, a.c_str(), b.c_str());
  return text;
}

/// Four margins for one exchange, and whose offsets depend on correlations.
std::string terms_block(const std::vector<AccountMargin>& margins) {
  if (margins.empty() || !margins.front().has_terms) { return ""; }
  double isolated = 0.0, cross = 0.0, portfolio = 0.0, liquidity = 0.0, add_ons = 0.0;
  std::uint64_t fragile = 0;
  for (const AccountMargin& m : margins) {
    isolated += m.terms.isolated_usd;
    cross += m.terms.cross_usd;
    portfolio += m.terms.core_usd;
    liquidity += m.terms.liquidity_usd;
    add_ons += std::max(m.terms.dependence_usd, m.terms.concentration_usd);
    fragile += m.terms.fragility > fragile_from ? 1u : 0u;
  }
  std::string text = line("\n  %-28s %20s\n", "every holding alone", with_thousands(isolated));
  text += line("  %-28s %20s\n", "every underlying alone", with_thousands(cross));
  text += line("  %-28s %20s\n", "every account as a whole", with_thousands(portfolio));
  text += line("  %-28s %20s\n", "dependence, concentration", with_thousands(add_ons));
  text += line("  %-28s %20s\n", "liquidity", with_thousands(liquidity));
  return text + line("  %-28s %20s\n", "accounts, fragility > 1.1", with_thousands(static_cast<double>(fragile)));
}

/// How much of all accounts' ES comes from the time that their worst paths spend in each regime.
std::string regime_line(const std::vector<AccountMargin>& margins, const Model& model) {
  std::vector<double> parts(model.regimes.size(), 0.0);
  double all = 0.0;
  for (const AccountMargin& m : margins) {
    for (std::size_t k = 0; k < m.regime_es_usd.size(); ++k) { parts[k] += m.regime_es_usd[k]; }
    if (!m.regime_es_usd.empty()) { all += m.es_usd; }
  }
  if (!(all > 0.0)) { return ""; }
  std::string text;
  for (std::size_t k = 0; k < parts.size(); ++k) {
    text += (k == 0 ? "" : ", ") + model.regimes[k].name + " " + percent(parts[k] / all, 0);
  }
  return "  shortfall by regime          " + text + "\n";
}

struct VenueTotals {
  double venue_margins = 0.0, consolidated = 0.0, hidden = 0.0;
  std::uint64_t stranded = 0;
};

VenueTotals sum_venues(const VenueMargins& venues) {
  VenueTotals totals;
  for (const AccountVenues& account : venues.accounts) {
    totals.venue_margins += account.venue_margins_usd;
    totals.consolidated += account.consolidated_margin_usd;
    totals.hidden += account.hidden_offset_usd();
    totals.stranded += account.stranded_probability > 0.0 ? 1u : 0u;
  }
  return totals;
}

/// What the venues ask for together, and what they would if they saw the whole book.
std::string venues_block(const VenueMargins& venues) {
  if (venues.accounts.empty()) { return ""; }
  const VenueTotals totals = sum_venues(venues);
  std::string text = line("\n  %-28s %20s\n", "margins venue by venue", with_thousands(totals.venue_margins));
  text += line("  %-28s %20s\n", "of the whole accounts", with_thousands(totals.consolidated));
  text += line("  %-28s %20s\n", "hedges that no venue sees", with_thousands(totals.hidden));
  return text +
         line("  %-28s %20s\n", "accounts that can be stranded", with_thousands(static_cast<double>(totals.stranded)));
}

std::string account_table(const std::vector<AccountMargin>& margins) {
  std::string text =
      "\n  largest margins, USD        positions   gross notional           equity      initial margin   +/- s.e.\n";
  for (const AccountMargin* m : largest(margins, 10)) {
    char row[256];
    std::snprintf(row, sizeof row, "  %-26.26s %10u %16s %16s %19s %10s\n", m->account.c_str(), m->num_positions,
                  with_thousands(m->gross_notional_usd).c_str(), with_thousands(m->equity_usd).c_str(),
                  with_thousands(m->initial_margin_usd).c_str(), with_thousands(m->es_se_usd).c_str());
    text += row;
  }
  return text;
}

std::string usd_row(const std::string& name, const PathEstimate& estimate) {
  return "  " + left_column(name, 36) + right_column(with_thousands(estimate.value), 18) +
         right_column(with_thousands(estimate.standard_error), 12) + "\n";
}

std::string probability_row(const std::string& name, const PathEstimate& estimate) {
  return "  " + left_column(name, 36) + right_column(percent(estimate.value, 3), 18) +
         right_column(percent(estimate.standard_error, 2), 12) + "\n";
}

/// What accounts lack beyond their equity, all together.
std::string shortfall_block(const ExchangeShortfall& exchange) {
  std::string text = "\n  " + left_column("shortfall of all accounts, USD", 36) + right_column("", 18) +
                     right_column("+/- s.e.", 12) + "\n";
  text += probability_row("probability of any", exchange.probability);
  text += usd_row("expected", exchange.expected_usd);
  for (const ShortfallLevel& level : exchange.levels) {
    text += usd_row(percent(level.confidence, 1) + " quantile", level.quantile_usd);
  }
  if (exchange.fund) {
    text += probability_row("insurance fund of " + with_thousands(exchange.fund->fund_usd) + " gone",
                            exchange.fund->exceeded);
    text += usd_row("expected beyond it", exchange.fund->excess_usd);
  }
  return text;
}

std::string pair_row(const std::string& name, const std::string& without, const std::string& with) {
  return "  " + left_column(name, 36) + right_column(without, 18) + right_column(with, 18) + "\n";
}

/// Over all accounts, in one round of crowding. USD.
struct CrowdingTotals {
  double es = 0.0, initial_margin = 0.0;
};

CrowdingTotals sum_of(const std::vector<AccountMargin>& margins, double CrowdedFigures::*es,
                      double CrowdedFigures::*initial_margin) {
  CrowdingTotals totals;
  for (const AccountMargin& m : margins) {
    totals.es += m.crowding.*es;
    totals.initial_margin += m.crowding.*initial_margin;
  }
  return totals;
}

CrowdingTotals sum_without(const std::vector<AccountMargin>& margins) {
  return sum_of(margins, &CrowdedFigures::es_usd, &CrowdedFigures::initial_margin_usd);
}

CrowdingTotals sum_with(const std::vector<AccountMargin>& margins) {
  return sum_of(margins, &CrowdedFigures::crowded_es_usd, &CrowdedFigures::crowded_initial_margin_usd);
}

/// The price that moved most, either way; null if none did.
const CrowdedPrice* largest_move(const CrowdingReport& report) {
  const CrowdedPrice* worst = nullptr;
  for (const CrowdedPrice& price : report.prices) {
    const double size = worst == nullptr ? 0.0 : std::fabs(worst->largest_move);
    if (std::fabs(price.largest_move) > size) { worst = &price; }
  }
  return worst;
}

/// What is liquidated, and what is lost on the prices that it moves.
std::string crowding_block(const RunResult& result) {
  if (!result.crowding) { return ""; }
  const CrowdingRound &without = result.crowding->without, &with = result.crowding->with;
  const CrowdingTotals before = sum_without(result.margins), after = sum_with(result.margins);
  const auto usd_pair = [](const std::string& name, double a, double b) {
    return pair_row(name, with_thousands(a), with_thousands(b));
  };
  std::string text = "\n" + pair_row("crowding, USD", "without", "with");
  text += usd_pair("expected shortfalls, all accounts", before.es, after.es);
  text += usd_pair("initial margin, all accounts", before.initial_margin, after.initial_margin);
  text += usd_pair("shortfall of all accounts, expected", without.shortfall.expected_usd.value,
                   with.shortfall.expected_usd.value);
  if (without.deleveraging) {
    text += usd_pair("deleveraged beyond the fund", without.deleveraging->expected_usd.value,
                     with.deleveraging->expected_usd.value);
  }
  text += pair_row("accounts liquidated, expected", fixed_digits(without.liquidated.value, 2),
                   fixed_digits(with.liquidated.value, 2));
  const CrowdedPrice* worst = largest_move(*result.crowding);
  if (worst == nullptr) { return text; }
  const std::string sign = worst->largest_move > 0.0 ? " +" : " ";
  return text + "  " + left_column("largest move of a price", 36) +
         right_column(worst->underlying + sign + percent(std::expm1(worst->largest_move), 1), 36) + "\n";
}

nlohmann::ordered_json round_json(const CrowdingRound& round, const CrowdingTotals& totals) {
  nlohmann::ordered_json json = {{"es_usd", totals.es},
                                 {"initial_margin_usd", totals.initial_margin},
                                 {"expected_uncovered_loss_usd", round.shortfall.expected_usd.value}};
  json["expected_deleveraged_usd"] = nullptr;
  if (round.deleveraging) { json["expected_deleveraged_usd"] = round.deleveraging->expected_usd.value; }
  json["expected_liquidated_accounts"] = round.liquidated.value;
  return json;
}

/// What the block says.
nlohmann::ordered_json crowding_json(const RunResult& result) {
  nlohmann::ordered_json json = {{"without", round_json(result.crowding->without, sum_without(result.margins))},
                                 {"with", round_json(result.crowding->with, sum_with(result.margins))}};
  json["largest_move"] = nullptr;
  if (const CrowdedPrice* worst = largest_move(*result.crowding)) {
    json["largest_move"] = {{"underlying", worst->underlying},
                            {"log_move", worst->largest_move},
                            {"path", worst->path},
                            {"liquidated_delta_usd", worst->delta_usd}};
  }
  return json;
}

std::string stage_line(const RunResult& result, double total_seconds) {
  std::string text = "\n  time";
  for (const StageTime& stage : result.stages) {
    if (stage.seconds == 0.0) { continue; }  // not told apart by this backend
    text += "  " + stage.stage + " " + format_seconds(stage.seconds);
  }
  return text + "  | total " + format_seconds(total_seconds) + "\n";
}

/// How well the fitted smiles meet the marks: vol points, weighted by vega, over all expiries.
std::string smile_line(const RunResult& result) {
  if (result.smiles.empty()) { return ""; }
  double squares = 0.0, quotes = 0.0;
  for (const SmileReport& smile : result.smiles) {
    squares += smile.num_quotes * smile.near_rms_vol * smile.near_rms_vol;
    quotes += smile.num_quotes;
  }
  char text[256];
  std::snprintf(text, sizeof text,
                "%zu %s; fitted smiles miss the marks by %.2f vol points (each option keeps its own)\n",
                result.smiles.size(), result.smiles.size() == 1 ? "expiry" : "expiries",
                quotes > 0.0 ? 100.0 * std::sqrt(squares / quotes) : 0.0);
  return text;
}

}  // namespace

std::string margin_summary(const Book& book, const RunResult& result, const Model& model, const std::string& model_name,
                           const RunConfig& config, const std::string& out, double total_seconds) {
  const Totals totals = sum_margins(result.margins);
  char text[512];
  std::string summary;
  std::snprintf(text, sizeof text,
                "%s accounts, %s positions, %zu instruments, %llu factors, %s paths x %llu steps, seed %llu\n",
                with_thousands(static_cast<double>(result.margins.size())).c_str(),
                with_thousands(static_cast<double>(book.positions.size())).c_str(), book.instruments.size(),
                static_cast<unsigned long long>(result.num_factors),
                with_thousands(static_cast<double>(config.num_paths)).c_str(),
                static_cast<unsigned long long>(result.num_steps), static_cast<unsigned long long>(config.seed));
  summary += text;
  summary += "model " + model_name + "; backend " + result.backend + " (" + result.device + ")\n";
  summary += smile_line(result);
  for (const std::string& note : result.notes) { summary += "note: " + note + "\n"; }
  summary += account_table(result.margins);
  summary += "\n" + line("  %-28s %20s\n", "initial margin, all accounts", with_thousands(totals.initial));
  summary += line("  %-28s %20s\n", "maintenance margin", with_thousands(totals.maintenance));
  summary += line("  %-28s %20s\n", "equity", with_thousands(totals.equity));
  summary += line("  %-28s %20s\n", "gross notional", with_thousands(totals.gross));
  summary +=
      line("  %-28s %20s\n", "accounts below initial", with_thousands(static_cast<double>(totals.short_of_initial)));
  summary += line("  %-28s %20s\n", "accounts below maintenance",
                  with_thousands(static_cast<double>(totals.short_of_maintenance)));
  summary += line("  %-28s %20s\n", "haircuts on collateral", with_thousands(totals.haircut));
  summary +=
      line("  %-28s %20s\n", "accounts with ratio below 1", with_thousands(static_cast<double>(totals.below_ratio)));
  summary += line("  %-28s %20s\n", "loss if pegs break", with_thousands(totals.depeg_loss));
  summary += terms_block(result.margins) + regime_line(result.margins, model);
  summary += venues_block(result.venues);
  summary += shortfall_block(result.exchange);
  summary += crowding_block(result);
  summary += stage_line(result, total_seconds);
  return summary + "  written to " + out + "\n";
}

std::string margin_summary_json(const Book& book, const RunResult& result, const std::string& model_name,
                                const RunConfig& config, double total_seconds) {
  const Totals totals = sum_margins(result.margins);
  nlohmann::ordered_json json;
  json["model"] = model_name;
  json["paths"] = config.num_paths;
  json["seed"] = config.seed;
  json["accounts"] = result.margins.size();
  json["positions"] = book.positions.size();
  json["instruments"] = book.instruments.size();
  json["backend"] = result.backend;
  json["device"] = result.device;
  json["initial_margin_usd"] = totals.initial;
  json["maintenance_margin_usd"] = totals.maintenance;
  json["equity_usd"] = totals.equity;
  json["gross_notional_usd"] = totals.gross;
  json["accounts_below_initial"] = totals.short_of_initial;
  json["accounts_below_maintenance"] = totals.short_of_maintenance;
  json["collateral_haircut_usd"] = totals.haircut;
  json["accounts_with_ratio_below_1"] = totals.below_ratio;
  json["depeg_loss_usd"] = totals.depeg_loss;
  if (!result.venues.accounts.empty()) {
    const VenueTotals venues = sum_venues(result.venues);
    json["venues"] = {{"venue_margins_usd", venues.venue_margins},
                      {"consolidated_margin_usd", venues.consolidated},
                      {"hidden_offset_usd", venues.hidden},
                      {"accounts_that_can_be_stranded", venues.stranded}};
  }
  json["exact_accounts"] = result.num_exact_accounts;
  json["expected_uncovered_loss_usd"] = result.exchange.expected_usd.value;
  if (result.crowding) {
    json["crowded_uncovered_loss_usd"] = result.crowding->with.shortfall.expected_usd.value;
    json["crowding"] = crowding_json(result);
  }
  for (const StageTime& stage : result.stages) { json["stage_seconds"][stage.stage] = stage.seconds; }
  json["total_seconds"] = total_seconds;
  return json.dump(2) + "\n";
}

}  // namespace tailmargin
