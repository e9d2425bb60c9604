// What a model implies for the price of an underlying at the horizon, from simulated paths.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace tailmargin {

/// Simulated changes of the log price of one underlying.
struct HorizonSample {
  std::string underlying;
  std::vector<double> log_change;  ///< [path]
  std::vector<double> weight;      ///< [path] >= 0, in any unit; empty: all alike
};

/// Of a sample; each with its standard error.
struct Estimate {
  double value = 0.0, standard_error = 0.0;
};

/// Weighted moments of a change.
struct Moments {
  Estimate mean, sd, skew, excess_kurtosis;  ///< excess: 0 for a normal law
};

/// Losses are fractions of the price now: of holding one unit (long), of owing one (short).
struct HorizonStatistics {
  Moments moments;  ///< of the log change
  Estimate long_var, long_es, short_var, short_es;
};

/// A factor that is no price, at the horizon.
struct FactorStatistics {
  std::string underlying, kind;
  Moments moments;  ///< of its change
};

/// Standard errors by influence values, which near a heavy tail's higher moments are rough themselves.
/// @param sample  two paths or more; weights with a positive sum
Moments moments_of(const HorizonSample& sample);

/// Weighted moments, and the mean loss of the worst 1 - confidence of the weight, the path on the edge in part.
/// Standard errors: of the mean loss by influence values, of its edge by the losses one deviation of rank either side,
/// as for margins.
/// @param sample  two paths or more; weights with a positive sum
HorizonStatistics horizon_statistics(const HorizonSample& sample, double confidence);

/// Heights of a histogram: shares of the weight in bins of equal width from low to high; what is outside goes to the
/// bins at the ends.
std::vector<double> histogram(const HorizonSample& sample, double low, double high, std::size_t num_bins);

/// Two lines for each underlying: statistics, and a histogram of blocks of heights by the logarithm, so that tails
/// show; standard errors.
std::string horizon_text(const std::vector<HorizonSample>& samples, double confidence);

/// Two lines for each underlying: standard deviations of its other factors; standard errors. Empty if there are none.
std::string factors_text(const std::vector<FactorStatistics>& factors);

nlohmann::ordered_json factors_json(const std::vector<FactorStatistics>& factors);

nlohmann::ordered_json horizon_json(const std::vector<HorizonSample>& samples, double confidence);

}  // namespace tailmargin
