#include "host/cli/horizon_statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>

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
  Estimate var, es;
};

/// The loss at a rank: the largest one with at least this weight at or above it. Losses are sorted, the largest first.
double loss_at(const std::vector<WeightedLoss>& losses, double rank) {
  double seen = 0.0;
  for (const WeightedLoss& l : losses) {
    seen += l.weight;
    if (seen >= rank * (1.0 - 1e-12)) return l.loss;
  }
  return losses.back().loss;
}

Tail tail_of(std::vector<WeightedLoss> losses, double confidence) {
  std::sort(losses.begin(), losses.end(), [](const WeightedLoss& a, const WeightedLoss& b) { return a.loss > b.loss; });
  double total = 0.0, squares = 0.0;
  for (const WeightedLoss& l : losses) {
    total += l.weight;
    squares += l.weight * l.weight;
  }
  const double tail_weight = total * (1.0 - confidence), spread = std::sqrt(squares * confidence * (1.0 - confidence));
  Tail tail;
  tail.var.value = loss_at(losses, tail_weight);
  tail.var.standard_error = 0.5 * (loss_at(losses, tail_weight - spread) - loss_at(losses, tail_weight + spread));
  double excess = 0.0;
  for (const WeightedLoss& l : losses) excess += l.weight * std::max(l.loss - tail.var.value, 0.0);
  tail.es.value = tail.var.value + excess / tail_weight;
  double variance = 0.0;
  for (const WeightedLoss& l : losses) {
    const double influence =
        tail.var.value + std::max(l.loss - tail.var.value, 0.0) / (1.0 - confidence) - tail.es.value;
    variance += l.weight * influence * l.weight * influence;
  }
  tail.es.standard_error = std::sqrt(variance) / total;
  return tail;
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

Moments moments_of(const HorizonSample& sample) {
  const std::vector<double>& x = sample.log_change;
  double total = 0.0, mean = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    total += weight_of(sample, i);
    mean += weight_of(sample, i) * x[i];
  }
  mean /= total;
  double m2 = 0.0, m3 = 0.0, m4 = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = x[i] - mean, w = weight_of(sample, i) / total;
    m2 += w * d * d;
    m3 += w * d * d * d;
    m4 += w * d * d * d * d;
  }
  Moments moments;
  moments.mean.value = mean;
  if (!(m2 > 0.0)) return moments;
  const double sd = std::sqrt(m2), skew = m3 / (m2 * sd), kurtosis = m4 / (m2 * m2);
  // Influence of a path at z deviations (Hampel et al. 1986): of the mean z sd, of sd (z^2 - 1) sd / 2, ...
  double of_mean = 0.0, of_sd = 0.0, of_skew = 0.0, of_kurtosis = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double z = (x[i] - mean) / sd, w = weight_of(sample, i) / total;
    const double square = z * z - 1.0;
    const double in_skew = z * z * z - skew - 3.0 * z - 1.5 * skew * square;
    const double in_kurtosis = z * z * z * z - kurtosis - 4.0 * skew * z - 2.0 * kurtosis * square;
    of_mean += w * z * w * z;
    of_sd += w * square * w * square;
    of_skew += w * in_skew * w * in_skew;
    of_kurtosis += w * in_kurtosis * w * in_kurtosis;
  }
  moments.mean.standard_error = sd * std::sqrt(of_mean);
  moments.sd = {sd, 0.5 * sd * std::sqrt(of_sd)};
  moments.skew = {skew, std::sqrt(of_skew)};
  moments.excess_kurtosis = {kurtosis - 3.0, std::sqrt(of_kurtosis)};
  return moments;
}

HorizonStatistics horizon_statistics(const HorizonSample& sample, double confidence) {
  HorizonStatistics statistics;
  statistics.moments = moments_of(sample);
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

namespace {

/// Two lines: values, and standard errors below them. Widths are those of the columns.
struct EstimateLines {
  std::string values, errors;

  void add(const Estimate& estimate, double unit, int digits, std::size_t width) {
    values += right_column(fixed_digits(unit * estimate.value, digits), width);
    errors += right_column("±" + fixed_digits(unit * estimate.standard_error, digits), width);
  }
};

std::size_t width_of(const std::string& kind) { return std::max<std::size_t>(number_width, kind.size() + 1); }

nlohmann::ordered_json with_error(nlohmann::ordered_json row, const std::string& name, const Estimate& estimate) {
  row[name] = estimate.value;
  row[name + "_se"] = estimate.standard_error;
  return row;
}

nlohmann::ordered_json with_moments(nlohmann::ordered_json row, const Moments& moments) {
  row = with_error(std::move(row), "mean", moments.mean);
  row = with_error(std::move(row), "sd", moments.sd);
  row = with_error(std::move(row), "skew", moments.skew);
  return with_error(std::move(row), "excess_kurtosis", moments.excess_kurtosis);
}

}  // namespace

std::string horizon_text(const std::vector<HorizonSample>& samples, double confidence) {
  std::string text = "\n" + left_column("prices, in %", label_width) + right_column("", 3 * number_width) +
                     right_column("long", 2 * number_width) + right_column("short", 2 * number_width) + "\n" +
                     left_column("", label_width);
  const std::string level = " " + significant(100.0 * confidence, 4);
  for (const std::string& head : {std::string("sd"), std::string("skew"), std::string("ex.kurt"), "VaR" + level,
                                  "ES" + level, "VaR" + level, "ES" + level}) {
    text += right_column(head, number_width);
  }
  text += "   5 sd down to 5 sd up and beyond, by tens\n";
  for (const HorizonSample& sample : samples) {
    const HorizonStatistics s = horizon_statistics(sample, confidence);
    const double span = span_in_deviations * s.moments.sd.value;
    EstimateLines lines;
    lines.add(s.moments.sd, 100.0, 2, number_width);
    lines.add(s.moments.skew, 1.0, 2, number_width);
    lines.add(s.moments.excess_kurtosis, 1.0, 1, number_width);
    for (const Estimate& loss : {s.long_var, s.long_es, s.short_var, s.short_es})
      lines.add(loss, 100.0, 2, number_width);
    text += left_column("  " + sample.underlying, label_width) + lines.values + "  " +
            (span > 0.0 ? bar(histogram(sample, -span, span, num_bins)) : "does not move") + "\n" +
            left_column("", label_width) + lines.errors + "\n";
  }
  return text;
}

std::string factors_text(const std::vector<FactorStatistics>& factors) {
  std::vector<std::string> kinds, underlyings;
  for (const FactorStatistics& f : factors) {
    if (std::find(kinds.begin(), kinds.end(), f.kind) == kinds.end()) kinds.push_back(f.kind);
    if (underlyings.empty() || underlyings.back() != f.underlying) underlyings.push_back(f.underlying);
  }
  if (kinds.empty()) return "";
  std::string text = "\n" + left_column("sd, in %", label_width);
  for (const std::string& kind : kinds) text += right_column(kind, width_of(kind));
  text += "\n";
  for (const std::string& underlying : underlyings) {
    EstimateLines lines;
    for (const std::string& kind : kinds) {
      const auto found = std::find_if(factors.begin(), factors.end(), [&](const FactorStatistics& f) {
        return f.underlying == underlying && f.kind == kind;
      });
      if (found != factors.end()) {
        lines.add(found->moments.sd, 100.0, 3, width_of(kind));
      } else {
        lines.values += std::string(width_of(kind), ' ');
        lines.errors += std::string(width_of(kind), ' ');
      }
    }
    text += left_column("  " + underlying, label_width) + lines.values + "\n" + left_column("", label_width) +
            lines.errors + "\n";
  }
  return text;
}

nlohmann::ordered_json factors_json(const std::vector<FactorStatistics>& factors) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const FactorStatistics& f : factors) {
    list.push_back(with_moments({{"underlying", f.underlying}, {"kind", f.kind}}, f.moments));
  }
  return list;
}

nlohmann::ordered_json horizon_json(const std::vector<HorizonSample>& samples, double confidence) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const HorizonSample& sample : samples) {
    const HorizonStatistics s = horizon_statistics(sample, confidence);
    nlohmann::ordered_json row = with_moments({{"underlying", sample.underlying}}, s.moments);
    row = with_error(std::move(row), "long_var", s.long_var);
    row = with_error(std::move(row), "long_es", s.long_es);
    row = with_error(std::move(row), "short_var", s.short_var);
    list.push_back(with_error(std::move(row), "short_es", s.short_es));
  }
  return list;
}

}  // namespace tailmargin
