// The regime chain over another time than the one its transition matrix is given for.
#pragma once

#include <string>
#include <vector>

namespace tailmargin {

enum class ChainMatch {
  exact,     ///< the chain of the steps has the given transition matrix, up to rounding
  repaired,  ///< no chain in continuous time has it; the result is one close to it
  none       ///< no result
};

/// The chain over one step.
struct StepTransition {
  std::vector<std::vector<double>> matrix;  ///< [from][to] entries >= 0, rows sum to 1; empty if there is none
  ChainMatch match = ChainMatch::none;
  /// Largest difference of an entry between the given matrix and the result raised back to its time.
  double largest_change = 0.0;
  std::string reason;  ///< why there is none
};

/// The logarithm of a transition matrix, repaired where rates come out negative.
struct ChainGenerator {
  std::vector<std::vector<double>> logarithm;  ///< [from][to] principal logarithm; rows sum to 0, rates may be negative
  std::vector<std::vector<double>> rates;      ///< [from][to] per transition time; >= 0 off the diagonal, rows sum to 0
  double largest_change = 0.0;                 ///< of an entry of exp(rates) from the given matrix
  std::string reason;                          ///< why there is none: then the rest is empty
};

/// Rates of the chain in continuous time whose transitions over one unit of time are `transition`. Logarithm by
/// inverse scaling and squaring (Higham, Functions of Matrices, 2008, chapters 6 and 11). Negative rates become 0,
/// and what that adds to a row is taken from its other entries in proportion to their size (the weighted adjustment
/// of Israel, Rosenthal and Wei 2001, Mathematical Finance 11, 245-265), which keeps rare transitions rare but alive.
/// There is none if the matrix is singular or has a negative eigenvalue.
/// @param transition  [from][to] entries >= 0, rows sum to 1
ChainGenerator chain_generator(const std::vector<std::vector<double>>& transition);

/// The transition matrix of one step of a chain given by its transitions over `transition_hours`: the matrix itself,
/// a power of it if the step is a whole multiple of that time, else exp(rates * step_hours / transition_hours).
/// @param transition  [from][to] entries >= 0, rows sum to 1
/// @param transition_hours, step_hours  > 0
StepTransition transition_for_step(const std::vector<std::vector<double>>& transition, double transition_hours,
                                   double step_hours);

}  // namespace tailmargin
