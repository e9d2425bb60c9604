// [[regime]]: how much the factors move in a regime, and how they move together.
#include <algorithm>
#include <array>
#include <set>

#include "host/domain/validate/text.hpp"
#include "host/io/model_rules.hpp"

namespace tailmargin {
namespace {

constexpr NumberRange vol_range{0.0, 100.0, false, false, "from 0 to 100, per square root of a year"};
constexpr NumberRange tail_range{2.0, 1000.0, true, false, "above 2 and at most 1000 degrees of freedom"};
constexpr NumberRange rho_range{-1.0, 1.0, true, true, "above -1 and below 1"};
constexpr NumberRange loading_range{-1.0, 1.0, false, false, "from -1 to 1"};

struct VolKey {
  std::string_view name;
  bool is_required;
};
constexpr std::array<VolKey, num_factor_kinds> vol_keys = {{
    // [kind]
    {"price_vol", true},
    {"vol_of_vol", true},
    {"carry_vol", true},
    {"premium_vol", true},
    {"term_vol", false},
    {"skew_vol", false},
    {"butterfly_vol", false},
    {"carry_slope_vol", false},
    {"dislocation_vol", false},
}};

void read_vols(const TomlValue& list, const std::string& path, ModelDraft& draft, Regime& regime) {
  for_each_row(list, path, draft.problems, [&](TomlTable& row, const TomlValue&) {
    VolRule rule;
    rule.match = read_first_match(row, draft.model, regime.vols, [](const VolRule&) { return true; });
    for (std::size_t k = 0; k < num_factor_kinds; ++k) {
      rule.vol[k] = row.number(vol_keys[k].name, vol_range, vol_keys[k].is_required).value_or(0.0);
    }
    rule.tail_index = row.number("tail_index", tail_range);
    regime.vols.push_back(std::move(rule));
  });
  if (regime.vols.empty() || regime.vols.back().match != "*") {
    draft.problems.error(
        list.line, path, "",
        "the last row does not match \"*\" (an underlying without a row would have no volatility). Add it.");
  }
}

void read_kind_correlations(const TomlValue& list, const std::string& path, ModelDraft& draft, Regime& regime) {
  for_each_row(list, path, draft.problems, [&](TomlTable& row, const TomlValue& item) {
    const auto a = read_kind(row, "a"), b = read_kind(row, "b");
    const double rho = row.number("rho", rho_range, true).value_or(0.0);
    if (!a || !b) return;
    if (*a == *b) {
      draft.problems.error(
          item.line, row.path_of(""), to_string(*a),
          "a kind has correlation one with itself (this row says otherwise). Name two different kinds.");
    }
    const auto is_same = [&](const KindCorrelation& k) { return (k.a == *a && k.b == *b) || (k.a == *b && k.b == *a); };
    if (std::any_of(regime.kinds.begin(), regime.kinds.end(), is_same)) {
      draft.problems.error(item.line, row.path_of(""), std::string(to_string(*a)) + ", " + to_string(*b),
                           "the pair stands in an earlier row (which one counts is unclear). Drop one.");
    }
    regime.kinds.push_back({*a, *b, rho});
  });
}

void read_underlying_correlations(const TomlValue& list, const std::string& path, ModelDraft& draft, Regime& regime) {
  for_each_row(list, path, draft.problems, [&](TomlTable& row, const TomlValue&) {
    UnderlyingCorrelation rule;
    rule.a = read_match(row, "a", draft.model);
    rule.b = read_match(row, "b", draft.model);
    rule.rho = row.number("rho", rho_range, true).value_or(0.0);
    regime.underlyings.push_back(std::move(rule));
  });
}

void read_underlying_factors(const TomlValue& list, const std::string& path, ModelDraft& draft, Regime& regime) {
  for_each_row(list, path, draft.problems, [&](TomlTable& row, const TomlValue& item) {
    UnderlyingFactors rule;
    const auto is_any = [](const UnderlyingFactors&) { return true; };
    rule.match = read_first_match(row, draft.model, regime.underlying_factors, is_any);
    rule.common = row.number("common", loading_range, true).value_or(0.0);
    const auto block = row.text("block");
    const TomlValue* loading = row.value("block_loading");
    rule.block = block.value_or("");
    rule.block_loading = row.number("block_loading", loading_range).value_or(0.0);
    if (block && name_problem(*block)) row.error("block", *row.value("block"), name_problem(*block));
    if (block && !loading) row.missing("block_loading", "the key is missing (a block has a loading). Add it.");
    if (!block && loading) row.missing("block", "the key is missing (a block loading needs its block). Add it.");
    const double shared = rule.common * rule.common + rule.block_loading * rule.block_loading;
    if (!(shared < 1.0)) {
      draft.problems.error(item.line, row.path_of(""), shortest_number(shared),
                           "common^2 + block_loading^2 is not below 1 (nothing would be the underlying's own). Lower "
                           "them.");
    }
    regime.underlying_factors.push_back(std::move(rule));
  });
}

void read_exceptions(const TomlValue& list, const std::string& path, ModelDraft& draft, Regime& regime) {
  for_each_row(list, path, draft.problems, [&](TomlTable& row, const TomlValue&) {
    CorrelationRule rule;
    rule.a = read_selector(row, "a", draft.model);
    rule.b = read_selector(row, "b", draft.model);
    rule.same_underlying = static_cast<SameUnderlying>(row.choice("same_underlying", {"any", "yes", "no"}).value_or(0));
    rule.rho = row.number("rho", rho_range, true).value_or(0.0);
    regime.correlations.push_back(std::move(rule));
  });
}

/// How the factors of a regime move together: a full matrix, with exceptions or without, or common + block + own.
void read_dependence(TomlTable& table, ModelDraft& draft, Regime& regime) {
  if (const TomlValue* rows = table.array("kind_correlations")) {
    read_kind_correlations(*rows, table.path_of("kind_correlations"), draft, regime);
  }
  const TomlValue* correlations = table.array("underlying_correlations");
  const TomlValue* factors = table.array("underlying_factors");
  const TomlValue* exceptions = table.array("correlations");
  if (correlations) {
    read_underlying_correlations(*correlations, table.path_of("underlying_correlations"), draft, regime);
  }
  if (factors) read_underlying_factors(*factors, table.path_of("underlying_factors"), draft, regime);
  if (exceptions) read_exceptions(*exceptions, table.path_of("correlations"), draft, regime);
  if (factors && correlations) {
    table.error("underlying_factors", *factors,
                "the regime has underlying_correlations as well (one of them would not count). Drop one.");
  }
  if (factors && exceptions) {
    table.error("correlations", *exceptions,
                "the regime has underlying_factors (that law has no full matrix to make exceptions in). Drop one.");
  }
}

Regime read_regime(const TomlValue& value, const std::string& path, ModelDraft& draft) {
  TomlTable table(value, path, draft.problems);
  Regime regime;
  const auto name = table.text("name", true);
  regime.name = name.value_or("");
  if (name && name_problem(*name)) {
    draft.problems.error(value.line, path + ".name", *name, name_problem(*name));
  } else if (regime.name == "stationary") {
    draft.problems.error(value.line, path + ".name", *name,
                         "this is what chain.start calls the chain's own law (a regime of that name could not be "
                         "started from). Rename it.");
  }
  if (const TomlValue* rows = table.array("vols", true)) read_vols(*rows, path + ".vols", draft, regime);
  read_dependence(table, draft, regime);
  table.finish();
  return regime;
}

}  // namespace

void read_regimes(const TomlValue* list, ModelDraft& draft) {
  if (!list) return;
  if (list->items.empty() || list->items.size() > max_regimes) {
    draft.problems.error(list->line, "regime", std::to_string(list->items.size()),
                         "the number of regimes is out of range (there are 1 to 16). Add or drop regimes.");
  }
  std::set<std::string> names;
  for (std::size_t r = 0; r < list->items.size(); ++r) {
    const TomlValue& item = list->items[r];
    const std::string path = item_path("regime", r);
    if (item.kind != TomlValue::Kind::table) {
      draft.problems.error(item.line, path, as_written(item),
                           "this is no regime (each is a table [[regime]]). Correct it.");
      continue;
    }
    draft.model.regimes.push_back(read_regime(item, path, draft));
    const std::string& name = draft.model.regimes.back().name;
    if (!name.empty() && !names.insert(name).second) {
      draft.problems.error(item.line, path + ".name", name,
                           "another regime has this name (reports tell regimes apart by name). Rename one.");
    }
  }
}

}  // namespace tailmargin
