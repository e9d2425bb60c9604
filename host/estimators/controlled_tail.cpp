#include "host/estimators/controlled_tail.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace tailmargin {
namespace {

/// Excesses of the quadratic over three thresholds, and whether it is beyond the first.
constexpr std::size_t num_thresholds = 3, num_controls = num_thresholds + 1;
using Controls = std::array<double, num_controls>;

/// Values of the controls on every path: mean zero within each class.
class ControlTable {
 public:
  ControlTable(const PathClasses& classes, const std::vector<QuadraticLaw>& laws, const std::vector<double>& thresholds,
               const AccountSample& sample)
      : classes_(classes), thresholds_(thresholds), quadratic_(sample.quadratic) {
    for (const QuadraticLaw& law : laws) {
      Controls known{};
      bool usable = true;
      for (std::size_t i = 0; i < num_thresholds; ++i) {
        const QuadraticTail tail = quadratic_tail(law, thresholds[i]);
        known[i] = tail.excess;
        if (i == 0) { known[num_thresholds] = tail.probability; }
        usable = usable && tail.converged;
      }
      known_.push_back(known);
      usable_.push_back(usable ? 1 : 0);
    }
  }

  Controls at(std::uint32_t path) const {
    const std::uint16_t c = classes_.of_path[path];
    Controls out{};
    if (usable_[c] == 0) { return out; }
    for (std::size_t i = 0; i < num_thresholds; ++i) {
      const double beyond = quadratic_[path] - thresholds_[i];
      out[i] = (beyond > 0.0 ? beyond : 0.0) - known_[c][i];
    }
    out[num_thresholds] = (quadratic_[path] > thresholds_[0] ? 1.0 : 0.0) - known_[c][num_thresholds];
    return out;
  }

 private:
  const PathClasses& classes_;
  const std::vector<double>& thresholds_;
  const double* quadratic_;
  std::vector<Controls> known_;  // [class] expectations
  std::vector<char> usable_;     // [class]
};

double weight_of(const AccountSample& sample, std::uint32_t path) {
  return sample.weights == nullptr ? 1.0 : double(sample.weights[path]);
}

/// Least squares without a constant, by elimination; a control that the others explain gets 0.
Controls solve(std::array<Controls, num_controls> matrix, Controls right) {
  Controls out{};
  std::array<bool, num_controls> kept{};
  for (std::size_t i = 0; i < num_controls; ++i) {
    const double diagonal = matrix[i][i];
    for (std::size_t m = 0; m < i; ++m) {
      if (!kept[m]) { continue; }
      const double factor = matrix[i][m] / matrix[m][m];
      for (std::size_t j = m; j < num_controls; ++j) { matrix[i][j] -= factor * matrix[m][j]; }
      right[i] -= factor * right[m];
    }
    kept[i] = matrix[i][i] > 1e-10 * diagonal && diagonal > 0.0;
  }
  for (std::size_t i = num_controls; i-- > 0;) {
    if (!kept[i]) { continue; }
    double rest = right[i];
    for (std::size_t j = i + 1; j < num_controls; ++j) { rest -= matrix[i][j] * out[j]; }
    out[i] = rest / matrix[i][i];
  }
  return out;
}

/// Sums over all paths, in their order.
struct Regression {
  Controls slope{};   // of the value on the controls
  Controls total{};   // weighted sums of the controls
  double mean = 0.0;  // weighted, of the value
};

template <class Value>
Regression regress(const TailRule& rule, const AccountSample& sample, const ControlTable& controls, Value value) {
  Regression out;
  double total = 0.0;
  for (std::uint32_t path = 0; path < sample.num_paths; ++path) {
    total += weight_of(sample, path) * value(sample.losses[path]);
  }
  out.mean = total / rule.weight_sum;
  std::array<Controls, num_controls> matrix{};
  Controls right{};
  for (std::uint32_t path = 0; path < sample.num_paths; ++path) {
    const double w = weight_of(sample, path), w2 = w * w, y = value(sample.losses[path]) - out.mean;
    const Controls c = controls.at(path);
    for (std::size_t i = 0; i < num_controls; ++i) {
      out.total[i] += w * c[i];
      right[i] += w2 * c[i] * y;
      for (std::size_t j = 0; j < num_controls; ++j) { matrix[i][j] += w2 * c[i] * c[j]; }
    }
  }
  out.slope = solve(matrix, right);
  return out;
}

/// The worst losses in order, down to any weight.
class SortedTail {
 public:
  explicit SortedTail(const AccountSample& sample) : sample_(sample), items_(sample.num_paths) {
    for (std::uint32_t path = 0; path < sample.num_paths; ++path) { items_[path] = {sample.losses[path], path}; }
  }

  void sort_first(std::uint32_t count) {
    sorted_ = std::min(count, sample_.num_paths);
    if (sorted_ < items_.size()) { std::nth_element(items_.begin(), items_.begin() + sorted_, items_.end(), order); }
    std::sort(items_.begin(), items_.begin() + sorted_, order);
  }

  /// The smallest loss with at most this weight beyond it.
  double quantile(double weight_beyond) {
    double cumulative = 0.0;
    for (std::uint32_t i = 0;; ++i) {
      if (i == sorted_) {
        if (sorted_ == items_.size()) { return items_.back().loss; }
        sort_first(2 * sorted_);
      }
      cumulative += weight_of(sample_, items_[i].path);
      if (cumulative > weight_beyond) { return items_[i].loss; }
    }
  }

  const TailLoss<double>* items() const { return items_.data(); }
  std::uint32_t sorted() const { return sorted_; }

 private:
  static bool order(const TailLoss<double>& a, const TailLoss<double>& b) { return worse(a, b); }

  const AccountSample& sample_;
  std::vector<TailLoss<double>> items_;
  std::uint32_t sorted_ = 0;
};

double dot(const Controls& a, const Controls& b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < num_controls; ++i) { sum += a[i] * b[i]; }
  return sum;
}

}  // namespace

ControlledFigures controlled_tail(const TailRule& rule, const PathClasses& classes,
                                  const std::vector<QuadraticLaw>& laws, const std::vector<double>& thresholds,
                                  const AccountSample& sample) {
  SortedTail tail(sample);
  tail.sort_first(rule.num_tail);
  const TailFigures plain = summarise_tail(rule, tail.items(), tail.sorted(), sample.weights);
  ControlledFigures out{plain.es, plain.es_standard_error, plain.es, plain.es_standard_error};

  const ControlTable controls(classes, laws, thresholds, sample);
  // The quantile first: what the controls say of how many losses there should have been beyond it.
  const double first = plain.var;
  const Regression count = regress(rule, sample, controls, [&](double loss) { return loss > first ? 1.0 : 0.0; });
  const double quantile = tail.quantile(std::max(rule.tail_weight + dot(count.slope, count.total), 0.0));
  const auto excess = [&](double loss) { return loss > quantile ? loss - quantile : 0.0; };
  const Regression size = regress(rule, sample, controls, excess);
  const double beyond = rule.weight_sum / rule.tail_weight;  // 1 / (1 - confidence)
  const double mean = size.mean - dot(size.slope, size.total) / rule.weight_sum;
  out.controlled_es = quantile + mean * beyond;
  double squares = 0.0;
  std::array<double, TailRule::max_replicates> of_replicate{};
  for (std::uint32_t path = 0; path < sample.num_paths; ++path) {
    const double residual = excess(sample.losses[path]) - mean - dot(size.slope, controls.at(path));
    const double w = weight_of(sample, path) * residual;
    squares += w * w;
    if (rule.num_replicates != 0) { of_replicate[path % rule.num_replicates] += w; }
  }
  const double spread =
      rule.num_replicates == 0 ? math::sqrt(squares) : ReplicateSums::spread(of_replicate.data(), rule.num_replicates);
  out.controlled_standard_error = spread * beyond / rule.weight_sum;
  return out;
}

}  // namespace tailmargin
