#include "host/bench/stage_work.hpp"

#include "host/backends/backend.hpp"
#include "host/backends/run_tables.hpp"

namespace tailmargin::bench {
namespace {

// Operations of the formulas in kernels/, counted in their sources: each arithmetic operation, fused multiply-add,
// comparison, selection, conversion and integer operation is one, divisions and roots too though they take several
// turns of their unit. What is the same for all paths is not counted.
constexpr double ops_of_exp = 16;
constexpr double ops_of_normal = 20 + 57;  // a fourth of a Philox block; inversion, both branches
constexpr double ops_of_factor = 5;        // tail scale, reversion, choice of regime
constexpr double ops_of_row = 7;           // linear combination and its limits, before its transform
constexpr double ops_of_smile = 151;       // three exponentials, the limits against arbitrage
constexpr double ops_of_option = 74;       // smile 12, Black-76 57, P&L 5
constexpr double ops_of_settled_option = 6, ops_of_product = 2, ops_of_payment = 2;

/// Of one path: the normals, one regime's rows, the factors. Regimes, jumps and tail scales are left out: a few words
/// per path and step.
double simulate_operations(const ScenarioPlan& plan) {
  const double draws = (plan.num_draws + 3) / 4 * 4;
  const double entries = static_cast<double>(plan.shared.inputs.size() + plan.shocks.inputs.size());
  const double factors = static_cast<double>(plan.factors.size());
  return plan.num_steps * (draws * ops_of_normal + entries + factors * ops_of_factor);
}

struct Revaluation {
  double values = 0.0, operations = 0.0;  ///< of one path
};

Revaluation revaluation(const PreparedRun& run) {
  const ColumnTables<float>& tables = run.columns.single;
  const std::vector<char> held = held_columns(run.accounts, run.columns);
  Revaluation out;
  for (const MarketRow<float>& row : tables.market_rows) {
    out.operations += ops_of_row + (row.transform == RowTransform::identity ? 0.0 : ops_of_exp);
  }
  out.operations += ops_of_smile * static_cast<double>(tables.smiles.size());
  for (const ProductColumn<float>& product : only_held(tables.products, held)) {
    out.operations += ops_of_product + ops_of_payment * product.num_payments;
    out.values += 1.0;
  }
  for (const OptionColumn<float>& option : only_held(tables.options, held)) {
    out.operations += option.settled != 0 ? ops_of_settled_option : ops_of_option;
    out.values += 1.0;
  }
  return out;
}

StageWork make_stage(const char* stage, const char* unit, double work, double per_unit, double unit_rate) {
  return {stage, unit, work, per_unit, per_unit > 0.0 ? unit_rate / per_unit : 0.0};
}

}  // namespace

std::array<StageWork, 4> stage_work(const PreparedRun& run, const Ceilings& ceilings) {
  const double paths = static_cast<double>(run.num_paths);
  const double factor_steps = static_cast<double>(run.scenarios.factors.size()) * run.scenarios.num_steps;
  const Revaluation values = revaluation(run);
  const double exposures = static_cast<double>(run.accounts.columns.size()) * run.columns.num_slices;
  const double accounts = static_cast<double>(run.accounts.num_positions.size());
  return {make_stage("simulate", "factor-steps/s", paths * factor_steps,
                     factor_steps > 0.0 ? simulate_operations(run.scenarios) / factor_steps : 0.0, ceilings.operations),
          make_stage("revalue", "values/s", paths * values.values,
                     values.values > 0.0 ? values.operations / values.values : 0.0, ceilings.operations),
          make_stage("pnl", "position-paths/s", paths * exposures, 1.0, ceilings.tile_words),
          make_stage("tail", "losses/s", accounts * make_tail_rule(run).num_tail, 2.0, ceilings.tail_words)};
}

}  // namespace tailmargin::bench
