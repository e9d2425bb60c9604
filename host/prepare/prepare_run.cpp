#include "host/prepare/prepare_run.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <functional>

#include "host/prepare/closing.hpp"
#include "host/prepare/matching.hpp"
#include "host/prepare/narrow.hpp"
#include "host/prepare/scenario_laws.hpp"

namespace tailmargin {
namespace {

/// Appends numbers as little-endian 64-bit words, so the bytes do not depend on the machine.
class ByteWriter {
 public:
  void add(std::uint64_t word) {
    for (int shift = 0; shift < 64; shift += 8) { bytes_.push_back(static_cast<char>((word >> shift) & 0xffu)); }
  }
  void add(double value) { add(std::bit_cast<std::uint64_t>(value)); }
  template <class T>
  void add_all(const std::vector<T>& values) {
    add(static_cast<std::uint64_t>(values.size()));
    for (const T& value : values) {
      if constexpr (std::is_floating_point_v<T>) {
        add(static_cast<double>(value));
      } else {
        add(static_cast<std::uint64_t>(value));
      }
    }
  }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

void write_jumps(const ScenarioPlan& plan, ByteWriter& out) {
  for (const JumpPlan& process : plan.processes) {
    out.add(static_cast<std::uint64_t>(process.law));
    out.add(process.location);
    out.add(process.scale);
    out.add(process.max);
    out.add(std::uint64_t{process.last_effect});
    out.add(process.log_multiple);
  }
  out.add_all(plan.effect_factors);
  out.add_all(plan.effect_changes);
  out.add_all(plan.jump_counts);
  out.add_all(plan.jump_bounds);
  out.add_all(plan.excess_jumps);
}

void write_reading(const Reading& reading, ByteWriter& out) {
  out.add(std::uint64_t{reading.row});
  out.add(reading.weight);
}

void write_terms(const InstrumentTerms& t, ByteWriter& out) {
  for (const std::uint64_t word : {std::uint64_t{t.column}, std::uint64_t(t.kind), std::uint64_t(t.payoff),
                                   std::uint64_t(t.settled), std::uint64_t{t.fit}, std::uint64_t{t.smile}}) {
    out.add(word);
  }
  for (const Reading& reading :
       {t.index, t.settlement, t.spot, t.spot_before, t.quote, t.quote_before, t.basis, t.basis_slope, t.dislocation}) {
    write_reading(reading, out);
  }
  for (const double value :
       {t.contract_size, t.price_now, t.index_now_usd, t.settlement_now_usd, t.basis_roll, t.strike, t.sign,
        t.years_now, t.years_left, t.total_vol_now, t.residual, t.follow, t.model_value_now}) {
    out.add(value);
  }
  out.add(static_cast<std::uint64_t>(t.funding.size()));
  for (const FundingTerms& payment : t.funding) {
    out.add(payment.payments);
    out.add(payment.rate);
    out.add(payment.largest);
    write_reading(payment.premium, out);
    write_reading(payment.price, out);
  }
}

void write_smiles(const ColumnPlan& columns, ByteWriter& out) {
  for (const SmileFit& fit : columns.fits) {
    for (const double value : {fit.years, fit.smile.level, fit.smile.phi, fit.smile.rho}) { out.add(value); }
  }
  for (const SmileTerms& terms : columns.smiles) {
    out.add(std::uint64_t{terms.fit});
    out.add(std::uint64_t{terms.first});
    out.add(terms.years_left);
    for (const Reading& reading : {terms.vol, terms.term, terms.skew, terms.butterfly}) { write_reading(reading, out); }
  }
}

/// Fewest paths' worth that a tail may rest on unsaid.
constexpr double min_tail_paths = 50.0;

/// What a tail made of the heaviest paths is worth in paths of equal weight, (sum w)^2 / sum w^2: an account can have
/// no fewer, whichever paths are its worst.
double fewest_tail_paths(const PreparedRun& run) {
  const double beyond = 1.0 - run.confidence;
  if (run.path_weights.empty()) { return beyond * static_cast<double>(run.num_paths); }
  std::vector<std::uint32_t> heaviest = run.path_weights;
  std::sort(heaviest.begin(), heaviest.end(), std::greater<>());
  double total = 0.0;
  for (const std::uint32_t weight : heaviest) { total += weight; }
  const double tail = beyond * total;
  double sum = 0.0, squares = 0.0;
  for (std::size_t i = 0; i < heaviest.size() && sum < tail; ++i) {
    const double part = std::min<double>(heaviest[i], tail - sum);  // the path on the edge in part
    sum += part;
    squares += part * heaviest[i];
  }
  return sum * sum / squares;
}

void check_tail_paths(const PreparedRun& run, const Model& model, Diagnostics& diagnostics) {
  const double paths = fewest_tail_paths(run);
  if (paths >= min_tail_paths * (1.0 - 1e-9)) { return; }
  char text[64];
  std::snprintf(text, sizeof text, "%.3g", paths);
  const auto enough =
      static_cast<std::uint64_t>(std::ceil(min_tail_paths / paths * static_cast<double>(run.num_paths)));
  diagnostics.warning(
      model_source(model), 0, "paths", std::to_string(run.num_paths),
      std::string("a tail may rest on no more than ") + text +
          " paths' worth, (sum of weights)^2 / sum of their squares (margins are rough then, and so are their "
          "standard errors). Take " +
          std::to_string(enough) + " paths" +
          (run.path_weights.empty() ? "." : ", or lower sample_multiple: it makes paths without jumps heavy."));
}

}  // namespace

PreparedRun prepare_run(const Book& book, const Model& model, std::uint64_t num_paths, std::uint64_t seed,
                        Sampler sampler) {
  Diagnostics diagnostics;
  PreparedRun run;
  run.seed = seed;
  run.num_paths = num_paths;
  run.confidence = model.confidence;
  run.scenarios = prepare_scenarios(book, model, diagnostics);
  if (!diagnostics.has_errors()) { run.columns = prepare_columns(book, model, run.scenarios, diagnostics); }
  if (diagnostics.has_errors()) { throw InputError(std::move(diagnostics)); }
  run.points = prepare_points(run.scenarios, sampler, seed);
  run.path_weights = sample_weights(run.scenarios, run.points, seed, num_paths);
  check_tail_paths(run, model, diagnostics);
  run.accounts = prepare_accounts(book, run.columns, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(std::move(diagnostics)); }
  warn_of_slow_positions(book, model, run.columns, diagnostics);
  run.warnings = diagnostics.items();
  return run;
}

PreparedRun prepare_variant(const PreparedRun& run, const Book& book, const Model& model, std::uint64_t num_paths) {
  Diagnostics diagnostics;
  PreparedRun out = first_paths(run, num_paths);
  ScenarioPlan& plan = out.scenarios;
  plan.start_bounds.clear();
  plan.transition_bounds.clear();
  prepare_chain(model, plan, diagnostics);
  plan.shared = plan.shocks = SparseTable{};
  plan.num_draws = 0;
  plan.read_draws.reset();
  plan.repairs.clear();
  prepare_correlations(book, model, plan, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(std::move(diagnostics)); }
  if (plan.num_draws != run.scenarios.num_draws) { out.points = prepare_points(plan, run.points.sampler, run.seed); }
  const bool same_chain =
      plan.start_bounds == run.scenarios.start_bounds && plan.transition_bounds == run.scenarios.transition_bounds;
  if (!same_chain) { out.path_weights = sample_weights(plan, out.points, run.seed, num_paths); }
  if (plan.moved) { plan = narrow_scenarios(plan, *run.scenarios.moved); }
  return out;
}

PreparedRun first_paths(const PreparedRun& run, std::uint64_t num_paths) {
  PreparedRun out;
  out.seed = run.seed;
  out.num_paths = num_paths;
  out.confidence = run.confidence;
  out.scenarios = run.scenarios;
  out.points = run.points;
  out.path_weights = run.path_weights;
  if (!out.path_weights.empty()) { out.path_weights.resize(num_paths); }
  return out;
}

std::string serialise_tables(const PreparedRun& run) {
  ByteWriter out;
  const ScenarioPlan& s = run.scenarios;
  for (const std::uint64_t word : {run.seed, run.num_paths, std::uint64_t{s.num_steps}, std::uint64_t{s.num_regimes}}) {
    out.add(word);
  }
  out.add(run.confidence);
  out.add_all(s.start_bounds);
  out.add_all(s.transition_bounds);
  for (const SparseTable* table : {&s.shared, &s.shocks}) {
    out.add_all(table->offsets);
    out.add_all(table->inputs);
    out.add_all(table->coefficients);
  }
  out.add_all(s.keep);
  out.add_all(s.drift);
  out.add_all(s.scale_drift);
  out.add_all(s.tail_class);
  out.add_all(s.scale_pieces);
  out.add(std::uint64_t{s.steps_per_mixing});
  out.add(s.score_keep);
  write_jumps(s, out);
  for (const Observation& observation : s.observations) {
    out.add(std::uint64_t{observation.step});
    out.add(std::uint64_t{observation.factor});
  }
  for (const std::uint32_t step : run.columns.slice_step) { out.add(std::uint64_t{step}); }
  if (!run.columns.closing_step.empty()) {
    out.add_all(run.columns.closing_step);
    out.add_all(run.columns.closing_contracts);
  }
  for (const InstrumentTerms& terms : run.columns.terms) { write_terms(terms, out); }
  write_smiles(run.columns, out);
  out.add_all(run.path_weights);
  if (run.points.num_axes != 0) {
    out.add_all(run.points.directions);
    out.add_all(run.points.shifts);
    out.add_all(run.points.components);
  }
  return out.take();
}

}  // namespace tailmargin
