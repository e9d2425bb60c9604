#include "host/cli/horizon_statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "host/cli/text_columns.hpp"

namespace tailmargin {
namespace {

constexpr std::size_t label_width = 12;
constexpr std::size_t number_width = 9;
constexpr std::size_t num_bins = 41;        ///< odd: the middle one is around no change
constexpr double span_in_deviations = 5.0;  ///< of the histogram, either side

struct WeightedLoss {
  double loss, weight;
};

struct Tail {
  double var, es;
};

Tail tail_of(std::vector<WeightedLoss> losses, double confidence) {
  std::sort(losses.begin(), losses.end(), [](const WeightedLoss& a, const WeightedLoss& b) { return a.loss > b.loss; });
  double total = 0.0;
  for (const WeightedLoss& l : losses) total += l.weight;
  const double tail_weight = total * (1.0 - confidence);
  double seen = 0.0, sum = 0.0;
  for (const WeightedLoss& l : losses) {
    const double part = std::min(l.weight, tail_weight - seen);
    seen += part;
    sum += part * l.loss;
    if (seen >= tail_weight * (1.0 - 1e-12)) return {l.loss, sum / tail_weight};
  }
  return {losses.back().loss, sum / tail_weight};
}

double weight_of(const HorizonSample& sample, std::size_t path) {
  return sample.weight.empty() ? 1.0 : sample.weight[path];
}

/// Losses of one unit held (sign 1) or owed (sign -1).
std::vector<WeightedLoss> losses_of(const HorizonSample& sample, double sign) {
  std::vector<WeightedLoss> losses;
  losses.reserve(sample.log_change.size());
  for (std::size_t i = 0; i < sample.log_change.size(); ++i) {
    losses.push_back({-sign * std::expm1(sample.log_change[i]), weight_of(sample, i)});
  }
  return losses;
}

/// One of nine heights: empty below a ten-thousandth of the highest bin, then half a power of ten each.
std::string bar(const std::vector<double>& shares) {
  static constexpr std::array<const char*, 9> blocks = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const double highest = *std::max_element(shares.begin(), shares.end());
  std::string text;
  for (const double share : shares) {
    const double height = share > 0.0 ? 8.0 + 2.0 * std::log10(share / highest) : 0.0;
    text += blocks[static_cast<std::size_t>(std::clamp(std::ceil(height), 0.0, 8.0))];
  }
  return text;
}

}  // namespace

HorizonStatistics horizon_statistics(const HorizonSample& sample, double confidence) {
  HorizonStatistics statistics;
  const std::vector<double>& x = sample.log_change;
  double total = 0.0, mean = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    total += weight_of(sample, i);
    mean += weight_of(sample, i) * x[i];
  }
  mean /= total;
  double second = 0.0, third = 0.0, fourth = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = x[i] - mean, w = weight_of(sample, i) / total;
    second += w * d * d;
    third += w * d * d * d;
    fourth += w * d * d * d * d;
  }
  statistics.mean = mean;
  statistics.sd = std::sqrt(second);
  if (second > 0.0) {
    statistics.skew = third / (second * statistics.sd);
    statistics.excess_kurtosis = fourth / (second * second) - 3.0;
  }
  const Tail of_long = tail_of(losses_of(sample, 1.0), confidence);
  const Tail of_short = tail_of(losses_of(sample, -1.0), confidence);
  statistics.long_var = of_long.var;
  statistics.long_es = of_long.es;
  statistics.short_var = of_short.var;
  statistics.short_es = of_short.es;
  return statistics;
}

std::vector<double> histogram(const HorizonSample& sample, double low, double high, std::size_t bins) {
  std::vector<double> shares(bins, 0.0);
  double total = 0.0;
  for (std::size_t i = 0; i < sample.log_change.size(); ++i) {
    const double at = (sample.log_change[i] - low) / (high - low) * static_cast<double>(bins);
    const double bin = std::clamp(std::floor(at), 0.0, static_cast<double>(bins) - 1.0);
    shares[static_cast<std::size_t>(bin)] += weight_of(sample, i);
    total += weight_of(sample, i);
  }
  for (double& share : shares) share /= total;
  return shares;
}

std::string horizon_text(const std::vector<HorizonSample>& samples, double confidence) {
  const std::string level = fixed_digits(100.0 * confidence, 1);
  std::string text =
      "\n" + left_column("at the horizon", label_width + number_width) + right_column("sd", number_width - 2);
  for (const char* head : {"skew", "ex. kurt"}) text += right_column(head, number_width);
  text += "   long VaR, ES " + level + "  short VaR, ES " + level +
          "   5 sd down to 5 sd up and beyond, by powers of ten\n";
  for (const HorizonSample& sample : samples) {
    const HorizonStatistics s = horizon_statistics(sample, confidence);
    const double span = span_in_deviations * s.sd;
    text += left_column("  " + sample.underlying, label_width + number_width - 2);
    text += right_column(percent(s.sd, 2), number_width) + right_column(fixed_digits(s.skew, 2), number_width) +
            right_column(fixed_digits(s.excess_kurtosis, 1), number_width) + " ";
    for (const double loss : {s.long_var, s.long_es, s.short_var, s.short_es}) {
      text += right_column(percent(loss, 2), number_width + 1);
    }
    text += "   " + (span > 0.0 ? bar(histogram(sample, -span, span, num_bins)) : "does not move") + "\n";
  }
  return text;
}

nlohmann::ordered_json horizon_json(const std::vector<HorizonSample>& samples, double confidence) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const HorizonSample& sample : samples) {
    const HorizonStatistics s = horizon_statistics(sample, confidence);
    list.push_back({{"underlying", sample.underlying},
                    {"mean", s.mean},
                    {"sd", s.sd},
                    {"skew", s.skew},
                    {"excess_kurtosis", s.excess_kurtosis},
                    {"long_var", s.long_var},
                    {"long_es", s.long_es},
                    {"short_var", s.short_var},
                    {"short_es", s.short_es}});
  }
  return list;
}

}  // namespace tailmargin
