// Step tables of the scenarios: factors, the regime chain, and the covariance factor of one step per regime.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "host/prepare/prepare_run.hpp"

namespace tailmargin {
namespace {

struct UnderlyingUse {
  bool options = false, carry = false, perpetual = false;
};

std::vector<UnderlyingUse> underlying_uses(const Book& book) {
  std::vector<UnderlyingUse> uses(book.underlyings.size());
  for (const Instrument& instrument : book.instruments) {
    UnderlyingUse& use = uses[instrument.underlying];
    use.options |= instrument.kind == InstrumentKind::option;
    use.carry |= instrument.kind == InstrumentKind::option || instrument.kind == InstrumentKind::future;
    use.perpetual |= instrument.kind == InstrumentKind::perpetual;
  }
  return uses;
}

/// Coins without options, dated contracts or perpetuals carry only the factors they need. What is listed
/// decides, not what is held, so that accounts can be split over runs without moving a draw.
std::vector<Factor> list_factors(const Book& book) {
  const std::vector<UnderlyingUse> uses = underlying_uses(book);
  std::vector<Factor> factors;
  for (UnderlyingId u = 0; u < uses.size(); ++u) {
    factors.push_back({u, FactorKind::price});
    if (uses[u].options) { factors.push_back({u, FactorKind::vol}); }
    if (uses[u].carry) { factors.push_back({u, FactorKind::carry}); }
    if (uses[u].perpetual) { factors.push_back({u, FactorKind::premium}); }
  }
  return factors;
}

bool matches(const std::string& pattern, const std::string& underlying, const Model& model) {
  if (pattern == "*" || pattern == underlying) { return true; }
  if (pattern.empty() || pattern.front() != '@') { return false; }
  for (const Group& group : model.groups) {
    if (group.name == pattern.substr(1)) {
      return std::find(group.underlyings.begin(), group.underlyings.end(), underlying) != group.underlyings.end();
    }
  }
  return false;
}

double factor_vol(const VolRule& rule, FactorKind kind) {
  switch (kind) {
    case FactorKind::price: return rule.price_vol;
    case FactorKind::vol: return rule.vol_of_vol;
    case FactorKind::carry: return rule.carry_vol;
    case FactorKind::premium: return rule.premium_vol;
  }
  return 0.0;
}

/// One regime's rules looked up for every underlying once: patterns are matched per underlying, not per pair.
class RegimeLookup {
 public:
  RegimeLookup(const Regime& regime, const Model& model, const Book& book) : regime_(regime) {
    for (auto& row : kinds_) { row.fill(0.0); }
    for (std::size_t kind = 0; kind < num_factor_kinds; ++kind) { kinds_[kind][kind] = 1.0; }
    for (const KindCorrelation& c : regime.kinds) {
      kinds_[std::size_t(c.a)][std::size_t(c.b)] = kinds_[std::size_t(c.b)][std::size_t(c.a)] = c.rho;
    }
    for (const Underlying& underlying : book.underlyings) {
      vols_.push_back(nullptr);
      for (const VolRule& rule : regime.vols) {
        if (matches(rule.match, underlying.name, model)) {
          vols_.back() = &rule;
          break;
        }
      }
      for (const UnderlyingCorrelation& c : regime.underlyings) {
        pair_a_.push_back(matches(c.a, underlying.name, model));
        pair_b_.push_back(matches(c.b, underlying.name, model));
      }
      for (const CorrelationRule& rule : regime.correlations) {
        rule_a_.push_back(matches(rule.a.underlying, underlying.name, model));
        rule_b_.push_back(matches(rule.b.underlying, underlying.name, model));
      }
    }
  }

  const VolRule* vols(UnderlyingId u) const { return vols_[u]; }

  double correlation(const Factor& f, const Factor& g) const {
    const std::size_t rules = regime_.correlations.size();
    for (std::size_t r = 0; r < rules; ++r) {
      const CorrelationRule& rule = regime_.correlations[r];
      const bool same = f.underlying == g.underlying;
      if (rule.same_underlying == SameUnderlying::yes && !same) { continue; }
      if (rule.same_underlying == SameUnderlying::no && same) { continue; }
      const auto pair = [&](const Factor& x, const Factor& y) {
        return rule.a.kind == x.kind && rule.b.kind == y.kind && rule_a_[x.underlying * rules + r] &&
               rule_b_[y.underlying * rules + r];
      };
      if (pair(f, g) || pair(g, f)) { return rule.rho; }
    }
    return kinds_[std::size_t(f.kind)][std::size_t(g.kind)] * underlying_correlation(f.underlying, g.underlying);
  }

 private:
  double underlying_correlation(UnderlyingId u, UnderlyingId v) const {
    if (u == v) { return 1.0; }
    const std::size_t rows = regime_.underlyings.size();
    for (std::size_t r = 0; r < rows; ++r) {
      if ((pair_a_[u * rows + r] && pair_b_[v * rows + r]) || (pair_a_[v * rows + r] && pair_b_[u * rows + r])) {
        return regime_.underlyings[r].rho;
      }
    }
    return 0.0;
  }

  const Regime& regime_;
  std::array<std::array<double, num_factor_kinds>, num_factor_kinds> kinds_;
  std::vector<const VolRule*> vols_;
  std::vector<bool> pair_a_, pair_b_;  // [underlying][row of regime.underlyings]
  std::vector<bool> rule_a_, rule_b_;  // [underlying][row of regime.correlations]
};

/// Smallest pivot a correlation matrix may have: below it the factor is a copy of others up to rounding.
constexpr double min_pivot = 1e-10;

/// Cholesky factor, packed lower, in place; plain loops in a fixed order. Returns the first factor without a
/// positive pivot, or the number of factors if all is well.
std::size_t cholesky(std::vector<double>& packed, std::size_t size) {
  for (std::size_t f = 0; f < size; ++f) {
    double* row = packed.data() + f * (f + 1) / 2;
    for (std::size_t j = 0; j < f; ++j) {
      const double* other = packed.data() + j * (j + 1) / 2;
      double sum = row[j];
      for (std::size_t i = 0; i < j; ++i) { sum = math::fma(-row[i], other[i], sum); }
      row[j] = sum / other[j];
    }
    double pivot = row[f];
    for (std::size_t i = 0; i < f; ++i) { pivot = math::fma(-row[i], row[i], pivot); }
    if (!(pivot > min_pivot)) { return f; }
    row[f] = math::sqrt(pivot);
  }
  return size;
}

std::string factor_name(const Book& book, const Factor& factor) {
  return book.underlyings[factor.underlying].name + "." + to_string(factor.kind);
}

/// Fills drift and loading of one regime.
void prepare_regime(const Book& book, const Model& model, std::size_t k, ScenarioPlan& plan, Diagnostics& diagnostics) {
  const Regime& regime = model.regimes[k];
  const RegimeLookup lookup(regime, model, book);
  const std::size_t size = plan.factors.size(), regimes = model.regimes.size();
  std::vector<double> chol(size * (size + 1) / 2);
  for (std::size_t f = 0; f < size; ++f) {
    for (std::size_t j = 0; j < f; ++j) {
      chol[f * (f + 1) / 2 + j] = lookup.correlation(plan.factors[f], plan.factors[j]);
    }
    chol[f * (f + 1) / 2 + f] = 1.0;
  }
  const std::size_t bad = cholesky(chol, size);
  if (bad < size) {
    diagnostics.error(model.file.empty() ? model.name : model.file, 0, "regime." + regime.name + ".correlations",
                      factor_name(book, plan.factors[bad]),
                      "the correlations are not positive definite (no joint law has them; the first factor that cannot "
                      "be met together with those before it is named). Bring its correlations nearer to zero or to "
                      "each other.");
    return;
  }
  for (std::size_t f = 0; f < size; ++f) {
    const VolRule* rule = lookup.vols(plan.factors[f].underlying);
    if (rule == nullptr) {
      diagnostics.error(model.file.empty() ? model.name : model.file, 0, "regime." + regime.name + ".vols",
                        book.underlyings[plan.factors[f].underlying].name,
                        "no vol rule matches this underlying (its risk would be zero). Add a row for it, or one with "
                        "match = \"*\".");
      continue;
    }
    const FactorKind kind = plan.factors[f].kind;
    const double vol = factor_vol(*rule, kind);
    const double step_vol = vol * math::sqrt(plan.step_years);
    if (!(step_vol * math::sqrt(static_cast<double>(plan.num_steps)) <= max_horizon_sd)) {
      diagnostics.error(
          model.file.empty() ? model.name : model.file, 0, "regime." + regime.name + ".vols",
          factor_name(book, plan.factors[f]),
          "the standard deviation over the horizon is above 2 (prices would move beyond e^20 and overflow). "
          "Lower the vol or shorten the horizon.");
    }
    // The vol level always keeps its mean; the price does unless the model says otherwise.
    const bool keeps_mean = kind == FactorKind::vol || (kind == FactorKind::price && model.drift == Drift::martingale);
    plan.drift[f * regimes + k] = keeps_mean ? -0.5 * step_vol * step_vol : 0.0;
    for (std::size_t j = 0; j <= f; ++j) {
      plan.loading[(f * (f + 1) / 2 + j) * regimes + k] = step_vol * chol[f * (f + 1) / 2 + j];
    }
  }
}

/// Cumulative probabilities as 31-bit bounds; the last one is never read.
void append_bounds(const std::vector<double>& probabilities, std::vector<std::uint32_t>& bounds) {
  double cumulative = 0.0;
  for (const double probability : probabilities) {
    cumulative += probability;
    bounds.push_back(static_cast<std::uint32_t>(std::min(cumulative, 1.0) * 2147483648.0));
  }
}

/// Solves pi (A - I) = 0, sum pi = 1 by Gaussian elimination with partial pivoting; empty if not unique.
std::vector<double> stationary_distribution(const std::vector<std::vector<double>>& transition) {
  const std::size_t n = transition.size();
  std::vector<std::vector<double>> m(n, std::vector<double>(n + 1, 0.0));
  for (std::size_t to = 0; to < n; ++to) {
    for (std::size_t from = 0; from < n; ++from) { m[to][from] = transition[from][to] - (to == from ? 1.0 : 0.0); }
  }
  for (std::size_t c = 0; c <= n; ++c) { m[n - 1][c] = 1.0; }
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t best = c;
    for (std::size_t r = c + 1; r < n; ++r) {
      if (std::fabs(m[r][c]) > std::fabs(m[best][c])) { best = r; }
    }
    if (!(std::fabs(m[best][c]) > 1e-12)) { return {}; }
    std::swap(m[c], m[best]);
    for (std::size_t r = 0; r < n; ++r) {
      if (r == c) { continue; }
      const double factor = m[r][c] / m[c][c];
      for (std::size_t i = c; i <= n; ++i) { m[r][i] = math::fma(-factor, m[c][i], m[r][i]); }
    }
  }
  std::vector<double> pi(n);
  for (std::size_t r = 0; r < n; ++r) { pi[r] = std::max(0.0, m[r][n] / m[r][r]); }
  return pi;
}

void prepare_chain(const Model& model, ScenarioPlan& plan, Diagnostics& diagnostics) {
  std::vector<double> start = model.start_probabilities;
  if (model.start == StartKind::stationary) {
    start = stationary_distribution(model.transition);
    if (start.empty()) {
      diagnostics.error(model.file.empty() ? model.name : model.file, 0, "chain.start", "stationary",
                        "the chain has no unique stationary distribution (some regimes cannot reach each other). Give "
                        "start as a list of probabilities.");
      return;
    }
  }
  append_bounds(start, plan.start_bounds);
  for (const std::vector<double>& row : model.transition) { append_bounds(row, plan.transition_bounds); }
}

}  // namespace

TimeGrid time_grid(const Model& model) {
  TimeGrid grid;
  grid.horizon_seconds = std::llround(model.horizon_hours * 3600.0);
  grid.step_seconds = std::llround(model.step_hours * 3600.0);
  grid.num_steps = static_cast<std::uint32_t>(grid.horizon_seconds / grid.step_seconds);
  return grid;
}

ScenarioPlan prepare_scenarios(const Book& book, const Model& model, Diagnostics& diagnostics) {
  ScenarioPlan plan;
  const TimeGrid grid = time_grid(model);
  plan.factors = list_factors(book);
  plan.num_steps = grid.num_steps;
  plan.num_regimes = static_cast<std::uint32_t>(model.regimes.size());
  plan.step_years = static_cast<double>(grid.step_seconds) / seconds_per_year;
  const std::size_t size = plan.factors.size();
  plan.drift.assign(size * plan.num_regimes, 0.0);
  plan.loading.assign(size * (size + 1) / 2 * plan.num_regimes, 0.0);
  prepare_chain(model, plan, diagnostics);
  for (std::size_t k = 0; k < plan.num_regimes; ++k) { prepare_regime(book, model, k, plan, diagnostics); }
  return plan;
}

}  // namespace tailmargin
