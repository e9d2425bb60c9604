// Kernels of step 2: one thread per (market row, surface or column, path). The row is the same for a whole block, so
// its parameters are read once per warp; paths are neighbours in memory.
#pragma once

#include "kernels/cuda/kernel.hpp"
#include "kernels/executors/revalue.hpp"

namespace tailmargin {

template <class Real>
struct FillMarketRows {
  const MarketRow<Real>* rows;
  const float* observations;  ///< [observation][path]
  Real* market;               ///< [row][path]
  std::uint64_t stride;       ///< of both

  TM_DEVICE void operator()(std::uint32_t row, std::uint64_t path) const {
    fill_market_row(rows[row], observations + path, stride, 1, market + row * stride + path);
  }
};

/// One thread per (surface, path): an expiry's smile is held above the one before.
template <class Real>
struct FillSurfaces {
  const SurfaceRows* surfaces;
  const SmileRow<Real>* smiles;
  const float* observations;  ///< [observation][path]
  Real* market;               ///< [row][path], from the first row of the smiles
  std::uint64_t stride;       ///< of both

  TM_DEVICE void operator()(std::uint32_t surface, std::uint64_t path) const {
    fill_surface(smiles, surfaces[surface], observations + path, stride, 1, market + path);
  }
};

template <class Real>
struct FillProductColumns {
  const ProductColumn<Real>* products;
  const Payment<Real>* payments;
  const Real* market;    ///< [row][path]
  Real* cube;            ///< [column][path]
  std::uint64_t stride;  ///< of both

  TM_DEVICE void operator()(std::uint32_t product, std::uint64_t path) const {
    const ProductColumn<Real>& column = products[product];
    fill_product_column(column, payments, market + path, stride, 1, cube + column.out * stride + path);
  }
};

template <class Real>
struct FillOptionColumns {
  const OptionColumn<Real>* options;
  const Real* market;    ///< [row][path]
  Real* cube;            ///< [column][path]
  std::uint64_t stride;  ///< of both

  TM_DEVICE void operator()(std::uint32_t option, std::uint64_t path) const {
    const OptionColumn<Real>& column = options[option];
    fill_option_column(column, market + path, stride, 1, cube + column.out * stride + path);
  }
};

}  // namespace tailmargin
