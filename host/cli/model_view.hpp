// What a model says, worked out for reading: who is treated alike, the chain per step, correlations of prices, jumps.
#pragma once

#include <string>
#include <vector>

#include "host/prepare/prepared_run.hpp"
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

/// Correlation of a factor of one class with a factor of another underlying, of the same class or another.
struct CorrelationException {
  std::size_t class_a = 0, class_b = 0;
  FactorKind kind_a = FactorKind::price, kind_b = FactorKind::price;
  double rho = 0.0, product = 0.0;
};

struct ModelView {
  using Matrix = std::vector<std::vector<double>>;

  const Model* model = nullptr;
  std::vector<UnderlyingClass> classes;
  std::vector<std::vector<double>> step_transition;  ///< [from][to]
  std::vector<double> shares;                        ///< [regime] of time in the long run; empty if not unique
  std::vector<double> start;                         ///< [regime] law of the first step
  std::vector<double> length_hours;                  ///< [regime] expected stay; infinite if never left
  /// Correlations of a step as a run uses them, after any repair. NaN: one of the two does not move.
  std::vector<Matrix> price_correlation;              ///< [regime][class][class] of two different underlyings
  std::vector<std::vector<Matrix>> kind_correlation;  ///< [regime][class][kind][kind] of one underlying
  /// [regime] where two different underlyings' factors are not the product of those two.
  std::vector<std::vector<CorrelationException>> exceptions;
  std::vector<CorrelationRepair> repairs;
  std::vector<JumpView> jumps;  ///< [jump]
};

/// The names a model speaks of, in order: names in rules, then members of groups.
std::vector<std::string> named_underlyings(const Model& model);

/// Underlyings of which everything is listed that moves by some kind of factor, names in rising order.
Book book_of_everything(std::vector<std::string> names);

/// What stands for the underlyings that no rule names in such a book.
inline constexpr const char* any_other = "(any other)";

/// Works a good model out for the underlyings of a book, as a run with its listing would. What no run could do, and
/// what it would warn of, goes to `diagnostics`. The model must outlive the view.
ModelView view_model(const Model& model, const Book& book, Diagnostics& diagnostics);

/// The same for underlyings of which everything is listed.
/// @param with_rest  whether to add a class for the underlyings that no rule names
ModelView view_model(const Model& model, const std::vector<std::string>& underlyings, bool with_rest,
                     Diagnostics& diagnostics);

/// "BTC", "USDT +5", "all others".
std::string label_of(const UnderlyingClass& alike);

}  // namespace tailmargin
