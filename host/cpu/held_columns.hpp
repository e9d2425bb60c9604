// What a set of accounts needs of the tables of revaluation: the columns it holds, the market rows these read, the
// smiles up to the last expiry held. The rest is not computed and never read.
#pragma once

#include <algorithm>
#include <set>
#include <vector>

#include "host/backends/run_tables.hpp"
#include "host/cpu/kernels_of.hpp"

namespace tailmargin {

/// Points into the plan, which must outlive it.
template <class Real>
class HeldColumns {
 public:
  HeldColumns(const AccountPlan& accounts, const ColumnPlan& plan) : all_(column_tables<Real>(plan)) {
    const std::vector<char> held = held_columns(accounts, plan);
    products_ = only_held(all_.products, held);
    options_ = only_held(all_.options, held);
    select_rows();
    select_smiles();
  }

  cpu::MarketTables<Real> tables() const {
    const auto count = [](const auto& list) { return static_cast<std::uint32_t>(list.size()); };
    return {
        all_.market_rows.data(), all_.smiles.data(), surfaces_.data(),        all_.payments.data(), products_.data(),
        options_.data(),         rows_.data(),       count(all_.market_rows), count(rows_),         count(surfaces_),
        count(products_),        count(options_)};
  }
  /// The observations that are read, rising.
  std::vector<std::uint32_t> observations() const {
    std::set<std::uint32_t> read;
    for (const std::uint32_t r : rows_) {
      for (const std::uint32_t observation : all_.market_rows[r].observation) { read.insert(observation); }
    }
    for (const SurfaceRows& surface : surfaces_) {
      for (std::uint32_t s = surface.first; s < surface.last; ++s) {
        const SmileRow<Real>& smile = all_.smiles[s];
        read.insert({smile.vol, smile.term, smile.skew, smile.butterfly});
      }
    }
    return {read.begin(), read.end()};
  }
  /// Prices of the columns on a tile; market and cube as the kernels have them.
  void revalue(const cpu::Kernels& kernels, const cpu::Tile& tile, const float* obs, Real* market, Real* cube) const {
    cpu::revalue(kernels, tables(), tile, obs, market, cube);
  }
  /// Rows of scratch that a revaluation needs.
  std::size_t market_rows() const { return all_.num_rows(); }

 private:
  void select_rows() {
    std::vector<char> needed(all_.market_rows.size(), 0);
    for (const ProductColumn<Real>& c : products_) {
      needed[c.growth_row] = needed[c.move_row] = 1;
      for (std::uint32_t p = c.first_payment; p < c.first_payment + c.num_payments; ++p) {
        needed[all_.payments[p].rate_row] = needed[all_.payments[p].growth_row] = 1;
      }
    }
    for (const OptionColumn<Real>& c : options_) {
      needed[c.growth_row] = needed[c.unit_row] = needed[c.return_row] = needed[c.inverse_growth_row] = 1;
    }
    for (std::uint32_t r = 0; r < needed.size(); ++r) {
      if (needed[r] != 0) { rows_.push_back(r); }
    }
  }

  /// A smile is held above the one of the expiry before, so all before the last one held are needed.
  void select_smiles() {
    for (const SurfaceRows& surface : all_.surfaces) {
      std::uint32_t last = surface.first;
      for (const OptionColumn<Real>& c : options_) {
        if (c.settled != 0) { continue; }
        const auto smile = static_cast<std::uint32_t>((c.smile_row - all_.market_rows.size()) / rows_per_smile);
        if (smile >= surface.first && smile < surface.last) { last = std::max(last, smile + 1); }
      }
      if (last > surface.first) { surfaces_.push_back({surface.first, last}); }
    }
  }

  const ColumnTables<Real>& all_;
  std::vector<ProductColumn<Real>> products_;
  std::vector<OptionColumn<Real>> options_;
  std::vector<std::uint32_t> rows_;
  std::vector<SurfaceRows> surfaces_;
};

}  // namespace tailmargin
