// Student's t through a random scale of normal shocks: the scale as a function of a standard normal score.
#pragma once

#include <vector>

namespace tailmargin {

/// Range of degrees of freedom of the functions below: above 2 the t law has a variance; at the upper end it is normal
/// to 1e-6.
inline constexpr double min_degrees_of_freedom = 2.0;  ///< excluded
inline constexpr double max_degrees_of_freedom = 1e6;

/// The scale G at which G N, N standard normal, is Student t scaled to unit variance when the score is standard normal:
/// G = sqrt((nu - 2) / c) with P(chi-square(nu) <= c) = P(Z > score). Rising in the score.
/// @param nu     degrees of freedom, 2 < nu <= 1e6
/// @param score  -30 <= score <= 30
/// Relative error below 1e-12.
double tail_scale_of_score(double nu, double score);

/// The function min(tail_scale_of_score(nu, score), max_scale) as cubic pieces on the grid of ScaleTable
/// (kernels/executors/simulate.hpp).
/// @param nu         degrees of freedom, 2 < nu <= 1e6
/// @param max_scale  > 0
/// @return [piece][4] coefficients of 1, t, t^2, t^3, t in [0, 1) within the piece; continuous, rising, <= max_scale.
/// Relative error below 2e-6 for nu >= 2.1 and scales up to 100, except in the piece in which max_scale is reached,
/// which is a straight line.
std::vector<double> tail_scale_pieces(double nu, double max_scale);

/// Mean of G^2 over the scores of a table: 1, less what the cap takes. Simpson's rule in every piece.
double mean_square_scale(const std::vector<double>& pieces);

}  // namespace tailmargin
