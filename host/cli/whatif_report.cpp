#include "host/cli/whatif_report.hpp"

#include <cmath>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

#include "host/cli/account_margin_json.hpp"
#include "host/cli/terminal.hpp"
#include "host/cli/text_columns.hpp"

namespace tailmargin {
namespace {

using Json = nlohmann::ordered_json;

std::string counted(std::uint64_t n) { return with_thousands(static_cast<double>(n)); }

/// Contracts as they would be typed.
std::string quantity_text(double quantity) {
  char text[40];
  std::snprintf(text, sizeof text, "%.12g", quantity);
  return text;
}

std::string signed_text(double value) { return (value > 0.0 ? "+" : "") + with_thousands(value); }

std::string row(const std::string& name, double before, double after, const std::string& error = "") {
  return "  " + left_column(name, 22) + right_column(with_thousands(before), 18) +
         right_column(with_thousands(after), 18) + right_column(signed_text(after - before), 18) +
         right_column(error, 12) + "\n";
}

std::string term_rows(const AccountMargin& a, const AccountMargin& b) {
  static constexpr std::pair<const char*, double AccountTerms::*> rows[] = {
      {"  core", &AccountTerms::core_usd},
      {"  crisis start", &AccountTerms::crisis_start_usd},
      {"  other correlations", &AccountTerms::correlation_usd},
      {"  floor", &AccountTerms::floor_usd},
      {"  dependence", &AccountTerms::dependence_usd},
      {"  concentration", &AccountTerms::concentration_usd},
      {"  liquidity", &AccountTerms::liquidity_usd},
      {"  short options", &AccountTerms::short_option_minimum_usd}};
  std::string text;
  for (const auto& [name, member] : rows) {
    if (a.terms.*member != 0.0 || b.terms.*member != 0.0) { text += row(name, a.terms.*member, b.terms.*member); }
  }
  return text;
}

std::string margin_rows(const WhatIfMargins& margins) {
  const AccountMargin &a = margins.before, &b = margins.after;
  std::string text = "\n  " + left_column("USD", 22) + right_column("before", 18) + right_column("after", 18) +
                     right_column("change", 18) + right_column("+/- s.e.", 12) + "\n";
  text += row("initial margin", a.initial_margin_usd, b.initial_margin_usd);
  if (a.has_terms) { text += term_rows(a, b); }
  text += row("maintenance margin", a.maintenance_margin_usd, b.maintenance_margin_usd);
  text += row("expected shortfall", a.es_usd, b.es_usd, with_thousands(margins.es_change_se_usd));
  text += row("  its standard error", a.es_se_usd, b.es_se_usd);
  text += row("value at risk", a.var_usd, b.var_usd);
  text += row("worst loss", a.worst_loss_usd, b.worst_loss_usd);
  text += row("equity", a.equity_usd, b.equity_usd);
  text += row("equity less initial", a.equity_usd - a.initial_margin_usd, b.equity_usd - b.initial_margin_usd);
  text += row("gross notional", a.gross_notional_usd, b.gross_notional_usd);
  text += row("net delta", a.net_delta_usd, b.net_delta_usd);
  return text + "  " + left_column("positions", 22) + right_column(counted(a.num_positions), 18) +
         right_column(counted(b.num_positions), 18) + "\n";
}

std::string hedge_rows(const Book& book, const WhatIfReport& report) {
  std::string text = "\n  " + left_column("hedge", 28) + right_column("contracts", 16) + right_column("notional", 16) +
                     right_column("initial after", 16) + right_column("cut", 16) + right_column("per contract", 14) +
                     right_column("per 1,000 USD", 14) + "\n";
  for (const Hedge& hedge : report.hedges) {
    const std::string size = quantity_text(hedge.quantity) + (hedge.at_limit ? " *" : "");
    text += "  " + left_column(book.instruments[hedge.instrument].name, 28) + right_column(size, 16) +
            right_column(with_thousands(hedge.notional_usd), 16) +
            right_column(with_thousands(hedge.margins.after.initial_margin_usd), 16) +
            right_column(with_thousands(hedge.cut_usd), 16) +
            right_column(fixed_digits(hedge.cut_per_contract, 2), 14) +
            right_column(fixed_digits(1000.0 * hedge.cut_per_notional, 2), 14) + "\n";
    if (hedge.at_limit) { text += "    * more of it would cut further; no larger size was tried\n"; }
  }
  return text;
}

Json change_json(const WhatIfMargins& margins) {
  const AccountMargin &a = margins.before, &b = margins.after;
  return {{"es_usd", margins.es_change_usd},
          {"es_se_usd", margins.es_change_se_usd},
          {"var_usd", b.var_usd - a.var_usd},
          {"initial_margin_usd", b.initial_margin_usd - a.initial_margin_usd},
          {"maintenance_margin_usd", b.maintenance_margin_usd - a.maintenance_margin_usd},
          {"equity_usd", b.equity_usd - a.equity_usd},
          {"tail_overlap", margins.tail_overlap}};
}

Json hedge_json(const Book& book, const Hedge& hedge) {
  return {{"instrument", book.instruments[hedge.instrument].name},
          {"quantity", hedge.quantity},
          {"at_limit", hedge.at_limit},
          {"notional_usd", hedge.notional_usd},
          {"after", account_margin_json(hedge.margins.after)},
          {"change", change_json(hedge.margins)},
          {"cut_usd", hedge.cut_usd},
          {"cut_usd_per_contract", hedge.cut_per_contract},
          {"cut_per_notional", hedge.cut_per_notional}};
}

Json trade_json(const Book& book, const Trade& trade) {
  const std::optional<double>& mark = book.quotes[trade.instrument].mark_price;
  return {{"instrument", book.instruments[trade.instrument].name},
          {"quantity", trade.quantity},
          {"mark_price", mark ? Json(*mark) : Json(nullptr)}};
}

}  // namespace

std::string whatif_text(const Book& book, const WhatIfReport& report) {
  std::string text = "account " + report.account + "; model " + report.model + "; " + counted(report.num_factors) +
                     " factors, " + counted(report.num_paths) + " paths x " + counted(report.num_steps) +
                     " steps, seed " + std::to_string(report.seed) + "; backend " + report.backend + " (" +
                     report.device + ")\n";
  for (const std::string& note : report.notes) { text += "note: " + note + "\n"; }
  for (const Trade& trade : report.trades) {
    text += std::string(trade.quantity > 0.0 ? "buys " : "sells ") + quantity_text(std::fabs(trade.quantity)) + " " +
            book.instruments[trade.instrument].name + " at mark: equity stays\n";
  }
  if (report.trades.empty()) { text += "no trades\n"; }
  text += margin_rows(report.margins);
  text += "\n  " + percent(report.margins.tail_overlap, 0) + " of the tail before is in the tail after\n";
  if (report.hedges_asked) { text += hedge_rows(book, report); }
  text += "\n  time";
  for (const StageTime& stage : report.stages) { text += "  " + stage.stage + " " + format_seconds(stage.seconds); }
  text += "  | margins " + format_seconds(report.answer_seconds);
  if (report.hedges_asked) { text += "  hedges " + format_seconds(report.hedge_seconds); }
  return text + "  | total " + format_seconds(report.total_seconds) + "\n";
}

std::string whatif_json(const Book& book, const WhatIfReport& report) {
  Json json = {{"account", report.account}, {"model", report.model},     {"backend", report.backend},
               {"device", report.device},   {"paths", report.num_paths}, {"seed", report.seed}};
  json["trades"] = Json::array();
  for (const Trade& trade : report.trades) { json["trades"].push_back(trade_json(book, trade)); }
  json["before"] = account_margin_json(report.margins.before);
  json["after"] = account_margin_json(report.margins.after);
  json["change"] = change_json(report.margins);
  if (report.hedges_asked) {
    json["hedges"] = Json::array();
    for (const Hedge& hedge : report.hedges) { json["hedges"].push_back(hedge_json(book, hedge)); }
  }
  json["notes"] = report.notes;
  for (const StageTime& stage : report.stages) { json["stage_seconds"][stage.stage] = stage.seconds; }
  json["answer_seconds"] = report.answer_seconds;
  if (report.hedges_asked) { json["hedge_seconds"] = report.hedge_seconds; }
  json["total_seconds"] = report.total_seconds;
  return json.dump(2) + "\n";
}

}  // namespace tailmargin
