#include "host/cli/explain_report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include <nlohmann/json.hpp>

#include "host/cli/account_margin_json.hpp"
#include "host/cli/terminal.hpp"
#include "host/cli/text_columns.hpp"
#include "host/domain/validate/text.hpp"

namespace tailmargin {
namespace {

using Json = nlohmann::ordered_json;

std::string counted(std::uint64_t n) { return with_thousands(static_cast<double>(n)); }

std::string hours_text(double hours) { return significant(hours, 4) + " h"; }

/// 2026-03-27T08:00:00Z -> 2026-03-27.
std::string day_text(UtcTime time) { return format_utc_time(time).substr(0, 10); }

std::string holding_name(const Book& book, const HoldingShare& holding) {
  const std::string name = holding.instrument ? book.instruments[*holding.instrument].name
                                              : book.underlyings[holding.underlying].name + " balance";
  return holding.entry_price ? name + " @ " + significant(*holding.entry_price, 8) : name;
}

/// Where a position does not close at the horizon alone: what closes when.
std::string closed_text(const HoldingShare& holding, double horizon_hours) {
  const std::vector<ClosedPart>& parts = holding.closed;
  if (parts.empty() || (parts.size() == 1 && parts.front().hours <= horizon_hours)) { return ""; }
  std::string text;
  for (const ClosedPart& part : parts) {
    text += (text.empty() ? "closes " : ", ") + significant(part.quantity, 6) + " at " + hours_text(part.hours);
  }
  return wrapped("    ", text, 4);
}

const std::string& name_of(const Book& book, UnderlyingId underlying) { return book.underlyings[underlying].name; }

/// Signed, with what it is of the ES where that is above zero.
std::string share_row(const std::string& name, const std::string& quantity, const EsShare& share, double es_usd) {
  return "  " + left_column(name, 34) + right_column(quantity, 16) + right_column(with_thousands(share.usd), 20) +
         right_column(with_thousands(share.se_usd), 14) +
         (es_usd > 0.0 ? right_column(percent(share.usd / es_usd, 1), 12) : "") + "\n";
}

std::string term_rows(const std::vector<MarginTerm>& terms, const std::string& total, double total_usd) {
  std::string text;
  for (const MarginTerm& term : terms) {
    text += "  " + left_column(term.name, 22) + right_column(with_thousands(term.usd), 18) + "   " + term.what + "\n";
  }
  return text + "  " + left_column(total, 22) + right_column(with_thousands(total_usd), 18) + "\n";
}

std::string margin_part(const Model& model, const Explanation& e) {
  std::string text = "\n  " + left_column("margin", 22) + right_column("USD", 18) + "\n";
  text += term_rows(e.initial_terms, "= initial margin", e.margin.initial_margin_usd) + "\n";
  text += term_rows(e.maintenance_terms, "= maintenance margin", e.margin.maintenance_margin_usd);
  text += "\n  confidence " + percent(model.confidence, 2) + "; uplift to the upper end at " +
          percent(model.uplift_confidence, 2) + "; maintenance ratio " + significant(model.maintenance_ratio, 6) + "\n";
  return text + "  value at risk " + with_thousands(e.margin.var_usd) + " +/- " + with_thousands(e.margin.var_se_usd) +
         "; equity " + with_thousands(e.margin.equity_usd) + "; computed in " +
         (e.margin.exact_precision   ? "double"
          : e.backend == "reference" ? "double, by the reference"
                                     : "float") +
         "\n";
}

/// Balances, what they count for, and what else collateral does to the account.
std::string collateral_part(const Book& book, const Explanation& e) {
  if (e.balances.empty()) { return ""; }
  std::string text = "\n  " + left_column("balance", 20) + right_column("amount", 18) + right_column("USD", 18) +
                     right_column("haircut", 16) + right_column("after it", 18) + "\n";
  const auto row = [](const std::string& name, const std::string& amount, double value, double haircut) {
    return "  " + left_column(name, 20) + right_column(amount, 18) + right_column(with_thousands(value), 18) +
           right_column(with_thousands(haircut), 16) + right_column(with_thousands(value - haircut), 18) + "\n";
  };
  double value = 0.0;
  for (const BalanceValue& b : e.balances) {
    const std::string& name = b.asset == no_underlying ? book.numeraire : name_of(book, b.asset);
    text += row(name, significant(b.amount, 12), b.value_usd, b.haircut_usd);
    value += b.value_usd;
  }
  text += row("= balances", "", value, e.margin.collateral.haircut_usd);
  const std::optional<double> ratio = e.margin.margin_ratio();
  return text + "  equity less haircuts over maintenance margin: " + (ratio ? significant(*ratio, 4) : "no margin") +
         "; wrong-way risk " + with_thousands(e.margin.collateral.wrong_way_usd) + "; loss if pegs break " +
         with_thousands(e.margin.collateral.depeg_loss_usd) + "\n";
}

/// What the run found beside the margin, from its own files.
std::string beside_part(const ExplainReport& report) {
  std::string text;
  if (report.crowding) {
    const CrowdedFigures& c = *report.crowding;
    text +=
        "\n" + wrapped("  ",
                       "crowding (crowding.csv): liquidated with probability " + percent(c.liquidation_probability, 3) +
                           "; on the prices that liquidations move the ES is " + with_thousands(c.crowded_es_usd) +
                           " instead of " + with_thousands(c.es_usd) + ", the initial margin " +
                           with_thousands(c.crowded_initial_margin_usd) + " instead of " +
                           with_thousands(c.initial_margin_usd),
                       4);
  }
  if (report.venues) {
    const AccountVenues& v = *report.venues;
    text +=
        "\n" + wrapped("  ",
                       "venues (venue_accounts.csv): " + std::to_string(v.num_venues) + " ask for " +
                           with_thousands(v.venue_margins_usd) + " in all, " + with_thousands(v.hidden_offset_usd()) +
                           " more than if they saw the account as a whole; a part is stranded with probability " +
                           percent(v.stranded_probability, 3),
                       4);
  }
  return text;
}

/// Indices by falling size of their shares.
template <class Row>
std::vector<std::size_t> by_size(const std::vector<Row>& rows) {
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return std::fabs(rows[a].es.usd) > std::fabs(rows[b].es.usd); });
  return order;
}

/// The lines below a list of shares: what the list lacks, the rounding, the ES.
std::string share_total(const Explanation& e) {
  std::string text;
  if (e.rounding_usd != 0.0) {
    text += "  " + left_column("rounding", 50) + right_column(significant(e.rounding_usd, 3), 20) + "\n";
  }
  return text + share_row("= expected shortfall", "", {e.margin.es_usd, e.margin.es_se_usd}, e.margin.es_usd);
}

std::string share_head(const std::string& name, const std::string& quantity, double es_usd) {
  return "\n  " + left_column(name, 34) + right_column(quantity, 16) + right_column("adds to ES, USD", 20) +
         right_column("+/- s.e.", 14) + (es_usd > 0.0 ? right_column("of ES", 12) : "") + "\n";
}

std::string underlying_part(const Book& book, const Explanation& e) {
  std::string text = share_head("underlying", "", e.margin.es_usd);
  for (const std::size_t u : by_size(e.underlyings)) {
    text += share_row(name_of(book, e.underlyings[u].underlying), "", e.underlyings[u].es, e.margin.es_usd);
  }
  return text + share_total(e);
}

std::string holding_part(const Book& book, const Model& model, const Explanation& e, std::uint64_t shown) {
  std::string text = share_head("holding", "quantity", e.margin.es_usd);
  const std::vector<std::size_t> order = by_size(e.holdings);
  const std::size_t listed = shown == 0 ? order.size() : std::min<std::size_t>(shown, order.size());
  for (std::size_t i = 0; i < listed; ++i) {
    const HoldingShare& h = e.holdings[order[i]];
    text += share_row(holding_name(book, h), significant(h.quantity, 12), h.es, e.margin.es_usd) +
            closed_text(h, model.horizon_hours * (1.0 + 1e-9));
  }
  if (listed < order.size()) {
    double rest = 0.0;
    for (std::size_t i = listed; i < order.size(); ++i) { rest += e.holdings[order[i]].es.usd; }
    text += "  " + left_column(counted(order.size() - listed) + " more, each smaller", 50) +
            right_column(with_thousands(rest), 20) + "\n";
  }
  return text + share_total(e);
}

std::string greeks_part(const Book& book, const Explanation& e) {
  std::string text = "\n  " + left_column("greeks now, USD", 18);
  for (const char* head : {"gross", "net"}) { text += right_column(head, 15); }
  for (const char* head : {"delta", "gamma 1 %", "vega 1 pt", "theta 1 d", "funding 1 d"}) {
    text += right_column(head, head == std::string("delta") ? 15 : 13);
  }
  text += "\n";
  for (const UnderlyingGreeks& g : e.greeks) {
    text += "  " + left_column(name_of(book, g.underlying), 18);
    for (const double value : {g.gross_usd, g.net_usd, g.delta_usd}) {
      text += right_column(with_thousands(value), 15);
    }
    for (const double value : {g.gamma_usd, g.vega_usd, g.theta_usd, g.funding_usd}) {
      text += right_column(with_thousands(value), 13);
    }
    text += "\n";
  }
  return text;
}

std::string regimes_text(const Model& model, const TailPath& path) {
  std::string text;
  for (const RegimeSpell& spell : path.regimes) {
    text += (text.empty() ? "" : " -> ") + model.regimes[spell.regime].name + " " + hours_text(spell.hours);
  }
  if (!path.shock_scales.empty()) {
    text += "; shocks x";
    for (const double scale : path.shock_scales) { text += " " + significant(scale, 3); }
  }
  return text;
}

std::string jump_text(const Book& book, const Model& model, const PathJump& jump) {
  const std::string whom = jump.underlying == no_underlying ? "market" : name_of(book, jump.underlying);
  return "jump " + model.jumps[jump.rule].name + " (" + whom + ") of size " + significant(jump.size, 3) + " by " +
         hours_text(jump.hours);
}

/// What moved beside the price, in the units people quote.
std::string other_moves(const UnderlyingMove& move) {
  std::string text;
  if (move.vol) {
    text += " vol of " + day_text(move.vol->expiry) + " " + fixed_digits(100.0 * move.vol->now, 1) + " -> " +
            fixed_digits(100.0 * move.vol->then, 1);
  }
  for (const FactorMove& factor : move.factors) {
    if (factor.change == 0.0) { continue; }
    const std::string change = fixed_digits(100.0 * factor.change, 2);
    if (factor.kind == FactorKind::premium) { text += ", premium " + change + " %"; }
    if (factor.kind == FactorKind::carry) { text += ", basis " + change + " % a year"; }
    if (factor.kind == FactorKind::dislocation) { text += ", dislocation " + change + " %"; }
  }
  return text.starts_with(", ") ? text.substr(1) : text;
}

std::string path_text(const Book& book, const Model& model, const TailPath& path, std::size_t rank, double es_usd) {
  std::string text = "\n  " + std::to_string(rank) + ". path " + std::to_string(path.path) + " loses " +
                     with_thousands(path.loss_usd) + " after " + hours_text(path.read_hours);
  if (path.weight != 1.0) { text += ", weighs " + significant(path.weight, 3) + " of a mean path"; }
  if (es_usd > 0.0) { text += ", is " + significant(100.0 * path.es_part_usd / es_usd, 2) + " % of the ES"; }
  text += "\n" + wrapped("     ", regimes_text(model, path), 5);
  for (const PathJump& jump : path.jumps) { text += "     " + jump_text(book, model, jump) + "\n"; }
  for (const UnderlyingMove& move : path.moves) {
    const std::string head = "     " + left_column(name_of(book, move.underlying), 8) +
                             right_column((move.spot_return > 0.0 ? "+" : "") + percent(move.spot_return, 1), 9) +
                             right_column("P&L " + with_thousands(move.pnl_usd), 20),
                      others = other_moves(move);
    text += others.empty() ? head + "\n" : wrapped(head + "  ", others, head.size() + 2);
  }
  return text;
}

/// The tail as a whole in words.
std::string tail_text(const Book& book, const Model& model, const TailMean& tail) {
  std::string words;
  for (std::size_t k = 0; k < tail.regimes.size(); ++k) {
    if (!(tail.regimes[k] > 0.0)) { continue; }
    words += (words.empty() ? "in the mean: " : ", ") + model.regimes[k].name + " " + percent(tail.regimes[k], 0);
  }
  words += " of the time;";
  if (!model.jumps.empty()) { words += " a jump on " + percent(tail.with_jump, 0) + ";"; }
  for (std::size_t u = 0; u < tail.moves.size(); ++u) {
    const MeanMove& move = tail.moves[u];
    words += (u == 0 ? " " : ", ") + name_of(book, move.underlying) + " " + (move.spot_return > 0.0 ? "+" : "") +
             percent(move.spot_return, 1);
    if (move.vol_change) {
      const double points = 100.0 * *move.vol_change;
      words += std::string(" (vol ") + (points > 0.0 ? "+" : "") + fixed_digits(points, 1) + " points)";
    }
  }
  return wrapped("  ", words, 2);
}

std::string paths_part(const Book& book, const Model& model, const Explanation& e) {
  std::string text = "\n  the tail: " + counted(e.margin.tail_paths.size()) + " paths and part of one more, worth " +
                     significant(e.tail_paths_worth, 4) + " of equal weight\n";
  text += tail_text(book, model, e.tail);
  if (e.read_times.size() > 1) {
    text += "  its weight by when the loss falls:";
    for (const ReadTimeShare& time : e.read_times) {
      if (time.share > 0.0) { text += "  " + hours_text(time.hours) + " " + percent(time.share, 1); }
    }
    text += "\n";
  }
  for (std::size_t i = 0; i < e.worst_paths.size(); ++i) {
    text += path_text(book, model, e.worst_paths[i], i + 1, e.margin.es_usd);
  }
  return text;
}

Json share_json(const EsShare& share, double es_usd) {
  return {{"es_usd", share.usd},
          {"es_se_usd", share.se_usd},
          {"of_es", es_usd > 0.0 ? Json(share.usd / es_usd) : Json(nullptr)}};
}

Json holding_json(const Book& book, const HoldingShare& h, double es_usd) {
  Json json = {{"kind", h.instrument ? "position" : "balance"},
               {"name", h.instrument ? book.instruments[*h.instrument].name : name_of(book, h.underlying)},
               {"underlying", name_of(book, h.underlying)},
               {"quantity", h.quantity},
               {"entry_price", h.entry_price ? Json(*h.entry_price) : Json(nullptr)}};
  json.update(share_json(h.es, es_usd));
  for (const ClosedPart& part : h.closed) {
    json["closes"].push_back({{"hours", part.hours}, {"quantity", part.quantity}});
  }
  return json;
}

Json terms_json(const std::vector<MarginTerm>& terms) {
  Json json = Json::array();
  for (const MarginTerm& t : terms) { json.push_back({{"name", t.name}, {"usd", t.usd}, {"what", t.what}}); }
  return json;
}

Json move_json(const Book& book, const UnderlyingMove& move) {
  Json json = {{"underlying", name_of(book, move.underlying)},
               {"spot_return", move.spot_return},
               {"pnl_usd", move.pnl_usd},
               {"vol", nullptr}};
  if (move.vol) {
    json["vol"] = {{"expiry", format_utc_time(move.vol->expiry)}, {"now", move.vol->now}, {"then", move.vol->then}};
  }
  json["factors"] = Json::object();
  for (const FactorMove& factor : move.factors) { json["factors"][to_string(factor.kind)] = factor.change; }
  return json;
}

Json path_json(const Book& book, const Model& model, const TailPath& path) {
  Json json = {{"path", path.path},
               {"loss_usd", path.loss_usd},
               {"weight", path.weight},
               {"es_part_usd", path.es_part_usd},
               {"read_hours", path.read_hours},
               {"shock_scales", path.shock_scales}};
  json["regimes"] = Json::array();
  for (const RegimeSpell& spell : path.regimes) {
    json["regimes"].push_back({{"regime", model.regimes[spell.regime].name}, {"hours", spell.hours}});
  }
  json["jumps"] = Json::array();
  for (const PathJump& jump : path.jumps) {
    json["jumps"].push_back(
        {{"jump", model.jumps[jump.rule].name},
         {"underlying", jump.underlying == no_underlying ? Json(nullptr) : Json(name_of(book, jump.underlying))},
         {"hours", jump.hours},
         {"size", jump.size}});
  }
  json["moves"] = Json::array();
  for (const UnderlyingMove& move : path.moves) { json["moves"].push_back(move_json(book, move)); }
  return json;
}

Json tail_json(const Book& book, const Model& model, const TailMean& tail) {
  Json json = {{"regimes", Json::object()}, {"with_jump", tail.with_jump}, {"moves", Json::array()}};
  for (std::size_t k = 0; k < tail.regimes.size(); ++k) { json["regimes"][model.regimes[k].name] = tail.regimes[k]; }
  for (const MeanMove& move : tail.moves) {
    json["moves"].push_back({{"underlying", name_of(book, move.underlying)},
                             {"spot_return", move.spot_return},
                             {"vol_change", move.vol_change ? Json(*move.vol_change) : Json(nullptr)}});
  }
  return json;
}

Json collateral_json(const Book& book, const Explanation& e) {
  Json balances = Json::array();
  for (const BalanceValue& b : e.balances) {
    balances.push_back({{"asset", b.asset == no_underlying ? book.numeraire : name_of(book, b.asset)},
                        {"amount", b.amount},
                        {"value_usd", b.value_usd},
                        {"haircut_usd", b.haircut_usd}});
  }
  const std::optional<double> ratio = e.margin.margin_ratio();
  return {{"balances", balances},
          {"haircut_usd", e.margin.collateral.haircut_usd},
          {"margin_ratio", ratio ? Json(*ratio) : Json(nullptr)},
          {"wrong_way_usd", e.margin.collateral.wrong_way_usd},
          {"depeg_loss_usd", e.margin.collateral.depeg_loss_usd}};
}

/// The columns of crowding.csv and venue_accounts.csv.
Json crowding_json(const CrowdedFigures& c) {
  return {{"liquidation_probability", c.liquidation_probability},
          {"es_usd", c.es_usd},
          {"es_se_usd", c.es_se_usd},
          {"crowded_es_usd", c.crowded_es_usd},
          {"crowded_es_se_usd", c.crowded_es_se_usd},
          {"crowding_usd", c.crowding_usd()},
          {"initial_margin_usd", c.initial_margin_usd},
          {"crowded_initial_margin_usd", c.crowded_initial_margin_usd},
          {"crowded_shortfall_probability", c.crowded_shortfall_probability},
          {"crowded_uncovered_loss_usd", c.crowded_uncovered_loss_usd}};
}

Json venues_json(const AccountVenues& v) {
  return {{"num_venues", v.num_venues},
          {"venue_margins_usd", v.venue_margins_usd},
          {"consolidated_margin_usd", v.consolidated_margin_usd},
          {"hidden_offset_usd", v.hidden_offset_usd()},
          {"stranded_probability", v.stranded_probability}};
}

Json greeks_json(const Book& book, const UnderlyingGreeks& g) {
  return {{"underlying", name_of(book, g.underlying)},
          {"gross_usd", g.gross_usd},
          {"net_usd", g.net_usd},
          {"delta_usd", g.delta_usd},
          {"gamma_usd", g.gamma_usd},
          {"vega_usd", g.vega_usd},
          {"theta_usd", g.theta_usd},
          {"funding_usd", g.funding_usd}};
}

}  // namespace

std::string explain_text(const Book& book, const Model& model, const ExplainReport& report) {
  const Explanation& e = report.explanation;
  std::string text = "account " + e.margin.account + " of " + report.run + "; model " + report.model + "; " +
                     counted(e.num_factors) + " factors, " + counted(report.num_paths) + " paths x " +
                     counted(e.num_steps) + " steps, seed " + std::to_string(report.seed);
  if (report.sampler != Sampler::plain) { text += std::string(", sampler ") + to_string(report.sampler); }
  text = wrapped("", text + "; backend " + e.backend + " (" + e.device + ")", 2);
  text += "computed again from " + report.book + ": every figure of the account in " + report.margins_file +
          " has the same bits\n";
  for (const std::string& note : e.notes) { text += "note: " + note + "\n"; }
  text += margin_part(model, e) + collateral_part(book, e) + beside_part(report);
  if (e.holdings.empty()) {
    text += "\n  nothing that the account holds moves in USD: there is nothing to explain\n";
  } else {
    if (!(e.margin.es_usd > 0.0)) {
      text += "\n  no loss in the tail: the mean of the worst paths is a gain, or nothing\n";
    }
    text += underlying_part(book, e) + holding_part(book, model, e, report.holdings_shown) + greeks_part(book, e) +
            paths_part(book, model, e);
  }
  text += "\n  time";
  for (const StageTime& stage : e.stages) { text += "  " + stage.stage + " " + format_seconds(stage.seconds); }
  return text + "  | total " + format_seconds(report.total_seconds) + "\n";
}

std::string explain_json(const Book& book, const Model& model, const ExplainReport& report) {
  const Explanation& e = report.explanation;
  Json json = {{"account", e.margin.account}, {"run", report.run},
               {"book", report.book},         {"same_bits_as_run", true},
               {"model", report.model},       {"backend", e.backend},
               {"device", e.device},          {"paths", report.num_paths},
               {"seed", report.seed},         {"sampler", to_string(report.sampler)}};
  json["margin"] = account_margin_json(e.margin);
  json["initial_margin_terms"] = terms_json(e.initial_terms);
  json["maintenance_margin_terms"] = terms_json(e.maintenance_terms);
  json["collateral"] = collateral_json(book, e);
  if (report.crowding) { json["crowding"] = crowding_json(*report.crowding); }
  if (report.venues) { json["venues"] = venues_json(*report.venues); }
  for (const char* list : {"underlyings", "holdings", "greeks", "worst_paths", "read_times"}) {
    json[list] = Json::array();
  }
  for (const UnderlyingShare& u : e.underlyings) {
    Json row = {{"underlying", name_of(book, u.underlying)}};
    row.update(share_json(u.es, e.margin.es_usd));
    json["underlyings"].push_back(row);
  }
  for (const HoldingShare& h : e.holdings) { json["holdings"].push_back(holding_json(book, h, e.margin.es_usd)); }
  json["rounding_usd"] = e.rounding_usd;
  for (const UnderlyingGreeks& g : e.greeks) { json["greeks"].push_back(greeks_json(book, g)); }
  json["tail_paths"] = e.margin.tail_paths.size();
  json["tail_paths_worth"] = e.tail_paths_worth;
  json["tail_mean"] = tail_json(book, model, e.tail);
  for (const ReadTimeShare& t : e.read_times) {
    json["read_times"].push_back({{"hours", t.hours}, {"share", t.share}});
  }
  for (const TailPath& path : e.worst_paths) { json["worst_paths"].push_back(path_json(book, model, path)); }
  json["notes"] = e.notes;
  for (const StageTime& stage : e.stages) { json["stage_seconds"][stage.stage] = stage.seconds; }
  json["total_seconds"] = report.total_seconds;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tailmargin
