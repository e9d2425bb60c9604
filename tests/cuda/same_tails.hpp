// Comparison of tails to the bit.
#pragma once

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>

#include "host/backends/backend.hpp"

namespace tailmargin::test {

inline void expect_same_bits(double found, double expected, const char* what, std::size_t account) {
  EXPECT_EQ(std::bit_cast<std::uint64_t>(found), std::bit_cast<std::uint64_t>(expected))
      << what << " of account " << account << ": " << found << " instead of " << expected;
}

inline void expect_same_figures(const Tails& found, const Tails& expected) {
  ASSERT_EQ(found.figures.size(), expected.figures.size());
  for (std::size_t a = 0; a < expected.figures.size(); ++a) {
    const TailFigures &f = found.figures[a], &e = expected.figures[a];
    expect_same_bits(f.var, e.var, "VaR", a);
    expect_same_bits(f.var_standard_error, e.var_standard_error, "standard error of VaR", a);
    expect_same_bits(f.es, e.es, "ES", a);
    expect_same_bits(f.es_standard_error, e.es_standard_error, "standard error of ES", a);
    expect_same_bits(f.worst_loss, e.worst_loss, "worst loss", a);
    EXPECT_EQ(f.worst_path, e.worst_path) << "account " << a;
    EXPECT_EQ(f.tail_count, e.tail_count) << "account " << a;
    EXPECT_EQ(f.var_path, e.var_path) << "account " << a;
  }
  ASSERT_EQ(found.regime_es.size(), expected.regime_es.size());
  for (std::size_t i = 0; i < expected.regime_es.size(); ++i) {
    expect_same_bits(found.regime_es[i], expected.regime_es[i], "part of a regime", i);
  }
}

inline void expect_same_paths(const Tails& found, const Tails& expected) {
  EXPECT_EQ(found.path_offsets, expected.path_offsets);
  EXPECT_EQ(found.tail_paths, expected.tail_paths);
}

}  // namespace tailmargin::test
