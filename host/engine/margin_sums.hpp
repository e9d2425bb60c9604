// What a margin is the sum of. Margins are computed from these lists, so a term that is added here is in the margin and
// in its explanation alike.
#pragma once

#include <array>

#include "tailmargin/engine.hpp"
#include "tailmargin/explain.hpp"

namespace tailmargin {

/// From the account's ES and its standard error.
/// @param uplift  standard errors that are added (normal_quantile of the model's uplift_confidence)
std::array<MarginTerm, 3> initial_margin_terms(const AccountMargin& margin, double uplift);

/// What a model's terms add to those: the margin is raised to other floors, then comes what is added.
std::array<MarginTerm, 4> added_terms(const AccountTerms& terms);

/// From the initial margin, which must be there.
std::array<MarginTerm, 1> maintenance_margin_terms(const AccountMargin& margin, const Model& model);

/// Standard errors the margin takes on top of the ES.
double uplift_of(const Model& model);

/// In the order of the list.
template <class Terms>
double sum_of(const Terms& terms) {
  double sum = 0.0;
  for (const MarginTerm& term : terms) { sum += term.usd; }
  return sum;
}

}  // namespace tailmargin
