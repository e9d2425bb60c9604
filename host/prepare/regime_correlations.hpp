// The correlation rules of one regime, looked up for the underlyings of a book.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "host/prepare/prepared_run.hpp"

namespace tailmargin {

/// Loadings of an underlying in a regime of structure common + block + own.
struct Loadings {
  double common = 0.0, block_loading = 0.0, own = 1.0;
  std::string block;
};

/// Patterns are matched once per underlying, not once per pair. The regime must outlive it.
class RegimeCorrelations {
 public:
  RegimeCorrelations(const Regime& regime, const Model& model, const Book& book);

  bool by_factors() const { return !regime_.underlying_factors.empty(); }
  const Loadings& loadings(UnderlyingId u) const { return loadings_[u]; }
  double kinds(FactorKind a, FactorKind b) const { return kinds_[std::size_t(a)][std::size_t(b)]; }

  /// Of two underlyings: 1 for the same, else by loadings or the first row that matches, or 0.
  double underlyings(UnderlyingId u, UnderlyingId v) const;

  /// Of two different factors: the first exception that matches, or kinds times underlyings.
  double factors(const Factor& f, const Factor& g) const;

 private:
  const Regime& regime_;
  std::array<std::array<double, num_factor_kinds>, num_factor_kinds> kinds_{};
  std::vector<bool> pair_a_, pair_b_;  // [underlying][row of regime.underlyings]
  std::vector<bool> rule_a_, rule_b_;  // [underlying][row of regime.correlations]
  std::vector<Loadings> loadings_;
};

}  // namespace tailmargin
