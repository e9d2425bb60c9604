// The reference backend: the definition of correct. Double precision, one thread, plain loops, textbook formulas
// from the C library; of the shared formulas it uses only the random integers. Slow on purpose.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "host/backends/run_control.hpp"
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

double normal_cdf_erfc(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

/// Undiscounted Black-76 in price units.
double black76(double sign, double forward, double strike, double total_vol) {
  if (total_vol <= 0.0) { return std::max(sign * (forward - strike), 0.0); }
  const double d1 = std::log(forward / strike) / total_vol + 0.5 * total_vol;
  const double d2 = d1 - total_vol;
  return sign * (forward * normal_cdf_erfc(sign * d1) - strike * normal_cdf_erfc(sign * d2));
}

double smile_total_vol(const math::SviSmile<double>& s, double k) {
  const double w = s.a + s.b * (s.rho * (k - s.m) + std::sqrt((k - s.m) * (k - s.m) + s.s * s.s));
  return std::sqrt(std::max(w, 1e-8));
}

/// Observations of one path.
std::vector<double> simulate_path(const PreparedRun& run, std::uint64_t path) {
  const ScenarioPlan& plan = run.scenarios;
  const std::size_t factors = plan.factors.size(), regimes = plan.num_regimes;
  std::vector<double> state(factors, 0.0), normal((factors + 3) / 4 * 4), observed;
  std::size_t regime = 0;
  for (std::uint32_t step = 0; step < plan.num_steps; ++step) {
    const math::PhiloxBlock chain =
        math::philox4x32_10(run.seed, math::rng_block(math::RngStream::regime, 0, step / 4), path);
    const std::uint32_t* bounds =
        step == 0 ? plan.start_bounds.data() : plan.transition_bounds.data() + regime * regimes;
    std::size_t next = 0;
    while (next + 1 < regimes && chain.word[step % 4] / 2 >= bounds[next]) { ++next; }
    regime = next;
    for (std::size_t j = 0; j < factors; j += 4) {
      const math::PhiloxBlock block = math::philox4x32_10(
          run.seed, math::rng_block(math::RngStream::factor_shock, step, static_cast<std::uint32_t>(j / 4)), path);
      for (std::size_t i = 0; i < 4; ++i) { normal[j + i] = normal_of_word(block.word[i]); }
    }
    for (std::size_t f = 0; f < factors; ++f) {
      double shock = plan.drift[f * regimes + regime];
      for (std::size_t j = 0; j <= f; ++j) {
        shock += plan.loading[(f * (f + 1) / 2 + j) * regimes + regime] * normal[j];
      }
      state[f] += shock;
    }
    for (const Observation& observation : plan.observations) {
      if (observation.step == step + 1) { observed.push_back(state[observation.factor]); }
    }
  }
  return observed;
}

/// Value of one option in coin (inverse) or settlement currency (linear) at a forward, smile moved by `vol`.
double option_price(const InstrumentTerms& t, double forward, double vol, double years) {
  const double k = std::log(t.strike / forward);
  const double total_vol =
      t.settled && years == 0.0
          ? 0.0
          : std::max((smile_total_vol(t.smile, k) + t.residual_total_vol) * vol * std::sqrt(years / t.years_now), 1e-4);
  const double value = black76(t.sign, forward, t.strike, total_vol);
  return t.payoff == Payoff::inverse ? value / forward : value;
}

/// P&L of one contract in USD, by definition: the change in settlement currency times that currency's price then.
double contract_pnl(const InstrumentTerms& t, const std::vector<double>& x) {
  const double index = t.index_now_usd * std::exp(x[t.index_row]);
  const double settlement = t.settlement_now_usd * std::exp(t.settlement_weight * x[t.settlement_row]);
  const double log_return =
      x[t.spot_row] + t.basis_weight * x[t.basis_row] + t.basis_roll - t.settlement_weight * x[t.quote_row];
  const double forward = t.price_now * std::exp(log_return);
  const double currency = t.payoff == Payoff::inverse ? index : settlement;
  if (t.kind == InstrumentKind::option) {
    const double before = option_price(t, t.price_now, 1.0, t.years_now);
    const double after = option_price(t, forward, std::exp(x[t.vol_row]), t.settled ? 0.0 : t.years_at_horizon);
    return t.contract_size * (after - before) * currency;
  }
  if (t.payoff == Payoff::inverse) { return t.contract_size * (1.0 / t.price_now - 1.0 / forward) * currency; }
  // Linear: the price change in the settlement currency, in USD.
  return t.contract_size * (forward - t.price_now) * currency;
}

/// VaR, ES and their standard errors from all losses of an account, by sorting.
class TailOracle {
 public:
  TailOracle(const PreparedRun& run) : run_(run), rule_(make_tail_rule(run)) {}

  TailFigures figures(const std::vector<double>& losses, std::vector<std::uint32_t>* tail_paths) const {
    std::vector<std::uint32_t> order(losses.size());
    std::iota(order.begin(), order.end(), 0u);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::uint32_t a, std::uint32_t b) { return losses[a] > losses[b]; });
    TailFigures out{};
    out.worst_path = order.front();
    out.worst_loss = losses[order.front()];
    out.tail_count = rank_position(order, rule_.tail_weight);
    out.var = losses[order[out.tail_count]];
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
    if (tail_paths != nullptr) { tail_paths->insert(tail_paths->end(), order.begin(), order.begin() + out.tail_count); }
    return out;
  }

 private:
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
        out.figures.push_back(oracle.figures(account, keep ? &out.tail_paths : nullptr));
        if (keep) { out.path_offsets.push_back(out.tail_paths.size()); }
      }
    }
    return out;
  }

 private:
  static std::vector<std::vector<double>> account_losses(const PreparedRun& run, const AccountPlan& accounts,
                                                         std::uint64_t first, std::uint64_t last,
                                                         const TailsRequest& request) {
    std::vector<std::vector<double>> losses(last - first, std::vector<double>(run.num_paths, 0.0));
    std::vector<double> pnl(run.columns.num_columns);
    for (std::uint64_t path = 0; path < run.num_paths; ++path) {
      check_stop(request);
      if (request.progress && path % 256 == 0) {
        request.progress(static_cast<double>(path) / static_cast<double>(run.num_paths));
      }
      const std::vector<double> x = simulate_path(run, path);
      for (const InstrumentTerms& terms : run.columns.terms) { pnl[terms.column] = contract_pnl(terms, x); }
      for (std::uint64_t account = first; account < last; ++account) {
        double total = 0.0;
        for (std::uint64_t p = accounts.offsets[account]; p < accounts.offsets[account + 1]; ++p) {
          total += accounts.quantities[p] * pnl[accounts.columns[p].column()];
        }
        losses[account - first][path] = -total;
      }
    }
    return losses;
  }
};

}  // namespace

std::unique_ptr<Backend> make_reference_backend() { return std::make_unique<ReferenceBackend>(); }

}  // namespace tailmargin
