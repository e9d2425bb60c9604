#include "host/importers/deribit_margin.hpp"

#include <array>
#include <cmath>
#include <string>

#include "host/domain/validate/text.hpp"
#include "host/importers/venue_files.hpp"
#include "host/venues/scenario_matrix.hpp"

namespace tailmargin {
namespace importers {
namespace {

using namespace venues;

/// Moves of the extended table, which the document does not list (venue documentation on portfolio margin).
constexpr std::array extended_moves = {-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0};

constexpr auto unknown_document =
    "these are no margin parameters (general, currency and currency_pair of public/pme/get_params are read). Download "
    "that document.";

/// Settlement currencies' share: roll shock, offsets, dampener.
struct CurrencyParameters {
  double annual_move = 0.0, min_move = 0.0, gain_share = 0.0, max_gain_usd = 0.0, dampener_usd = 0.0;
};

/// Coins are in lower case in the document.
std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') { c = static_cast<char>(c - 'a' + 'A'); }
  }
  return text;
}

class ParameterReader {
 public:
  ParameterReader(const Method& preset, ProblemLog& problems) : problems_(problems), method_(preset) {
    method_.scenario_groups.clear();
    method_.fidelity = "rule as in the preset, parameters of the venue's document";
  }

  Method read(const Json& root) {
    const Json& parameters = unwrap(root);
    if (!parameters.is_object() || !has_object(parameters, "general") || !has_object(parameters, "currency") ||
        !has_object(parameters, "currency_pair")) {
      problems_.error(0, "", "", unknown_document);
      return std::move(method_);
    }
    read_general(JsonRow(parameters["general"], 0, problems_));
    for (const auto& [name, pair] : parameters["currency_pair"].items()) {
      read_pair(name, pair, parameters["currency"]);
    }
    if (method_.scenario_groups.empty() && !problems_.has_errors()) {
      problems_.error(0, "currency_pair", "", "there is no pair (nobody would be margined). Download it again.");
    }
    return std::move(method_);
  }

 private:
  static bool has_object(const Json& object, const char* key) {
    return object.contains(key) && object[key].is_object();
  }

  /// What a response or a simulation has around the parameters.
  static const Json& unwrap(const Json& root) {
    const Json* inner = &root;
    for (const char* key : {"result", "model_params"}) {
      if (inner->is_object() && has_object(*inner, key)) { inner = &(*inner)[key]; }
    }
    return *inner;
  }

  /// A number that must be there; its path is the problem's field.
  double number(const JsonRow& row, const std::string& at, const char* field, double low, double high) {
    const auto value = row.number(field, NumberRule::any);
    if (!row.has(field)) {
      problems_.error(0, at + "." + field, "", "the field is missing (it has no default). Download it again.");
    } else if (value && (*value < low || *value > high)) {
      problems_.error(0, at + "." + field, shortest_number(*value),
                      "the number is out of range (it must be from " + shortest_number(low) + " to " +
                          shortest_number(high) + "). Download it again.");
    } else if (value) {
      return *value;
    }
    return low;
  }

  void read_general(const JsonRow& row) {
    method_.maintenance = number(row, "general", "mm_factor", 0.0, 1.0);
    steps_ = number(row, "general", "buckets_count", 1.0, 100.0);
    if (steps_ != std::floor(steps_)) {
      problems_.error(0, "general.buckets_count", shortest_number(steps_),
                      "this is no whole number (it counts moves each way). Download it again.");
    }
    if (const double vols = number(row, "general", "vol_scenarios_count", 1.0, 100.0);
        vols != 3.0 && row.has("vol_scenarios_count")) {
      problems_.error(0, "general.vol_scenarios_count", shortest_number(vols),
                      "only 3 moves of the vol are known here (up, unchanged, down). Use a preset of your own.");
    }
    if (const auto time = row.time_ms("timestamp")) { method_.date = format_utc_time(*time); }
    method_.source = "venue's public parameter document, state of " + method_.date;
  }

  CurrencyParameters read_currency(const JsonRow& row, const std::string& at) {
    CurrencyParameters out;
    out.annual_move = number(row, at, "annualised_move_risk", 0.0, 10.0);
    out.min_move = number(row, at, "min_annualised_move", 0.0, 1.0);
    out.gain_share = number(row, at, "pnl_offset", 0.0, 1.0);
    out.max_gain_usd = number(row, at, "max_offsetable_pnl", 0.0, 1e15);
    out.dampener_usd = number(row, at, "extended_dampener", 0.0, 1e15);
    return out;
  }

  /// Two groups: contracts settled in the coin, and in dollars, as far as the currencies are there.
  void read_pair(const std::string& name, const Json& pair, const Json& currencies) {
    const std::size_t gap = name.find('_');
    if (gap == std::string::npos || gap == 0 || name.substr(gap + 1) != "usd" || !pair.is_object()) {
      problems_.error(0, "currency_pair." + name, "",
                      "this is no pair of a coin and usd (its index is not known here). Drop it.");
      return;
    }
    const std::string coin = name.substr(0, gap);
    if (!has_object(currencies, coin.c_str()) && !has_object(currencies, "usd")) {
      problems_.error(
          0, "currency_pair." + name, "",
          "neither the coin nor usd is in currency (nothing says how its contracts are charged). Download it again.");
    }
    const JsonRow row(pair, 0, problems_);
    for (const auto& [currency, settlement] :
         {std::pair(coin, Settlement::coin), std::pair(std::string("usd"), Settlement::usd)}) {
      if (!has_object(currencies, currency.c_str())) { continue; }
      const JsonRow terms(currencies[currency], 0, problems_);
      add_group(coin, row, "currency_pair." + name, settlement, read_currency(terms, "currency." + currency));
    }
  }

  void add_group(const std::string& coin, const JsonRow& row, const std::string& at, Settlement settlement,
                 const CurrencyParameters& currency) {
    ScenarioGroup group;
    group.match = {upper(coin)};
    group.settlement = settlement;
    group.pnl = settlement == Settlement::coin ? PnlUnit::coin : PnlUnit::usd;
    const double range = number(row, at, "price_range", 1e-6, 0.99);
    const std::vector<VolMove> vols = {VolMove::up, VolMove::same, VolMove::down};
    group.scenarios = make_grid({range, static_cast<int>(steps_), vols, vols});
    const double factor = number(row, at, "extended_table_factor", 0.0, 100.0);
    const ExtendedTable extended = {{extended_moves.begin(), extended_moves.end()}, factor, currency.dampener_usd};
    for (const Scenario& scenario : make_extended(extended, range, group.pnl)) { group.scenarios.push_back(scenario); }
    group.vol.up = number(row, at, "volatility_range_up", 0.0, 20.0);
    group.vol.down = number(row, at, "volatility_range_down", 0.0, 20.0);
    group.vol.min_vol = number(row, at, "min_volatility_for_shock_up", 0.0, 20.0);
    group.vol.short_power = number(row, at, "short_term_vega_power", 0.0, 2.0);
    group.vol.long_power = number(row, at, "long_term_vega_power", 0.0, 2.0);
    group.gain_share = currency.gain_share;
    group.max_gain_usd = currency.max_gain_usd;
    group.charges.push_back({.name = "roll shock", .rule = RollCharge{currency.annual_move, currency.min_move}});
    const DeltaShockCharge shock{number(row, at, "delta_total_liq_shock_threshold", 0.0, 1e15),
                                 number(row, at, "m_inc", 0.0, 10.0), number(row, at, "max_delta_shock", 0.0, 1.0)};
    group.charges.push_back({.name = "delta shock", .rule = shock});
    method_.scenario_groups.push_back(std::move(group));
  }

  ProblemLog& problems_;
  Method method_;
  double steps_ = 1.0;
};

}  // namespace
}  // namespace importers

venues::Method read_deribit_margin(const std::filesystem::path& file, const venues::Method& preset,
                                   Diagnostics& diagnostics) {
  using importers::Json;
  ProblemLog problems(file.string());
  venues::Method method = preset;
  if (importers::kind_of_file(file, problems) == importers::FileKind::table) {
    problems.error(0, "", "", importers::unknown_document);
  } else if (!problems.has_errors()) {
    int documents = 0;
    importers::read_documents(file, problems, [&](const Json& document) {
      method = importers::ParameterReader(preset, problems).read(document);
      ++documents;
    });
    if (documents > 1) { problems.error(0, "", "", "the file holds more than one document (one counts). Split it."); }
  }
  problems.append_to(diagnostics);
  return method;
}

}  // namespace tailmargin
