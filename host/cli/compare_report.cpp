#include "host/cli/compare_report.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <nlohmann/json.hpp>

#include "host/cli/compare_methods.hpp"
#include "host/cli/terminal.hpp"
#include "host/cli/text_columns.hpp"
#include "host/domain/validate/text.hpp"

namespace tailmargin {
namespace {

using Json = nlohmann::ordered_json;
using venues::BookRequirement;
using venues::ExplainedMargin;
using venues::Method;
using venues::Term;

constexpr std::size_t name_width = 16;

std::string counted(std::uint64_t n) { return with_thousands(static_cast<double>(n)); }

std::string run_line(const MonteCarloRun& run) {
  std::string text = "Monte Carlo: model " + run.model + "; " + counted(run.num_factors) + " factors, " +
                     counted(run.num_paths) + " paths x " + counted(run.num_steps) + " steps, seed " +
                     std::to_string(run.seed) + "; backend " + run.backend + " (" + run.device + ")\n";
  for (const std::string& note : run.notes) { text += "note: " + note + "\n"; }
  return text;
}

std::string total_row(const std::string& name, const std::string& initial, const std::string& maintenance,
                      const std::string& ratio, const std::string& accounts) {
  return "  " + left_column(name, name_width) + right_column(initial, 20) + right_column(maintenance, 20) +
         right_column(ratio, 18) + right_column(accounts, 20) + "\n";
}

std::string total_rows(const ComparedBook& compared) {
  std::string text = "\n" + total_row("USD", "initial margin", "maintenance", "over Monte Carlo", "accounts in full");
  if (!compared.monte_carlo.empty()) {
    double initial = 0.0, maintenance = 0.0;
    for (const AccountMargin& m : compared.monte_carlo) {
      initial += m.initial_margin_usd;
      maintenance += m.maintenance_margin_usd;
    }
    text += total_row(monte_carlo_name, with_thousands(initial), with_thousands(maintenance), "1.00",
                      counted(compared.accounts.size()));
  }
  for (const BookRequirement& method : compared.methods) {
    const MethodTotals totals = totals_of(compared, method);
    text += total_row(method.method->name, with_thousands(totals.initial_usd), with_thousands(totals.maintenance_usd),
                      totals.over_monte_carlo ? fixed_digits(*totals.over_monte_carlo, 2) : "-",
                      counted(totals.accounts_in_full));
  }
  return text;
}

/// Which methods have balances in their scenarios: without it the ratios mislead.
std::string collateral_note(const ComparedBook& compared) {
  std::string names;
  for (const BookRequirement& row : compared.methods) {
    const std::vector<venues::ScenarioGroup>& groups = row.method->scenario_groups;
    const bool moves = std::any_of(groups.begin(), groups.end(), [](const auto& g) { return g.collateral_moves; });
    if (moves) { names += ", " + row.method->name; }
  }
  return wrapped("  ",
                 "coin balances lose value in the scenarios of " + std::string(monte_carlo_name) + names +
                     "; the other rules take them as collateral at today's price",
                 2);
}

std::string method_head(const Method& method) { return "  " + left_column(method.name, name_width); }

std::string method_notes(const ComparedBook& compared) {
  std::string text = "\n";
  for (const BookRequirement& row : compared.methods) {
    const Method& method = *row.method;
    text += wrapped(method_head(method), method.title + "; " + method.fidelity + "; " + method.source, name_width + 3);
  }
  return text;
}

std::string left_out_notes(const CompareReport& report) {
  std::string text;
  for (const BookRequirement& row : report.compared.methods) {
    if (row.left_out.empty()) { continue; }
    text += "  " + left_column(row.method->name, name_width) + "leaves out " + counted(row.left_out.size()) +
            " instruments" + (report.out.empty() ? "" : ", listed in compare_left_out.csv") + "\n";
  }
  return text.empty() ? text : "\n" + text;
}

Json run_json(const MonteCarloRun& run) {
  return {{"model", run.model}, {"backend", run.backend}, {"paths", run.num_paths}, {"seed", run.seed}};
}

Json method_json(const Method& method) {
  return {{"method", method.name}, {"title", method.title},   {"fidelity", method.fidelity},
          {"date", method.date},   {"source", method.source}, {"not_modelled", method.not_modelled}};
}

Json totals_json(const ComparedBook& compared, const BookRequirement& row) {
  const MethodTotals totals = totals_of(compared, row);
  Json json = method_json(*row.method);
  json["initial_margin_usd"] = totals.initial_usd;
  json["maintenance_margin_usd"] = totals.maintenance_usd;
  json["accounts_in_full"] = totals.accounts_in_full;
  json["initial_over_monte_carlo"] = totals.over_monte_carlo ? Json(*totals.over_monte_carlo) : Json(nullptr);
  json["left_out"] = Json::array();
  for (const venues::LeftOutCount& left : row.left_out) {
    json["left_out"].push_back({{"instrument", left.what}, {"reason", left.reason}, {"accounts", left.num_accounts}});
  }
  return json;
}

Json monte_carlo_json(const CompareReport& report) {
  Json json = run_json(*report.run);
  double initial = 0.0, maintenance = 0.0;
  for (const AccountMargin& m : report.compared.monte_carlo) {
    initial += m.initial_margin_usd;
    maintenance += m.maintenance_margin_usd;
  }
  json["initial_margin_usd"] = initial;
  json["maintenance_margin_usd"] = maintenance;
  return json;
}

/// Rounds all terms but the last to multiples of the margin's last bit, on which sums and the rest to the margin are
/// exact: the terms add up to it.
void complete(std::vector<Term>& terms, double Term::*member, double margin) {
  const double bit = std::nextafter(margin, std::numeric_limits<double>::infinity()) - margin;
  double partial = 0.0;
  for (std::size_t t = 0; t + 1 < terms.size(); ++t) {
    if (margin > 0.0) { terms[t].*member = std::nearbyint(terms[t].*member / bit) * bit; }
    partial += terms[t].*member;
  }
  terms.back().*member = margin - partial;
}

/// The expected shortfall, and what the model's uplift adds.
std::vector<Term> terms_of_shortfall(const AccountMargin& margin) {
  std::vector<Term> terms = {{"", "expected shortfall", "", margin.es_usd, 0.0}};
  const double uplift = margin.initial_margin_usd - margin.es_usd;
  if (uplift != 0.0) { terms.push_back({"", "uplift to the confidence bound", "", uplift, 0.0}); }
  return terms;
}

/// The largest of the shortfalls, the larger of two add-ons, and liquidity; or the minimum for short options.
std::vector<Term> terms_of_model(const AccountMargin& margin) {
  const AccountTerms& t = margin.terms;
  using Named = std::pair<double, const char*>;
  const auto less = [](const Named& a, const Named& b) { return a.first < b.first; };
  const Named shortfall =
      std::max({Named{t.core_usd, "shortfall with uplift"}, Named{t.crisis_start_usd, "crisis start"},
                Named{t.correlation_usd, "other correlations"}, Named{t.floor_usd, "floor against procyclicality"}},
               less);
  const Named add_on =
      std::max(Named{t.dependence_usd, "dependence"}, Named{t.concentration_usd, "concentration"}, less);
  const double sum = shortfall.first + add_on.first + t.liquidity_usd;
  if (t.short_option_minimum_usd > sum) {
    return {{"", "minimum for short options", "instead of " + shortest_number(sum), t.short_option_minimum_usd, 0.0}};
  }
  return {{"", shortfall.second, "", shortfall.first, 0.0},
          {"", add_on.second, "", add_on.first, 0.0},
          {"", "liquidity", "", t.liquidity_usd, 0.0}};
}

std::string term_row(const std::string& unit, const std::string& name, double initial, double maintenance,
                     const std::string& detail) {
  return "  " + left_column(unit, 18) + " " + left_column(name, 30) + right_column(shortest_number(initial), 24) +
         right_column(shortest_number(maintenance), 24) + (detail.empty() ? "" : "  " + detail) + "\n";
}

std::string terms_text(const std::vector<Term>& terms, double initial, double maintenance) {
  std::string text;
  for (const Term& term : terms) {
    text += term_row(term.unit, term.name, term.initial_usd, term.maintenance_usd, term.detail);
  }
  return text + term_row("", "margin", initial, maintenance, "");
}

Json term_json(const Term& term) {
  return {{"unit", term.unit},
          {"term", term.name},
          {"detail", term.detail},
          {"initial_usd", term.initial_usd},
          {"maintenance_usd", term.maintenance_usd}};
}

Json terms_json(const std::vector<Term>& terms) {
  Json json = Json::array();
  for (const Term& term : terms) { json.push_back(term_json(term)); }
  return json;
}

Json explained_json(const ExplainedMargin& explained) {
  Json json = method_json(*explained.method);
  json["initial_margin_usd"] = explained.margin.initial_usd;
  json["maintenance_margin_usd"] = explained.margin.maintenance_usd;
  json["terms"] = terms_json(explained.margin.terms);
  json["scenarios"] = Json::array();
  for (const venues::UnitScenarios& unit : explained.margin.units) {
    Json rows = Json::array();
    for (std::size_t s = 0; s < unit.pnl_usd.size(); ++s) {
      rows.push_back({{"scenario", venues::scenario_text(unit.group->scenarios[s])}, {"pnl_usd", unit.pnl_usd[s]}});
    }
    json["scenarios"].push_back({{"unit", unit.unit}, {"worst", unit.worst}, {"pnl", rows}});
  }
  json["left_out"] = Json::array();
  for (const venues::LeftOut& left : explained.left_out) {
    json["left_out"].push_back({{"instrument", left.what}, {"reason", left.reason}});
  }
  return json;
}

}  // namespace

MethodTotals totals_of(const ComparedBook& compared, const BookRequirement& method) {
  MethodTotals totals;
  double covered = 0.0, simulated = 0.0;
  for (std::size_t a = 0; a < method.accounts.size(); ++a) {
    const venues::AccountRequirement& account = method.accounts[a];
    totals.initial_usd += account.initial_usd;
    totals.maintenance_usd += account.maintenance_usd;
    if (account.num_left_out != 0) { continue; }
    ++totals.accounts_in_full;
    covered += account.initial_usd;
    if (!compared.monte_carlo.empty()) { simulated += compared.monte_carlo[a].initial_margin_usd; }
  }
  if (simulated > 0.0) { totals.over_monte_carlo = covered / simulated; }
  return totals;
}

std::string compare_text(const CompareReport& report) {
  const ComparedBook& compared = report.compared;
  std::string text = counted(compared.accounts.size()) + " accounts, " + counted(report.num_positions) + " positions\n";
  if (report.run) { text += run_line(*report.run); }
  text += total_rows(compared);
  if (report.run) {
    text += "  the ratio is over the accounts that a method covers in full\n" + collateral_note(compared);
  }
  text += method_notes(compared) + left_out_notes(report);
  text += "\n  time";
  for (const StageTime& stage : report.stages) { text += "  " + stage.stage + " " + format_seconds(stage.seconds); }
  text += "  | total " + format_seconds(report.total_seconds) + "\n";
  return report.out.empty() ? text : text + "  written to " + report.out + "\n";
}

std::string compare_json(const CompareReport& report) {
  Json json = {{"accounts", report.compared.accounts.size()}, {"positions", report.num_positions}};
  json["monte_carlo"] = report.run ? monte_carlo_json(report) : Json(nullptr);
  json["methods"] = Json::array();
  for (const BookRequirement& row : report.compared.methods) {
    json["methods"].push_back(totals_json(report.compared, row));
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::vector<Term> monte_carlo_terms(const AccountMargin& margin) {
  std::vector<Term> terms = margin.has_terms ? terms_of_model(margin) : terms_of_shortfall(margin);
  const double ratio =
      margin.initial_margin_usd > 0.0 ? margin.maintenance_margin_usd / margin.initial_margin_usd : 0.0;
  for (Term& term : terms) { term.maintenance_usd = ratio * term.initial_usd; }
  complete(terms, &Term::initial_usd, margin.initial_margin_usd);
  complete(terms, &Term::maintenance_usd, margin.maintenance_margin_usd);
  return terms;
}

std::string account_text(const AccountReport& report) {
  std::string text = "account " + report.account + "; USD\n";
  const std::string head = "  " + left_column("", 18) + " " + left_column("", 30) + right_column("initial", 24) +
                           right_column("maintenance", 24) + "\n";
  if (report.monte_carlo) {
    text += run_line(*report.run) + "\n" + std::string(monte_carlo_name) + "\n" + head +
            terms_text(monte_carlo_terms(*report.monte_carlo), report.monte_carlo->initial_margin_usd,
                       report.monte_carlo->maintenance_margin_usd);
  }
  for (const ExplainedMargin& explained : report.methods) {
    const Method& method = *explained.method;
    text += "\n" + wrapped(method.name + ": ", method.title + "; " + method.fidelity + "; " + method.source, 2) + head +
            terms_text(explained.margin.terms, explained.margin.initial_usd, explained.margin.maintenance_usd);
    for (const venues::LeftOut& left : explained.left_out) {
      text += "  left out: " + left.what + ": " + left.reason + "\n";
    }
  }
  return text;
}

std::string account_json(const AccountReport& report) {
  Json json = {{"account", report.account}};
  json["monte_carlo"] = nullptr;
  if (report.monte_carlo) {
    json["monte_carlo"] = run_json(*report.run);
    json["monte_carlo"]["initial_margin_usd"] = report.monte_carlo->initial_margin_usd;
    json["monte_carlo"]["maintenance_margin_usd"] = report.monte_carlo->maintenance_margin_usd;
    json["monte_carlo"]["terms"] = terms_json(monte_carlo_terms(*report.monte_carlo));
  }
  json["methods"] = Json::array();
  for (const ExplainedMargin& explained : report.methods) { json["methods"].push_back(explained_json(explained)); }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tailmargin
