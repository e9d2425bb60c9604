// The reference backend: the definition of correct. Double precision, one thread, plain loops, textbook formulas
// from the C library; of the shared formulas it uses only the random integers. Slow on purpose.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "host/backends/run_control.hpp"
#include "host/reference/reference_prices.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

/// Normal quantile. Wichura, "Algorithm AS 241" (1988), PPND16.
double normal_quantile(double p) {
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q *
           (((((((2509.0809287301226727 * r + 33430.575583588128105) * r + 67265.770927008700853) * r +
                45921.953931549871457) *
                   r +
               13731.693765509461125) *
                  r +
              1971.5909503065514427) *
                 r +
             133.14166789178437745) *
                r +
            3.387132872796366608) /
           (((((((5226.495278852545925 * r + 28729.085735721942674) * r + 39307.89580009271061) * r +
                21213.794301586595867) *
                   r +
               5394.1960214247511077) *
                  r +
              687.1870074920579083) *
                 r +
             42.313330701600911252) *
                r +
            1.0);
  }
  double r = std::sqrt(-std::log(q < 0.0 ? p : 1.0 - p));
  double x;
  if (r <= 5.0) {
    r -= 1.6;
    x = (((((((7.7454501427834140764e-4 * r + 0.0227238449892691845833) * r + 0.24178072517745061177) * r +
             1.27045825245236838258) *
                r +
            3.64784832476320460504) *
               r +
           5.7694972214606914055) *
              r +
          4.6303378461565452959) *
             r +
         1.42343711074968357734) /
        (((((((1.05075007164441684324e-9 * r + 5.475938084995344946e-4) * r + 0.0151986665636164571966) * r +
             0.14810397642748007459) *
                r +
            0.68976733498510000455) *
               r +
           1.6763848301838038494) *
              r +
          2.05319162663775882187) *
             r +
         1.0);
  } else {
    r -= 5.0;
    x = (((((((2.01033439929228813265e-7 * r + 2.71155556874348757815e-5) * r + 0.0012426609473880784386) * r +
             0.026532189526576123093) *
                r +
            0.29656057182850489123) *
               r +
           1.7848265399172913358) *
              r +
          5.4637849111641143699) *
             r +
         6.6579046435011037772) /
        (((((((2.04426310338993978564e-15 * r + 1.4215117583164458887e-7) * r + 1.8463183175100546818e-5) * r +
             7.868691311456132591e-4) *
                r +
            0.0148753612908506148525) *
               r +
           0.13692988092273580531) *
              r +
          0.59983220655588793769) *
             r +
         1.0);
  }
  return q < 0.0 ? -x : x;
}

/// The normal of a random word: inversion at the middle of its 2^-32 wide cell.
double normal_of_word(std::uint32_t word) { return normal_quantile((static_cast<double>(word) + 0.5) / 4294967296.0); }

/// One path, step by step, as docs/methodology.md section 2 has it.
class PathSimulation {
 public:
  PathSimulation(const PreparedRun& run, std::uint64_t path)
      : run_(run), plan_(run.scenarios), points_(run.points), path_(path), state_(plan_.factors.size(), 0.0) {
    if (points_.num_axes == 0) { return; }
    chain_ = uniform(point_word(PointAxis::chain));
    counts_ = uniform(point_word(PointAxis::jump_count));
    if (points_.num_sums != 0) { set_sums(); }
  }

  /// The observations of the path.
  std::vector<double> observe() {
    std::vector<double> observed;
    for (std::uint32_t step = 0; step < plan_.num_steps; ++step) {
      choose_regime(step);
      if (step % plan_.steps_per_mixing == 0) { choose_scales(step / plan_.steps_per_mixing); }
      diffuse(step);
      jump(step);
      for (const Observation& observation : plan_.observations) {
        if (observation.step == step + 1) { observed.push_back(state_[observation.factor]); }
      }
    }
    return observed;
  }

 private:
  math::PhiloxBlock words(math::RngStream stream, std::uint32_t step, std::size_t index) const {
    return math::philox4x32_10(run_.seed, math::rng_block(stream, step, static_cast<std::uint32_t>(index)), path_);
  }

  static std::size_t count_below(const std::uint32_t* bounds, std::size_t num_bounds, std::uint32_t word) {
    std::size_t count = 0;
    while (count < num_bounds && word / 2 >= bounds[count]) { ++count; }
    return count;
  }

  /// A coordinate of the path's point: the directions of the bits of its number, and its replicate's shift.
  std::uint32_t point_word(PointAxis axis) const {
    const auto a = static_cast<std::size_t>(axis);
    std::uint32_t word = points_.shifts[a * points_.num_replicates() + path_ % points_.num_replicates()];
    for (std::uint64_t number = path_ / points_.num_replicates(), bit = 0; number >> bit != 0; ++bit) {
      if ((number >> bit) % 2 == 1) { word ^= points_.directions[a * 32 + bit]; }
    }
    return word;
  }

  static double uniform(std::uint32_t word) { return (word + 0.5) / 4294967296.0; }

  /// Chooses by cumulative probabilities (times 2^31); the number then says where between them it fell.
  static std::size_t split(const std::uint32_t* bounds, std::size_t num_bounds, double& number) {
    std::size_t count = 0;
    while (count < num_bounds && number * 2147483648.0 >= bounds[count]) { ++count; }
    const double low = count == 0 ? 0.0 : bounds[count - 1];
    const double high = count == num_bounds ? 2147483648.0 : bounds[count];
    number = std::min((number * 2147483648.0 - low) / (high - low), std::nextafter(1.0, 0.0));
    return count;
  }

  void choose_regime(std::uint32_t step) {
    const std::uint32_t* bounds =
        step == 0 ? plan_.start_bounds.data() : plan_.transition_bounds.data() + regime_ * plan_.num_regimes;
    if (points_.num_axes != 0) {
      regime_ = split(bounds, plan_.num_regimes - 1, chain_);
      return;
    }
    const std::uint32_t word = words(math::RngStream::regime, 0, step / 4).word[step % 4];
    regime_ = count_below(bounds, plan_.num_regimes - 1, word);
  }

  /// The tail scale of each class: a cubic of the day's score in the piece it falls in.
  void choose_scales(std::uint32_t day) {
    if (plan_.num_classes == 0) { return; }
    const bool of_point = day == 0 && points_.num_axes != 0;
    const double fresh = normal_of_word(of_point ? point_word(PointAxis::tail_score)
                                                 : words(math::RngStream::mixing, 0, day / 4).word[day % 4]);
    const double keep = plan_.score_keep;
    score_ = day == 0 ? fresh : keep * score_ + std::sqrt(1.0 - keep * keep) * fresh;
    const double last = ScaleTable::num_pieces;
    const double position = std::clamp(
        (score_ - static_cast<double>(ScaleTable::low)) * static_cast<double>(ScaleTable::pieces_per_unit), 0.0, last);
    const double piece = std::min(std::floor(position), last - 1.0);
    scale_.clear();
    for (std::uint32_t c = 0; c < plan_.num_classes; ++c) {
      const double* a = plan_.scale_pieces.data() + (c * ScaleTable::num_pieces + static_cast<std::size_t>(piece)) * 4;
      const double t = position - piece;
      scale_.push_back(a[0] + a[1] * t + a[2] * t * t + a[3] * t * t * t);
    }
  }

  std::vector<double> multiply(const SparseTable& table, const std::vector<double>& input) const {
    std::vector<double> out;
    for (std::size_t row = 0; row + 1 < table.offsets.size(); ++row) {
      double sum = 0.0;
      for (std::uint32_t e = table.offsets[row]; e < table.offsets[row + 1]; ++e) {
        sum += table.coefficients[e * plan_.num_regimes + regime_] * input[table.inputs[e]];
      }
      out.push_back(sum);
    }
    return out;
  }

  void diffuse(std::uint32_t step) {
    std::vector<double> normals(plan_.num_draws);
    for (std::size_t j = 0; j < normals.size(); ++j) {
      normals[j] = normal_of_word(words(math::RngStream::factor_shock, step, j / 4).word[j % 4]);
    }
    fit_bridges(plan_.num_steps - step, normals);
    const std::vector<double> shocks = multiply(plan_.shocks, multiply(plan_.shared, normals));
    for (std::size_t f = 0; f < state_.size(); ++f) {
      const std::size_t at = f * plan_.num_regimes + regime_;
      const double scale = plan_.tail_class[at] == 0 ? 1.0 : scale_[plan_.tail_class[at] - 1];
      state_[f] =
          plan_.keep[f] * state_[f] + plan_.drift[at] + scale * scale * plan_.scale_drift[at] + scale * shocks[f];
    }
  }

  /// Sums of the draws over the horizon: independent normals, moved along each component to where the point has
  /// it.
  void set_sums() {
    for (std::size_t j = 0; j < plan_.num_draws; ++j) {
      missing_.push_back(normal_of_word(words(math::RngStream::horizon_sum, 0, j / 4).word[j % 4]));
    }
    for (std::uint32_t i = 0; i < points_.num_sums; ++i) {
      const double* component = points_.components.data() + std::size_t{i} * plan_.num_draws;
      const auto axis = static_cast<PointAxis>(static_cast<std::uint32_t>(PointAxis::first_sum) + i);
      const double wanted = normal_of_word(point_word(axis));
      const double found = std::inner_product(missing_.begin(), missing_.end(), component, 0.0);
      for (std::size_t j = 0; j < plan_.num_draws; ++j) { missing_[j] += (wanted - found) * component[j]; }
    }
    for (double& sum : missing_) { sum *= std::sqrt(double(plan_.num_steps)); }
  }

  /// The next of n standard normals whose sum is known: normal with mean sum / n and variance 1 - 1 / n.
  void fit_bridges(std::uint32_t steps_left, std::vector<double>& normals) {
    for (std::size_t j = 0; j < missing_.size(); ++j) {
      normals[j] = missing_[j] / steps_left + std::sqrt(1.0 - 1.0 / steps_left) * normals[j];
      missing_[j] -= normals[j];
    }
  }

  std::size_t count_jumps(std::uint32_t step) {
    const std::uint32_t* bounds = plan_.jump_counts.data() + regime_ * max_jumps_per_step;
    if (points_.num_axes != 0) { return split(bounds, max_jumps_per_step, counts_); }
    return count_below(bounds, max_jumps_per_step, words(math::RngStream::jump_count, 0, step / 4).word[step % 4]);
  }

  /// Process and size of a jump: two words, or for the first one of the path two coordinates.
  std::pair<std::size_t, std::uint32_t> choose_jump(std::uint32_t step, std::size_t n) const {
    math::PhiloxBlock drawn = words(math::RngStream::jump, step, n);
    if (points_.num_axes != 0 && jumped_ == 0) {
      drawn.word[0] = point_word(PointAxis::jump_process);
      drawn.word[1] = point_word(PointAxis::jump_size);
    }
    const std::uint32_t* bounds = plan_.jump_bounds.data() + regime_ * plan_.processes.size();
    return {count_below(bounds, plan_.processes.size() - 1, drawn.word[0]), drawn.word[1]};
  }

  void jump(std::uint32_t step) {
    if (plan_.processes.empty()) { return; }
    const std::size_t count = count_jumps(step);
    for (std::size_t n = 0; n < count; ++n, ++jumped_) {
      const auto [process, size_word] = choose_jump(step, n);
      const JumpPlan& plan = plan_.processes[process];
      const double size = jump_size_of_word(plan, size_word);
      for (std::uint32_t e = plan.first_effect; e < plan.last_effect; ++e) {
        state_[plan_.effect_factors[e]] += plan_.effect_changes[e] * size;
      }
    }
  }

  static double jump_size_of_word(const JumpPlan& plan, std::uint32_t word) {
    double size = plan.location;
    if (plan.law == JumpLaw::normal) { size += plan.scale * normal_of_word(word); }
    if (plan.law == JumpLaw::lognormal) { size *= std::exp(plan.scale * normal_of_word(word)); }
    if (plan.law == JumpLaw::exponential) { size *= -std::log((std::floor(word / 256.0) + 0.5) / 16777216.0); }
    return std::clamp(size, -plan.max, plan.max);
  }

  const PreparedRun& run_;
  const ScenarioPlan& plan_;
  const PointPlan& points_;
  std::uint64_t path_;
  std::vector<double> state_, scale_;
  std::vector<double> missing_;  // [draw] what its sum over the horizon still lacks, if points say it
  std::size_t regime_ = 0;
  double score_ = 0.0, chain_ = 0.0, counts_ = 0.0;
  std::size_t jumped_ = 0;
};

/// VaR, ES and their standard errors from all losses of an account, by sorting.
class TailOracle {
 public:
  TailOracle(const PreparedRun& run) : run_(run), rule_(make_tail_rule(run)) {}

  /// @param tails  the account's tail paths and losses are added to; null: to none
  TailFigures figures(const std::vector<double>& losses, Tails* tails) const {
    std::vector<std::uint32_t> order(losses.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return losses[a] > losses[b]; });
    TailFigures out{};
    out.worst_path = order.front();
    out.worst_loss = losses[order.front()];
    out.tail_count = rank_position(order, rule_.tail_weight);
    out.var_path = order[out.tail_count];
    out.var = losses[out.var_path];
    out.var_standard_error =
        0.5 * (losses[order[rank_position(order, std::max(rule_.tail_weight - rule_.rank_spread, 0.0))]] -
               losses[order[rank_position(order, rule_.tail_weight + rule_.rank_spread)]]);
    double excess = 0.0;
    for (std::uint32_t p = 0; p < losses.size(); ++p) { excess += weight(p) * std::max(losses[p] - out.var, 0.0); }
    out.es = out.var + excess / rule_.tail_weight;
    double squares = 0.0;
    for (std::uint32_t p = 0; p < losses.size(); ++p) {
      const double influence = out.var + std::max(losses[p] - out.var, 0.0) / (1.0 - run_.confidence) - out.es;
      squares += std::pow(weight(p) * influence, 2);
    }
    out.es_standard_error = std::sqrt(squares) / rule_.weight_sum;
    if (rule_.num_replicates != 0) { set_errors_of_replicates(losses, order, out); }
    if (rule_.fit_weight > 0.0) { out.fit = fit(losses, order); }
    if (rule_.stressed_weight > 0.0) {
      const double quantile = losses[order[rank_position(order, rule_.stressed_weight)]];
      double beyond = 0.0;
      for (std::uint32_t p = 0; p < losses.size(); ++p) { beyond += weight(p) * std::max(losses[p] - quantile, 0.0); }
      out.stressed_es = quantile + beyond / rule_.stressed_weight;
    }
    for (std::uint32_t i = 0; tails != nullptr && i < out.tail_count; ++i) {
      tails->tail_paths.push_back(order[i]);
      tails->tail_losses.push_back(losses[order[i]]);
    }
    return out;
  }

  /// ES split by regime: what each path of the tail weighs in it, times its loss, by the share of its steps.
  std::vector<double> split_by_regime(const std::vector<double>& losses, const TailFigures& figures) const {
    const std::size_t regimes = run_.scenarios.num_regimes;
    std::vector<double> out(regimes, 0.0);
    double part_left = 1.0;
    const auto add = [&](std::uint32_t path, double part) {
      for (std::size_t k = 0; k < regimes; ++k) {
        out[k] += part * losses[path] * run_.regime_steps[path * regimes + k] / run_.scenarios.num_steps;
      }
      part_left -= part;
    };
    for (std::uint32_t p = 0; p < losses.size(); ++p) {
      const bool beyond = losses[p] > figures.var || (losses[p] == figures.var && p < figures.var_path);
      if (beyond) { add(p, weight(p) / rule_.tail_weight); }
    }
    add(figures.var_path, part_left);
    return out;
  }

 private:
  /// Standard errors from what each replicate says of the quantile and of ES: their sums are independent.
  void set_errors_of_replicates(const std::vector<double>& losses, const std::vector<std::uint32_t>& order,
                                TailFigures& out) const {
    const double alpha = 1.0 - run_.confidence;
    std::vector<double> beyond(rule_.num_replicates, 0.0), influence(rule_.num_replicates, 0.0);
    for (std::uint32_t p = 0; p < losses.size(); ++p) {
      const std::size_t r = p % rule_.num_replicates;
      beyond[r] -= weight(p) * alpha;
      influence[r] += weight(p) * (out.var + std::max(losses[p] - out.var, 0.0) / alpha - out.es);
    }
    for (std::uint32_t i = 0; i < out.tail_count; ++i) { beyond[order[i] % rule_.num_replicates] += weight(order[i]); }
    const auto deviation_of_sum = [](const std::vector<double>& sums) {
      const double n = static_cast<double>(sums.size());
      const double mean = std::accumulate(sums.begin(), sums.end(), 0.0) / n;
      double squares = 0.0;
      for (const double s : sums) { squares += (s - mean) * (s - mean); }
      return std::sqrt(squares * n / (n - 1.0));
    };
    out.es_standard_error = deviation_of_sum(influence) / rule_.weight_sum;
    out.var_standard_error *= deviation_of_sum(beyond) / rule_.rank_spread;
  }

  /// Probability-weighted moments of the losses beyond the fit's threshold.
  TailFit fit(const std::vector<double>& losses, const std::vector<std::uint32_t>& order) const {
    const std::uint32_t beyond = rank_position(order, rule_.fit_weight);
    const double u = losses[order[beyond]];
    double all = 0.0;
    for (std::uint32_t i = 0; i < beyond; ++i) { all += weight(order[i]); }
    double a0 = 0.0, a1 = 0.0, before = 0.0;
    for (std::uint32_t i = 0; i < beyond; ++i) {
      const double share = weight(order[i]) / all;
      a0 += share * (losses[order[i]] - u);
      a1 += share * (losses[order[i]] - u) * (before + share / 2.0);
      before += share;
    }
    if (!(a0 > 0.0)) { return {u, 0.0, 0.0, u}; }
    const double shape = 2.0 - a0 / (a0 - 2.0 * a1), scale = 2.0 * a0 * a1 / (a0 - 2.0 * a1);
    const double ratio = all / rule_.tail_weight;
    const double var =
        u + (std::fabs(shape) < 1e-9 ? scale * std::log(ratio) : scale / shape * (std::pow(ratio, shape) - 1.0));
    return {u, shape, scale, (var + scale - shape * u) / (1.0 - shape)};
  }

  double weight(std::uint32_t path) const { return run_.path_weights.empty() ? 1.0 : run_.path_weights[path]; }

  /// Position in the order at which the accumulated weight first exceeds `rank`; the last one if it never does.
  std::uint32_t rank_position(const std::vector<std::uint32_t>& order, double rank) const {
    double cumulative = 0.0;
    for (std::uint32_t i = 0; i < order.size(); ++i) {
      cumulative += weight(order[i]);
      if (cumulative > rank) { return i; }
    }
    return static_cast<std::uint32_t>(order.size() - 1);
  }

  const PreparedRun& run_;
  TailRule rule_;
};

class ReferenceBackend final : public Backend {
 public:
  std::string name() const override { return "reference"; }
  std::string device() const override { return "one thread, double precision"; }

  Tails tails(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request) override {
    const TailOracle oracle(run);
    const std::uint64_t count = accounts.offsets.size() - 1;
    const std::uint64_t batch = std::max<std::uint64_t>(1, (std::uint64_t{1} << 26) / run.num_paths);
    const bool keep = request.keep_paths == KeepTailPaths::yes;
    Tails out;
    if (keep) { out.path_offsets.push_back(0); }
    for (std::uint64_t first = 0; first < count; first += batch) {
      const std::uint64_t last = std::min(first + batch, count);
      const std::vector<std::vector<double>> losses = account_losses(run, accounts, first, last, request);
      for (const std::vector<double>& account : losses) {
        out.figures.push_back(oracle.figures(account, keep ? &out : nullptr));
        if (keep) { out.path_offsets.push_back(out.tail_paths.size()); }
        if (run.regime_steps.empty()) { continue; }
        const std::vector<double> split = oracle.split_by_regime(account, out.figures.back());
        out.regime_es.insert(out.regime_es.end(), split.begin(), split.end());
      }
    }
    return out;
  }

  Shortfalls shortfalls(const PreparedRun& run, const AccountPlan& accounts,
                        const ShortfallsRequest& request) override {
    Shortfalls out;
    out.paths.resize(run.num_paths);
    out.accounts.resize(accounts.offsets.size() - 1);
    const std::uint64_t words = request.keep_paths == KeepShortPaths::yes ? path_words(run.num_paths) : 0;
    out.short_paths.resize(out.accounts.size() * words);
    const ReferencePrices prices(run.columns);
    for (std::uint64_t path = 0; path < run.num_paths; ++path) {
      check_stop(request);
      const std::uint32_t weight = request.weights == nullptr ? 1 : (*request.weights)[path];
      if (weight == 0) { continue; }
      const std::vector<double> pnl = prices.pnl(PathSimulation(run, path).observe());
      std::vector<std::int64_t> lacking(2, 0);  // at least two, for the largest two
      for (std::uint64_t account = 0; account < out.accounts.size(); ++account) {
        const double loss = account_loss(run.columns, accounts, account, pnl);
        const std::int64_t cents = std::llround(100.0 * std::max(loss - accounts.equity_usd[account], 0.0));
        if (cents == 0) { continue; }
        lacking.push_back(cents);
        out.accounts[account].add(weight, cents);
        if (words != 0) { out.short_paths[account * words + path / 64] |= std::uint64_t{1} << path % 64; }
      }
      std::sort(lacking.begin(), lacking.end(), std::greater<>());
      out.paths[path] = {std::accumulate(lacking.begin(), lacking.end(), std::int64_t{0}), lacking[0], lacking[1]};
    }
    return out;
  }

 private:
  static std::vector<std::vector<double>> account_losses(const PreparedRun& run, const AccountPlan& accounts,
                                                         std::uint64_t first, std::uint64_t last,
                                                         const TailsRequest& request) {
    std::vector<std::vector<double>> losses(last - first, std::vector<double>(run.num_paths, 0.0));
    const ReferencePrices prices(run.columns);
    for (std::uint64_t path = 0; path < run.num_paths; ++path) {
      check_stop(request);
      if (request.progress && path % 256 == 0) {
        request.progress(static_cast<double>(path) / static_cast<double>(run.num_paths));
      }
      const std::vector<double> pnl = prices.pnl(PathSimulation(run, path).observe());
      for (std::uint64_t account = first; account < last; ++account) {
        losses[account - first][path] = account_loss(run.columns, accounts, account, pnl);
      }
    }
    return losses;
  }

  /// The highest over the read times of the path.
  static double account_loss(const ColumnPlan& columns, const AccountPlan& accounts, std::uint64_t account,
                             const std::vector<double>& pnl) {
    double worst = -std::numeric_limits<double>::infinity();
    for (std::uint32_t slice = 0; slice < columns.num_slices; ++slice) {
      double total = 0.0;
      for (std::uint64_t p = accounts.offsets[account]; p < accounts.offsets[account + 1]; ++p) {
        total += accounts.quantities[p] * pnl[slice * columns.num_columns + accounts.columns[p].column()];
      }
      worst = std::max(worst, -total);
    }
    return worst;
  }
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend() { return std::make_unique<ReferenceBackend>(); }

}  // namespace tailmargin
