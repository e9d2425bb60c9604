// The vol surface of a snapshot: one smile per expiry, free of static arbitrage together.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "kernels/math/black76.hpp"
#include "kernels/math/smile.hpp"

namespace tailmargin {

/// One quote of an expiry's smile.
struct SmilePoint {
  double log_moneyness = 0.0;  ///< ln(strike / forward)
  double total_vol = 0.0;      ///< mark vol * sqrt(years), > 0
};

/// The quotes of one expiry.
struct ExpiryQuotes {
  double years = 0.0;  ///< > 0
  std::vector<SmilePoint> points;
};

/// How well a smile meets its quotes, and whether those could be met at all.
struct FitError {
  std::uint32_t num_quotes = 0;
  double rms_vol = 0.0;          ///< root mean square of the vols' differences, per year
  double near_rms_vol = 0.0;     ///< the same weighted by vega squared
  double worst_vol = 0.0;        ///< the largest, with its sign: mark less smile
  bool butterfly_marks = false;  ///< the marks themselves: prices not convex or not falling in strike
  bool calendar_marks = false;   ///< some total variance below that of the expiry before at the same moneyness
};

struct FittedSmile {
  math::SsviSmile<double> smile{};
  FitError error;
};

/// SSVI slices of one surface, the shortest expiry first, each butterfly-free and nowhere below the one before
/// (math::limit_smile); within that the weighted least squares of total variances, weights such that price errors are
/// least. An expiry with fewer than five distinct strikes takes the shape of the nearest one that has them, in
/// standardised moneyness; if none has, all are flat. Deterministic.
/// @param expiries  rising in years, each with quotes
std::vector<FittedSmile> fit_surface(const std::vector<ExpiryQuotes>& expiries);

/// The slope phi sqrt(theta) of smiles with too few quotes for a shape: flat to 1e-3 of the vol three standard
/// deviations out.
inline constexpr double flat_curvature = 1e-3;

/// Total vol at which Black-76 gives `value_over_forward`; nothing if the value lies outside the no-arbitrage bounds.
std::optional<double> implied_total_vol(double sign, double log_moneyness, double value_over_forward);

}  // namespace tailmargin
