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

/// Losses are fractions of the price now: of holding one unit (long), of owing one (short).
struct HorizonStatistics {
  double mean = 0.0, sd = 0.0, skew = 0.0;  ///< of the log change
  double excess_kurtosis = 0.0;             ///< 0 for a normal law
  double long_var = 0.0, long_es = 0.0, short_var = 0.0, short_es = 0.0;
};

/// Weighted moments, and the mean loss of the worst 1 - confidence of the weight, the path on the edge in part.
/// @param sample  two paths or more; weights with a positive sum
HorizonStatistics horizon_statistics(const HorizonSample& sample, double confidence);

/// Heights of a histogram: shares of the weight in bins of equal width from low to high; what is outside goes to the
/// bins at the ends.
std::vector<double> histogram(const HorizonSample& sample, double low, double high, std::size_t num_bins);

/// A line for each underlying: statistics, and a histogram of blocks of heights by the logarithm, so that tails show.
std::string horizon_text(const std::vector<HorizonSample>& samples, double confidence);

nlohmann::ordered_json horizon_json(const std::vector<HorizonSample>& samples, double confidence);

}  // namespace tailmargin
