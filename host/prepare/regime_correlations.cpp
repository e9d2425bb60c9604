#include "host/prepare/regime_correlations.hpp"

#include "host/prepare/matching.hpp"

namespace tailmargin {
namespace {

Loadings make_loadings(const UnderlyingFactors* row) {
  Loadings loadings;
  if (row == nullptr) { return loadings; }
  loadings.common = row->common;
  loadings.block = row->block;
  loadings.block_loading = row->block_loading;
  loadings.own = math::sqrt(1.0 - row->common * row->common - row->block_loading * row->block_loading);
  return loadings;
}

}  // namespace

RegimeCorrelations::RegimeCorrelations(const Regime& regime, const Model& model, const Book& book) : regime_(regime) {
  for (std::size_t kind = 0; kind < num_factor_kinds; ++kind) { kinds_[kind][kind] = 1.0; }
  for (const KindCorrelation& c : regime.kinds) {
    kinds_[std::size_t(c.a)][std::size_t(c.b)] = kinds_[std::size_t(c.b)][std::size_t(c.a)] = c.rho;
  }
  for (const Underlying& underlying : book.underlyings) {
    for (const UnderlyingCorrelation& c : regime.underlyings) {
      pair_a_.push_back(matches(c.a, underlying.name, model));
      pair_b_.push_back(matches(c.b, underlying.name, model));
    }
    for (const CorrelationRule& rule : regime.correlations) {
      rule_a_.push_back(matches(rule.a.underlying, underlying.name, model));
      rule_b_.push_back(matches(rule.b.underlying, underlying.name, model));
    }
    loadings_.push_back(make_loadings(first_match(regime.underlying_factors, underlying.name, model)));
  }
}

double RegimeCorrelations::underlyings(UnderlyingId u, UnderlyingId v) const {
  if (u == v) { return 1.0; }
  if (by_factors()) {
    const Loadings &a = loadings_[u], &b = loadings_[v];
    const bool same_block = !a.block.empty() && a.block == b.block;
    return a.common * b.common + (same_block ? a.block_loading * b.block_loading : 0.0);
  }
  const std::size_t rows = regime_.underlyings.size();
  for (std::size_t r = 0; r < rows; ++r) {
    if ((pair_a_[u * rows + r] && pair_b_[v * rows + r]) || (pair_a_[v * rows + r] && pair_b_[u * rows + r])) {
      return regime_.underlyings[r].rho;
    }
  }
  return 0.0;
}

double RegimeCorrelations::factors(const Factor& f, const Factor& g) const {
  const std::size_t rules = regime_.correlations.size();
  for (std::size_t r = 0; r < rules; ++r) {
    const CorrelationRule& rule = regime_.correlations[r];
    const bool same = f.underlying == g.underlying;
    if (rule.same_underlying == SameUnderlying::yes && !same) { continue; }
    if (rule.same_underlying == SameUnderlying::no && same) { continue; }
    const auto pair = [&](const Factor& x, const Factor& y) {
      return rule.a.kind == x.kind && rule.b.kind == y.kind && rule_a_[x.underlying * rules + r] &&
             rule_b_[y.underlying * rules + r];
    };
    if (pair(f, g) || pair(g, f)) { return rule.rho; }
  }
  return kinds(f.kind, g.kind) * underlyings(f.underlying, g.underlying);
}

}  // namespace tailmargin
