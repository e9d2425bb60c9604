#include "host/prepare/model_names.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "host/domain/same_letters.hpp"
#include "host/prepare/matching.hpp"

namespace tailmargin {
namespace {

void add_regime(const Regime& regime, const std::string& path, std::vector<NameReference>& found) {
  for (std::size_t i = 0; i < regime.vols.size(); ++i) {
    found.push_back({regime.vols[i].match, item_of(path + ".vols", i) + ".match"});
  }
  for (std::size_t i = 0; i < regime.underlyings.size(); ++i) {
    const std::string row = item_of(path + ".underlying_correlations", i);
    found.push_back({regime.underlyings[i].a, row + ".a"});
    found.push_back({regime.underlyings[i].b, row + ".b"});
  }
  for (std::size_t i = 0; i < regime.underlying_factors.size(); ++i) {
    found.push_back({regime.underlying_factors[i].match, item_of(path + ".underlying_factors", i) + ".match"});
  }
  for (std::size_t i = 0; i < regime.correlations.size(); ++i) {
    const std::string row = item_of(path + ".correlations", i);
    found.push_back({regime.correlations[i].a.underlying, row + ".a"});
    found.push_back({regime.correlations[i].b.underlying, row + ".b"});
  }
}

}  // namespace

std::vector<NameReference> rule_references(const Model& model) {
  std::vector<NameReference> found;
  for (std::size_t k = 0; k < model.regimes.size(); ++k) add_regime(model.regimes[k], item_of("regime", k), found);
  for (std::size_t i = 0; i < model.reversions.size(); ++i) {
    found.push_back({model.reversions[i].match, item_of("reversion", i) + ".match"});
  }
  for (const auto& [list, rules] : {std::pair("haircut", &model.haircuts), std::pair("depeg", &model.depegs)}) {
    for (std::size_t i = 0; i < rules->size(); ++i) {
      found.push_back({(*rules)[i].match, item_of(list, i) + ".match"});
    }
  }
  for (std::size_t j = 0; j < model.jumps.size(); ++j) {
    const std::string list = item_of("jump", j) + ".effects";
    for (std::size_t i = 0; i < model.jumps[j].effects.size(); ++i) {
      found.push_back({model.jumps[j].effects[i].match, item_of(list, i) + ".match"});
    }
  }
  return found;
}

std::vector<NameReference> group_members(const Model& model) {
  std::vector<NameReference> found;
  for (const Group& group : model.groups) {
    for (std::size_t i = 0; i < group.underlyings.size(); ++i) {
      found.push_back({group.underlyings[i], item_of("groups." + group.name, i)});
    }
  }
  return found;
}

void check_names(const Book& book, const Model& model, Diagnostics& diagnostics) {
  std::set<std::string> names;
  std::map<std::string, std::string> by_letters;
  for (const Underlying& underlying : book.underlyings) {
    names.insert(underlying.name);
    by_letters.emplace(in_small_letters(underlying.name), underlying.name);
  }
  std::vector<NameReference> references = group_members(model);
  for (NameReference& reference : rule_references(model)) { references.push_back(std::move(reference)); }
  for (const NameReference& reference : references) {
    const auto near = by_letters.find(in_small_letters(reference.match));
    if (near == by_letters.end() || !names.insert(reference.match).second) { continue; }  // said once
    diagnostics.warning(model_source(model), model_line(model, reference.path), reference.path, reference.match,
                        "the book has no underlying of this name, but " + near->second +
                            " (capitals count in names, so the rule does not match it). Is that meant?");
  }
}

void check_collateral_names(const Book& book, const Model& model, Diagnostics& diagnostics) {
  struct List {
    const char* name;
    const std::vector<AssetShare>& rules;
    const char* figure;
  };
  for (const List& list :
       {List{"haircut", model.haircuts, "collateral_haircut_usd"}, List{"depeg", model.depegs, "depeg_loss_usd"}}) {
    bool any = list.rules.empty();
    std::size_t of_numeraire = 0;
    for (std::size_t i = 0; i < list.rules.size(); ++i) {
      const std::string& match = list.rules[i].match;
      any = any || std::any_of(book.underlyings.begin(), book.underlyings.end(),
                               [&](const Underlying& u) { return matches(match, u.name, model); });
      if (match != book.numeraire) { continue; }
      ++of_numeraire;
      const std::string path = item_of(list.name, i) + ".match";
      diagnostics.warning(model_source(model), model_line(model, path), path, match,
                          "this is the numeraire, whose value does not change (the row matches nothing). Drop it, or "
                          "name the coin that is meant.");
    }
    if (any || of_numeraire == list.rules.size()) { continue; }
    diagnostics.warning(model_source(model), model_line(model, item_of(list.name, 0)), list.name, "",
                        std::string("no row of this list matches an underlying of the book (") + list.figure +
                            " is 0 for every account). Add rows for its coins, or leave the list out.");
  }
}

}  // namespace tailmargin
