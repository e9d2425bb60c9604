#include "host/estimators/account_quadratics.hpp"

#include <algorithm>
#include <numeric>

#include "host/prepare/correlation_matrix.hpp"
#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {
namespace {

/// Pilot paths: a quarter of the run's, within these bounds.
constexpr std::uint64_t min_pilot_paths = 8192, max_pilot_paths = 32768;
/// Seed of the pilot: the run's, with these bits turned over.
constexpr std::uint64_t pilot_seed_bits = 0x70696c6f74000000u;

/// The fit sees the worst losses with this many times the weight beyond the confidence level, and little of the others.
constexpr double fitted_tails = 3.0, weight_of_body = 0.002;
/// Of the others, one in so many is looked at, by rank.
constexpr std::size_t body_stride = 8;
/// Beyond so many terms only squares are fitted, no products.
constexpr std::size_t max_terms = 300;
/// Added to the diagonal of the correlations of terms: terms may nearly coincide.
constexpr double ridge = 1e-7;
/// Weights beyond the thresholds, in parts of that beyond the confidence level.
constexpr double threshold_parts[] = {1.0, 3.0, 0.25};

constexpr std::uint32_t tile_width = 4 * cpu::lanes;

/// [column] factors that move it.
std::vector<std::vector<std::uint32_t>> column_factors(const PreparedRun& run) {
  const ColumnPlan& plan = run.columns;
  std::vector<std::vector<std::uint32_t>> out(plan.num_columns);
  for (std::size_t i = 0; i < plan.terms.size(); ++i) {
    const InstrumentTerms& t = plan.terms[i];
    std::vector<std::uint32_t>& factors = out[i % plan.num_columns];
    const auto add = [&](const Reading& reading) {
      if (reading.weight != 0.0) { factors.push_back(run.scenarios.observations[reading.row].factor); }
    };
    for (const Reading& reading : {t.index, t.settlement, t.spot, t.spot_before, t.quote, t.quote_before, t.basis,
                                   t.basis_slope, t.dislocation}) {
      add(reading);
    }
    for (const FundingTerms& payment : t.funding) {
      add(payment.premium);
      add(payment.price);
    }
    if (t.kind == InstrumentKind::option && !t.settled) {
      const SmileTerms& smile = plan.smiles[t.smile];
      for (const Reading& reading : {smile.vol, smile.term, smile.skew, smile.butterfly}) { add(reading); }
    }
  }
  for (std::vector<std::uint32_t>& factors : out) {
    std::sort(factors.begin(), factors.end());
    factors.erase(std::unique(factors.begin(), factors.end()), factors.end());
  }
  return out;
}

/// The factors an account depends on and the pairs of them that are fitted.
AccountQuadratic choose_terms(const PreparedRun& run, const std::vector<std::vector<std::uint32_t>>& of_column,
                              const AccountPlan& accounts, std::uint64_t account) {
  const std::vector<Factor>& factors = run.scenarios.factors;
  AccountQuadratic out;
  for (std::uint64_t p = accounts.offsets[account]; p < accounts.offsets[account + 1]; ++p) {
    const std::vector<std::uint32_t>& more = of_column[accounts.columns[p].column()];
    out.factors.insert(out.factors.end(), more.begin(), more.end());
  }
  std::sort(out.factors.begin(), out.factors.end());
  out.factors.erase(std::unique(out.factors.begin(), out.factors.end()), out.factors.end());
  std::size_t terms = 1 + out.factors.size();
  for (std::size_t i = 0; i < out.factors.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      terms += factors[out.factors[i]].underlying == factors[out.factors[j]].underlying ? 1u : 0u;
    }
  }
  for (std::uint32_t i = 0; i < out.factors.size(); ++i) {
    for (std::uint32_t j = 0; j <= i; ++j) {
      const bool same = factors[out.factors[i]].underlying == factors[out.factors[j]].underlying;
      if (same && (i == j || terms <= max_terms)) { out.pair_other.push_back(j); }
    }
    out.pair_offsets.push_back(static_cast<std::uint32_t>(out.pair_other.size()));
  }
  return out;
}

/// The value of an account's quadratic where a function gives the factors.
template <class FactorAt>
double value_at(const AccountQuadratic& q, FactorAt x) {
  double sum = q.constant;
  for (std::size_t i = 0; i < q.factors.size(); ++i) {
    double part = q.slope[i];
    for (std::uint32_t p = q.pair_offsets[i]; p < q.pair_offsets[i + 1]; ++p) {
      part += q.curve[p] * x(q.factors[q.pair_other[p]]);
    }
    sum += part * x(q.factors[i]);
  }
  return sum;
}

/// The pilot's losses of one account, worst first.
struct RankedLosses {
  std::vector<std::uint32_t> order;
  std::vector<double> weight;  // [path]
  double total = 0.0;

  RankedLosses(const PilotPaths& pilot, const double* loss)
      : order(pilot.run.num_paths), weight(pilot.run.num_paths, 1.0) {
    std::iota(order.begin(), order.end(), 0u);
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return loss[a] > loss[b] || (loss[a] == loss[b] && a < b); });
    if (!pilot.run.path_weights.empty()) {
      for (std::size_t i = 0; i < weight.size(); ++i) { weight[i] = double(pilot.run.path_weights[i]) / weight_unit; }
    }
    for (const double w : weight) { total += w; }
  }

  /// How many of the worst have this share of the weight.
  std::size_t count_beyond(double share) const {
    double sum = 0.0;
    std::size_t i = 0;
    while (i + 1 < order.size() && sum + weight[order[i]] <= share * total) { sum += weight[order[i++]]; }
    return i;
  }
};

/// Normal equations of the fit, terms centred and scaled: constant apart, slopes, then pairs.
class Fit {
 public:
  Fit(const PilotPaths& pilot, AccountQuadratic& quadratic, const double* loss, const RankedLosses& ranked)
      : pilot_(pilot), quadratic_(quadratic), loss_(loss), ranked_(ranked) {}

  void solve() {
    gather();
    const std::size_t n = rows_.size();
    quadratic_.slope.assign(quadratic_.factors.size(), 0.0);
    quadratic_.curve.assign(quadratic_.pair_other.size(), 0.0);
    quadratic_.constant = loss_mean_;
    if (n == 0) { return; }
    std::vector<double> packed, right(n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j <= i; ++j) { packed.push_back(inner(rows_[i], rows_[j]) + (i == j ? ridge : 0.0)); }
      right[i] = inner(rows_[i], response_);
    }
    const CholeskyFactor factor = cholesky(std::move(packed), n);
    if (factor.first_bad != n) { return; }
    const auto at = [&](std::size_t i, std::size_t j) { return factor.packed[i * (i + 1) / 2 + j]; };
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < i; ++j) { right[i] -= at(i, j) * right[j]; }
      right[i] /= at(i, i);
    }
    for (std::size_t i = n; i-- > 0;) {
      for (std::size_t j = i + 1; j < n; ++j) { right[i] -= at(j, i) * right[j]; }
      right[i] /= at(i, i);
    }
    for (std::size_t i = 0; i < n; ++i) {
      const double coefficient = right[i] / scale_[i];
      (term_[i] < quadratic_.slope.size() ? quadratic_.slope[term_[i]]
                                          : quadratic_.curve[term_[i] - quadratic_.slope.size()]) = coefficient;
      quadratic_.constant -= coefficient * mean_[i];
    }
  }

 private:
  double inner(const std::vector<double>& a, const std::vector<double>& b) const {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) { sum += a[i] * b[i]; }
    return sum;
  }

  const double* factor(std::uint32_t i) const {
    return pilot_.factors.data() + std::uint64_t{quadratic_.factors[i]} * pilot_.run.num_paths;
  }

  /// Centres values by their weighted mean, times the root of the weight, of squared length 1 if not constant.
  template <class Value>
  bool centre(Value value, std::vector<double>& row, double& mean, double& scale) const {
    mean = 0.0;
    row.resize(root_weight_.size());
    double plain = 0.0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = value(paths_[i]);
      mean += root_weight_[i] * root_weight_[i] * row[i];
      plain += root_weight_[i] * root_weight_[i] * row[i] * row[i];
    }
    double squares = 0.0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      row[i] = (row[i] - mean) * root_weight_[i];
      squares += row[i] * row[i];
    }
    if (!(squares > 1e-24 * plain)) { return false; }
    scale = math::sqrt(squares);
    return true;
  }

  template <class Value>
  void add_term(std::size_t term, Value value) {
    std::vector<double> row;
    double mean = 0.0, scale = 0.0;
    if (!centre(value, row, mean, scale)) { return; }
    for (double& x : row) { x /= scale; }
    rows_.push_back(std::move(row));
    term_.push_back(term);
    mean_.push_back(mean);
    scale_.push_back(scale);
  }

  void gather() {
    const std::size_t tail = ranked_.count_beyond(fitted_tails * (1.0 - pilot_.run.confidence));
    double sum = 0.0;
    for (std::size_t i = 0; i < ranked_.order.size(); i += i < tail ? 1 : body_stride) {
      paths_.push_back(ranked_.order[i]);
      const double share = i < tail ? 1.0 : weight_of_body * static_cast<double>(body_stride);
      root_weight_.push_back(ranked_.weight[ranked_.order[i]] * share);
      sum += root_weight_.back();
    }
    for (double& w : root_weight_) { w = math::sqrt(w / sum); }
    double scale = 0.0;
    if (!centre([&](std::uint32_t path) { return loss_[path]; }, response_, loss_mean_, scale)) { return; }
    for (std::uint32_t i = 0; i < quadratic_.factors.size(); ++i) {
      const double* x = factor(i);
      add_term(i, [&](std::uint32_t path) { return x[path]; });
    }
    for (std::uint32_t i = 0; i < quadratic_.factors.size(); ++i) {
      const double* x = factor(i);
      for (std::uint32_t p = quadratic_.pair_offsets[i]; p < quadratic_.pair_offsets[i + 1]; ++p) {
        const double* y = factor(quadratic_.pair_other[p]);
        add_term(quadratic_.factors.size() + p, [&](std::uint32_t path) { return x[path] * y[path]; });
      }
    }
  }

  const PilotPaths& pilot_;
  AccountQuadratic& quadratic_;
  const double* loss_;
  const RankedLosses& ranked_;
  std::vector<std::uint32_t> paths_;       // that are fitted
  std::vector<double> root_weight_;        // [fitted path]
  std::vector<std::vector<double>> rows_;  // [term][fitted path]
  std::vector<std::size_t> term_;          // [term] slope, or number of slopes + pair
  std::vector<double> mean_, scale_;       // [term]
  std::vector<double> response_;           // [fitted path]
  double loss_mean_ = 0.0;
};

PilotFit fit_account(const PilotPaths& pilot, AccountQuadratic quadratic, const double* loss) {
  PilotFit out;
  Fit(pilot, quadratic, loss, RankedLosses(pilot, loss)).solve();
  std::vector<double> values(pilot.run.num_paths);
  for (std::uint64_t path = 0; path < values.size(); ++path) {
    values[path] = value_at(quadratic, [&](std::uint32_t f) { return pilot.factors[f * pilot.run.num_paths + path]; });
  }
  const RankedLosses ranked(pilot, values.data());
  for (const double part : threshold_parts) {
    out.thresholds.push_back(values[ranked.order[ranked.count_beyond(part * (1.0 - pilot.run.confidence))]]);
  }
  out.quadratic = std::move(quadratic);
  return out;
}

/// Loadings of the account's factors on normals in a class, one row per factor, only as many normals as needed: the
/// Cholesky factor of their covariance. A factor that follows from those before adds none.
SquareMatrix factor_loadings(const AccountQuadratic& quadratic, const PathClasses& classes, std::uint32_t c) {
  const SparseTable& table = classes.loading;
  const std::size_t n = quadratic.factors.size();
  SquareMatrix out(n);
  const auto covariance = [&](std::uint32_t f, std::uint32_t g) {
    double sum = 0.0;
    for (std::uint32_t e = table.offsets[f], h = table.offsets[g];
         e < table.offsets[f + 1] && h < table.offsets[g + 1];) {
      if (table.inputs[e] == table.inputs[h]) {
        sum += table.coefficients[e * classes.count + c] * table.coefficients[h * classes.count + c];
      }
      const bool behind = table.inputs[e] <= table.inputs[h], ahead = table.inputs[h] <= table.inputs[e];
      e += behind ? 1u : 0u;
      h += ahead ? 1u : 0u;
    }
    return sum;
  };
  for (std::size_t i = 0; i < n; ++i) {
    const double own = covariance(quadratic.factors[i], quadratic.factors[i]);
    for (std::size_t j = 0; j <= i; ++j) {
      double rest = j == i ? own : covariance(quadratic.factors[i], quadratic.factors[j]);
      for (std::size_t m = 0; m < j; ++m) { rest -= out(i, m) * out(j, m); }
      if (j == i) {
        out(i, i) = rest > 1e-12 * own ? math::sqrt(rest) : 0.0;
      } else {
        out(i, j) = out(j, j) > 0.0 ? rest / out(j, j) : 0.0;
      }
    }
  }
  return out;
}

}  // namespace

PilotPaths make_pilot(const PreparedRun& run, const HostLoops& loops) {
  PilotPaths out;
  out.run = run;
  out.run.accounts = {};
  out.run.accounts.offsets = {0};
  out.run.seed = run.seed ^ pilot_seed_bits;
  out.run.num_paths = std::clamp(run.num_paths / 4, min_pilot_paths, max_pilot_paths);
  out.run.points = {};  // the pilot need not be even
  out.run.path_weights = sample_weights(out.run.scenarios, out.run.points, out.run.seed, out.run.num_paths);
  const std::vector<std::uint32_t> rows = last_rows(out.run.scenarios);
  const HostScenarios scenarios(out.run, out.run.accounts, loops);
  out.factors.resize(rows.size() * out.run.num_paths);
  for_each_index(loops.threads, out.run.num_paths / tile_width, [&](std::uint64_t t) {
    const cpu::Tile tile = {t * tile_width, tile_width, tile_width};
    std::vector<float> obs;
    scenarios.simulate(tile, obs);
    for (std::size_t f = 0; f < rows.size(); ++f) {
      if (rows[f] == no_row) { continue; }
      for (std::uint32_t l = 0; l < tile_width; ++l) {
        out.factors[f * out.run.num_paths + tile.first_path + l] = double(obs[std::size_t{rows[f]} * tile_width + l]);
      }
    }
  });
  return out;
}

std::vector<PilotFit> fit_quadratics(const PilotPaths& pilot, const AccountPlan& accounts, const HostLoops& loops) {
  const std::uint64_t count = accounts.offsets.size() - 1, paths = pilot.run.num_paths;
  const HostScenarios scenarios(pilot.run, accounts, loops);
  std::vector<double> losses(count * paths);
  for_each_index(loops.threads, paths / tile_width, [&](std::uint64_t t) {
    const cpu::Tile tile = {t * tile_width, tile_width, tile_width};
    std::vector<float> obs;
    scenarios.simulate(tile, obs);
    scenarios.losses(tile, obs, losses.data() + tile.first_path, paths);
  });
  const std::vector<std::vector<std::uint32_t>> of_column = column_factors(pilot.run);
  std::vector<PilotFit> out(count);
  for_each_index(loops.threads, count, [&](std::uint64_t a) {
    out[a] = fit_account(pilot, choose_terms(pilot.run, of_column, accounts, a), losses.data() + a * paths);
  });
  return out;
}

QuadraticLaw quadratic_law(const AccountQuadratic& quadratic, const PathClasses& classes, std::uint32_t in_class) {
  const std::size_t n = quadratic.factors.size();
  const double* mean = classes.mean.data() + in_class * classes.num_factors();
  const SquareMatrix loadings = factor_loadings(quadratic, classes, in_class);
  // Around the mean of the class: slopes there, and curves times loadings, loadings' times that: [normal][normal].
  std::vector<double> slope = quadratic.slope;
  SquareMatrix half(n), in_normals(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::uint32_t p = quadratic.pair_offsets[i]; p < quadratic.pair_offsets[i + 1]; ++p) {
      const std::size_t j = quadratic.pair_other[p];
      slope[i] += quadratic.curve[p] * mean[quadratic.factors[j]];
      slope[j] += quadratic.curve[p] * mean[quadratic.factors[i]];
      for (std::size_t m = 0; m <= i; ++m) {
        half(i, m) += 0.5 * quadratic.curve[p] * loadings(j, m);
        half(j, m) += 0.5 * quadratic.curve[p] * loadings(i, m);
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t m = 0; m <= i; ++m) {
      for (std::size_t k = 0; k < n; ++k) { in_normals(m, k) += loadings(i, m) * half(i, k); }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t m = 0; m < i; ++m) {
      const double middle = 0.5 * (in_normals(i, m) + in_normals(m, i));
      in_normals(i, m) = middle;
      in_normals(m, i) = middle;
    }
  }
  const SymmetricEigen axes = symmetric_eigen(in_normals);
  QuadraticLaw law;
  law.constant = value_at(quadratic, [&](std::uint32_t f) { return mean[f]; });
  law.square = axes.values;
  std::vector<double> along(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t m = 0; m <= i; ++m) { along[m] += slope[i] * loadings(i, m); }
  }
  for (std::size_t k = 0; k < n; ++k) {
    double sum = 0.0;
    for (std::size_t m = 0; m < n; ++m) { sum += axes.vectors(k, m) * along[m]; }
    law.linear.push_back(sum);
  }
  return law;
}

}  // namespace tailmargin
