// The charges of a preset: what each kind of them reads.
#include <array>
#include <optional>

#include "host/domain/validate/text.hpp"
#include "host/io/method_parts.hpp"
#include "host/io/model_rules.hpp"

namespace tailmargin {
namespace {

using namespace venues;

constexpr NumberRange rate_range{0.0, 10.0, false, false, "from 0 to 10"};
constexpr NumberRange tier_range{0.0, 1e15, true, false, "above 0 and at most 1e15 USD"};
constexpr NumberRange shock_range{0.0, 1.0, true, true, "above 0 and below 1"};

/// Tiers rise; the last may leave out up_to_usd.
std::vector<Tier> read_tiers(TomlTable& table, ProblemLog& problems, bool is_required) {
  std::vector<Tier> tiers;
  const TomlValue* list = table.array("tiers", is_required);
  if (!list) { return tiers; }
  for_each_row(*list, table.path_of("tiers"), problems, [&](TomlTable& row, const TomlValue&) {
    Tier tier;
    tier.up_to_usd = row.number("up_to_usd", tier_range).value_or(tier.up_to_usd);
    tier.rate = row.number("rate", factor_range, true).value_or(0.0);
    if (!tiers.empty() && !(tier.up_to_usd > tiers.back().up_to_usd)) {
      row.missing("up_to_usd", "this tier does not end above the one before (tiers rise). Reorder them.");
    }
    tiers.push_back(tier);
  });
  if (tiers.empty()) {
    problems.error(list->line, table.path_of("tiers"), "", "the list is empty (nothing would be charged). Add a tier.");
  }
  return tiers;
}

ChargeRule read_roll(TomlTable& t, ProblemLog&) {
  return RollCharge{t.number("annual_move", rate_range, true).value_or(0.0),
                    t.number("min_move", rate_range, true).value_or(0.0)};
}

ChargeRule read_delta_shock(TomlTable& t, ProblemLog&) {
  return DeltaShockCharge{t.number("threshold_usd", usd_range, true).value_or(0.0),
                          t.number("rate_per_coin", rate_range, true).value_or(0.0),
                          t.number("max_rate", fraction_range, true).value_or(0.0)};
}

ChargeRule read_hedged_delta(TomlTable& t, ProblemLog&) {
  return HedgedDeltaCharge{t.number("net_rate", rate_range, true).value_or(0.0),
                           t.number("hedged_rate", rate_range, true).value_or(0.0)};
}

ChargeRule read_notional(TomlTable& t, ProblemLog& problems) {
  NotionalCharge rule;
  rule.legs = static_cast<Legs>(t.choice("legs", {"all", "perpetuals", "delta ones", "options"}, true).value_or(0));
  rule.prices = static_cast<PriceBase>(t.choice("prices", {"own", "index"}).value_or(1));
  rule.rate = t.number("rate", rate_range, true).value_or(0.0);
  rule.tiers = read_tiers(t, problems, false);
  return rule;
}

ChargeRule read_short_options(TomlTable& t, ProblemLog&) {
  ShortOptionCharge rule;
  rule.netting = static_cast<ShortNetting>(t.choice("netting", {"none", "strike"}, true).value_or(0));
  rule.rate = t.number("rate", rate_range, true).value_or(0.0);
  return rule;
}

ChargeRule read_collateral(TomlTable& t, ProblemLog&) {
  return CollateralCharge{t.number("rate", fraction_range, true).value_or(0.0)};
}

ChargeRule read_forward(TomlTable& t, ProblemLog&) {
  return ForwardCharge{t.number("shock", shock_range, true).value_or(0.0),
                       t.number("add", factor_range, true).value_or(0.0),
                       t.number("per_year", factor_range, true).value_or(0.0)};
}

ChargeRule read_stable_hedge(TomlTable& t, ProblemLog& problems) {
  StableHedgeCharge rule;
  rule.stable = t.text("stable", true).value_or("");
  rule.tiers = read_tiers(t, problems, true);
  return rule;
}

/// Keys of any kind of rule.
constexpr std::array<std::string_view, 16> keys_of_rules = {
    "annual_move", "min_move", "threshold_usd", "rate_per_coin", "max_rate", "net_rate", "hedged_rate", "legs",
    "prices",      "rate",     "tiers",         "netting",       "shock",    "add",      "per_year",    "stable"};

/// [choice of kind]
constexpr std::array readers = {read_roll,          read_delta_shock, read_hedged_delta, read_notional,
                                read_short_options, read_collateral,  read_forward,      read_stable_hedge};

}  // namespace

std::vector<Charge> read_charges(const TomlValue* list, const std::string& path, ProblemLog& problems) {
  std::vector<Charge> charges;
  if (!list) { return charges; }
  for_each_row(*list, path, problems, [&](TomlTable& row, const TomlValue&) {
    Charge charge;
    charge.name = row.text("name", true).value_or("");
    const auto kind = row.choice(
        "kind",
        {"roll", "delta shock", "hedged delta", "notional", "short options", "collateral", "forward", "stable hedge"},
        true);
    charge.role = static_cast<ChargeRole>(row.choice("role", {"add", "alternative", "floor"}).value_or(0));
    charge.initial = row.number("initial", factor_range);
    charge.maintenance = row.number("maintenance", factor_range);
    if (charge.role != ChargeRole::add && (charge.initial || charge.maintenance)) {
      row.error("role", *row.value("role"),
                "only an added charge has factors of its own (this one is compared before factors). Drop them.");
    }
    if (!kind) {
      for (const std::string_view key : keys_of_rules) { row.value(key); }  // the kind is wrong, they need not be
      return;
    }
    charge.rule = readers[*kind](row, problems);
    charges.push_back(std::move(charge));
  });
  return charges;
}

}  // namespace tailmargin
