// What a model says, worked out for reading: who is treated alike, the chain per step, correlations of prices, jumps.
#pragma once

#include <string>
#include <vector>

#include "tailmargin/diagnostics.hpp"
#include "tailmargin/model.hpp"

namespace tailmargin {

/// Underlyings that every rule of a model treats alike.
struct UnderlyingClass {
  std::vector<std::string> names;
  bool is_rest = false;  ///< whatever no rule names: only "*" matches
};

struct JumpView {
  double mean_size = 0.0, median_size = 0.0;  ///< after the cut at max
  double chance = 0.0;          ///< of one or more within the horizon; with scope each, of one underlying's
  double sampled_chance = 0.0;  ///< the same as sampled, before weights undo it
};

struct ModelView {
  const Model* model = nullptr;
  std::vector<UnderlyingClass> classes;
  std::vector<std::vector<double>> step_transition;  ///< [from][to]
  std::vector<double> shares;                        ///< [regime] of time in the long run; empty if not unique
  std::vector<double> start;                         ///< [regime] law of the first step
  std::vector<double> length_hours;                  ///< [regime] expected stay; infinite if never left
  /// [regime][class][class] correlation of the prices of two different underlyings, one of each class, as the file
  /// gives it, before any repair.
  std::vector<std::vector<std::vector<double>>> price_correlation;
  std::vector<JumpView> jumps;  ///< [jump]
};

/// The names a model speaks of, in order: names in rules, then members of groups.
std::vector<std::string> named_underlyings(const Model& model);

/// Works a good model out for these underlyings. What no run could do goes to `diagnostics`. The model must outlive it.
/// @param with_rest  whether to add a class for the underlyings that no rule names
ModelView view_model(const Model& model, const std::vector<std::string>& underlyings, bool with_rest,
                     Diagnostics& diagnostics);

/// "BTC", "USDT +5", "all others".
std::string label_of(const UnderlyingClass& alike);

}  // namespace tailmargin
