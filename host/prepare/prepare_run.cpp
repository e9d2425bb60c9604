#include "host/prepare/prepare_run.hpp"

#include <bit>

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

void write_terms(const InstrumentTerms& t, ByteWriter& out) {
  for (const std::uint64_t word :
       {std::uint64_t{t.column}, std::uint64_t(t.kind), std::uint64_t(t.payoff), std::uint64_t(t.settled),
        std::uint64_t{t.spot_row}, std::uint64_t{t.index_row}, std::uint64_t{t.basis_row}, std::uint64_t{t.quote_row},
        std::uint64_t{t.settlement_row}, std::uint64_t{t.vol_row}}) {
    out.add(word);
  }
  for (const double value :
       {t.contract_size, t.price_now, t.index_now_usd, t.settlement_now_usd, t.basis_weight, t.basis_roll,
        t.settlement_weight, t.strike, t.sign, t.years_now, t.years_at_horizon, t.residual_total_vol, t.smile.a,
        t.smile.b, t.smile.rho, t.smile.m, t.smile.s, t.model_value_now}) {
    out.add(value);
  }
}

}  // namespace

PreparedRun prepare_run(const Book& book, const Model& model, std::uint64_t num_paths, std::uint64_t seed) {
  Diagnostics diagnostics;
  PreparedRun run;
  run.seed = seed;
  run.num_paths = num_paths;
  run.confidence = model.confidence;
  run.scenarios = prepare_scenarios(book, model, diagnostics);
  if (!diagnostics.has_errors()) { run.columns = prepare_columns(book, model, run.scenarios, diagnostics); }
  if (diagnostics.has_errors()) { throw InputError(std::move(diagnostics)); }
  run.accounts = prepare_accounts(book, run.columns, diagnostics);
  if (diagnostics.has_errors()) { throw InputError(std::move(diagnostics)); }
  run.warnings = diagnostics.items();
  return run;
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
  out.add_all(s.drift);
  out.add_all(s.loading);
  for (const Observation& observation : s.observations) {
    out.add(std::uint64_t{observation.step});
    out.add(std::uint64_t{observation.factor});
  }
  for (const InstrumentTerms& terms : run.columns.terms) { write_terms(terms, out); }
  out.add_all(run.path_weights);
  return out.take();
}

}  // namespace tailmargin
