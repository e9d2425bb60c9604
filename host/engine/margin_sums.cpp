#include "host/engine/margin_sums.hpp"

#include <algorithm>

#include "kernels/math/normal.hpp"

namespace tailmargin {
namespace {

/// x with P(Z <= x) = p for p in [0.5, 1), by bisection: own arithmetic, as everything that enters a margin.
double normal_quantile(double p) {
  double low = 0.0, high = 9.0;
  for (int i = 0; i < 100 && p > 0.5; ++i) {
    const double middle = 0.5 * (low + high);
    (math::normal_cdf(middle) < p ? low : high) = middle;
  }
  return low;
}

}  // namespace

double uplift_of(const Model& model) { return normal_quantile(model.uplift_confidence); }

std::array<MarginTerm, 3> initial_margin_terms(const AccountMargin& margin, double uplift) {
  const double on_top = uplift * margin.es_se_usd;
  return {{{"expected shortfall", margin.es_usd, "mean loss of the worst paths, at the model's confidence"},
           {"uplift", on_top, "to the upper end of the ES at the model's uplift confidence"},
           {"floor", std::max(-(margin.es_usd + on_top), 0.0), "a margin is not below zero"}}};
}

std::array<MarginTerm, 4> added_terms(const AccountTerms& t) {
  const double highest = std::max({t.crisis_start_usd, t.correlation_usd, t.floor_usd});
  const char* what = highest == t.floor_usd         ? "to the floor against procyclicality"
                     : highest == t.correlation_usd ? "to the ES with the worst regime's correlations, weighted"
                                                    : "to the ES of a crisis start, weighted";
  const double raised = std::max(highest - t.core_usd, 0.0);
  const bool dependence = t.dependence_usd >= t.concentration_usd;
  const double added = std::max(t.dependence_usd, t.concentration_usd);
  const double sum = ((t.core_usd + raised) + added) + t.liquidity_usd;
  return {{{"raised", raised, raised > 0.0 ? what : "the core is above all floors"},
           {dependence ? "dependence" : "concentration", added,
            dependence ? "what other dependence between underlyings costs, weighted"
                       : "what the two largest underlyings cost without offsets, weighted"},
           {"liquidity", t.liquidity_usd, "half-spreads and impact of closing"},
           {"short options", std::max(t.short_option_minimum_usd - sum, 0.0), "to the minimum for options sold"}}};
}

std::array<MarginTerm, 1> maintenance_margin_terms(const AccountMargin& margin, const Model& model) {
  return {{{"share of initial", model.maintenance_ratio * margin.initial_margin_usd,
            "the model's maintenance ratio times the initial margin"}}};
}

}  // namespace tailmargin
