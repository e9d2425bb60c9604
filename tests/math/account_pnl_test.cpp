// Account P&L: by hand, and bit by bit against the stated order.
#include "kernels/executors/account_pnl.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace tailmargin::test {
namespace {

PositionColumn at(std::uint32_t column, bool last) { return {column | (last ? PositionColumn::last_flag : 0u)}; }

template <class Real>
CubeView<Real> one_slice(const Real* cube, std::uint64_t stride) {
  return {cube, stride, 1, 0};
}

TEST(PositionColumn, PacksColumnAndFlag) {
  EXPECT_EQ(at(7, true).column(), 7u);
  EXPECT_TRUE(at(7, true).last_of_underlying());
  EXPECT_EQ(at(0x7fffffff, false).column(), 0x7fffffffu);
  EXPECT_FALSE(at(0x7fffffff, false).last_of_underlying());
}

TEST(AccountPnl, IsByHand) {
  // columns 0, 1 belong to one underlying, 2 to another; two lanes
  const std::vector<float> cube{1, 2, 10, 20, 100, 200};
  const std::vector<std::uint64_t> offsets{0, 3, 3, 4};
  const std::vector<PositionColumn> columns{at(0, false), at(1, true), at(2, true), at(1, true)};
  const std::vector<float> quantities{2, -1, 3, 5};
  const AccountsPayload<float> in{offsets.data(), columns.data(), quantities.data()};
  float pnl[2];

  account_pnl<2>(in, 0, one_slice(cube.data(), 2), pnl);
  EXPECT_EQ(pnl[0], 2 * 1 - 10 + 300);
  EXPECT_EQ(pnl[1], 2 * 2 - 20 + 600);

  account_pnl<2>(in, 1, one_slice(cube.data(), 2), pnl);
  EXPECT_EQ(pnl[0], 0.0f);
  EXPECT_EQ(pnl[1], 0.0f);

  account_pnl<2>(in, 2, one_slice(cube.data(), 2), pnl);
  EXPECT_EQ(pnl[0], 50.0f);
  EXPECT_EQ(pnl[1], 100.0f);
}

// Three read times of two columns on three lanes: each lane takes its own lowest time, of the whole account.
TEST(AccountPnl, IsTheLowestOverTheReadTimes) {
  const std::vector<float> cube{1, 2, 3, 10, 0, 1, /* second */ 5, -4, 0, 0, 10, 2, /* third */ -3, 9, 4, 4, 1, 20};
  const std::vector<std::uint64_t> offsets{0, 2};
  const std::vector<PositionColumn> columns{at(0, false), at(1, true)};
  const std::vector<float> quantities{1, -2};
  const AccountsPayload<float> in{offsets.data(), columns.data(), quantities.data()};
  const CubeView<float> view{cube.data(), 3, 3, 2};
  float pnl[3], second[1];

  account_pnl<3>(in, 0, view, pnl);
  account_pnl<1>(in, 0, view.at(1), second);

  EXPECT_EQ(pnl[0], 1 - 20);   // then 5, -11
  EXPECT_EQ(pnl[1], -4 - 20);  // before it 2, then 7
  EXPECT_EQ(pnl[2], 4 - 40);   // before it 1, -4
  EXPECT_EQ(second[0], pnl[1]);
}

/// A book whose sums round at every step: 9 positions over 4 underlyings, 64 lanes.
template <class Real>
struct RoughBook {
  std::vector<Real> cube, quantities;
  std::vector<PositionColumn> columns;
  std::vector<std::uint64_t> offsets{0, 9};

  RoughBook() {
    for (int c = 0; c < 9; ++c) {
      for (int l = 0; l < 64; ++l) { cube.push_back(Real(std::sin(1.0 + 37.0 * c + l) * std::pow(10.0, (c * 5) % 4))); }
      quantities.push_back(Real(std::cos(c * 11.0) * 3.0));
      columns.push_back(at(static_cast<std::uint32_t>(c), c == 2 || c == 3 || c == 7 || c == 8));
    }
  }
  AccountsPayload<Real> payload() const { return {offsets.data(), columns.data(), quantities.data()}; }
};

template <class Real>
void check_order() {
  const RoughBook<Real> book;
  Real pnl[64];

  account_pnl<64>(book.payload(), 0, one_slice(book.cube.data(), 64), pnl);

  for (std::size_t l = 0; l < 64; ++l) {
    Real total = 0, partial = 0;
    for (std::size_t c = 0; c < 9; ++c) {
      partial = std::fma(book.quantities[c], book.cube[c * 64 + l], partial);
      if (c == 2 || c == 3 || c == 7 || c == 8) {
        total += partial;
        partial = 0;
      }
    }
    EXPECT_EQ(pnl[l], total) << l;
  }
}

TEST(AccountPnl, AddsInTheStatedOrder) {
  check_order<float>();
  check_order<double>();
}

template <class Real>
void check_lanes() {
  const RoughBook<Real> book;
  Real wide[64], narrow[16], one[1];
  account_pnl<64>(book.payload(), 0, one_slice(book.cube.data(), 64), wide);

  for (std::size_t first = 0; first < 64; first += 16) {
    account_pnl<16>(book.payload(), 0, one_slice(book.cube.data() + first, 64), narrow);
    for (std::size_t l = 0; l < 16; ++l) { EXPECT_EQ(narrow[l], wide[first + l]) << first + l; }
  }
  for (std::size_t l = 0; l < 64; ++l) {
    account_pnl<1>(book.payload(), 0, one_slice(book.cube.data() + l, 64), one);
    EXPECT_EQ(one[0], wide[l]) << l;
  }
}

TEST(AccountPnl, LanesDoNotChangeABit) {
  check_lanes<float>();
  check_lanes<double>();
}

}  // namespace
}  // namespace tailmargin::test
