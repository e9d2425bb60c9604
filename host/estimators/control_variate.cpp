#include "host/estimators/control_variate.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include "host/backends/backend.hpp"
#include "host/estimators/account_quadratics.hpp"
#include "host/prepare/prepare_run.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

constexpr std::uint32_t tile_width = 4 * cpu::lanes;
constexpr std::uint64_t sample_bytes_budget = std::uint64_t{512} << 20;

/// Paths of a tile in order of class, and where each class begins.
struct TileOrder {
  std::vector<std::uint32_t> lane;     // [sorted] lane it stands for
  std::vector<std::uint32_t> offsets;  // [class + 1]
};

TileOrder order_by_class(const PathClasses& classes, const cpu::Tile& tile) {
  TileOrder out;
  out.offsets.assign(classes.count + 1, 0);
  for (std::uint32_t l = 0; l < tile.valid; ++l) { ++out.offsets[classes.of_path[tile.first_path + l] + 1u]; }
  std::partial_sum(out.offsets.begin(), out.offsets.end(), out.offsets.begin());
  std::vector<std::uint32_t> next(out.offsets.begin(), out.offsets.end() - 1);
  out.lane.resize(tile.valid);
  for (std::uint32_t l = 0; l < tile.valid; ++l) { out.lane[next[classes.of_path[tile.first_path + l]]++] = l; }
  return out;
}

/// Factors by their class's means and loadings on the driving normals: [factor][sorted].
std::vector<double> drive_factors(const HostScenarios& scenarios, const PathClasses& classes, const cpu::Tile& tile,
                                  const TileOrder& order) {
  const ScenarioPlan& plan = scenarios.run().scenarios;
  const std::size_t rows = std::size_t{plan.num_regimes} * (plan.num_classes + 1);
  std::vector<float> variance(tile.width), share(plan.num_regimes * tile.width), loading(rows * tile.width),
      jumps(tile.width), sums(std::size_t{scenarios.num_draws()} * tile.width);
  scenarios.drive(tile, {variance.data(), share.data(), loading.data(), jumps.data(), sums.data(), tile.width});
  std::vector<double> sorted(std::size_t{plan.num_draws} * tile.width);
  for (std::size_t j = 0; j < plan.num_draws; ++j) {
    for (std::size_t i = 0; i < order.lane.size(); ++i) {
      sorted[j * tile.width + i] = double(sums[j * tile.width + order.lane[i]]);
    }
  }
  const SparseTable& table = classes.loading;
  std::vector<double> out(plan.factors.size() * tile.width, 0.0);
  for (std::size_t f = 0; f < plan.factors.size(); ++f) {
    double* x = out.data() + f * tile.width;
    for (std::uint32_t c = 0; c < classes.count; ++c) {
      const double mean = classes.mean[c * classes.num_factors() + f];
      for (std::uint32_t i = order.offsets[c]; i < order.offsets[c + 1]; ++i) { x[i] = mean; }
    }
    for (std::uint32_t e = table.offsets[f]; e < table.offsets[f + 1]; ++e) {
      const double* y = sorted.data() + std::size_t{table.inputs[e]} * tile.width;
      for (std::uint32_t c = 0; c < classes.count; ++c) {
        const double loading_of = table.coefficients[e * classes.count + c];
        for (std::uint32_t i = order.offsets[c]; i < order.offsets[c + 1]; ++i) { x[i] += loading_of * y[i]; }
      }
    }
  }
  return out;
}

/// An account's quadratic on the paths of a tile.
void evaluate(const AccountQuadratic& quadratic, const TileOrder& order, const std::vector<double>& factors,
              double* out) {
  double sum[tile_width], part[tile_width];
  for (double& s : sum) { s = quadratic.constant; }
  for (std::size_t f = 0; f < quadratic.factors.size(); ++f) {
    for (double& p : part) { p = quadratic.slope[f]; }
    for (std::uint32_t p = quadratic.pair_offsets[f]; p < quadratic.pair_offsets[f + 1]; ++p) {
      const double* y = factors.data() + std::size_t{quadratic.factors[quadratic.pair_other[p]]} * tile_width;
      const double curve = quadratic.curve[p];
      for (std::uint32_t i = 0; i < tile_width; ++i) { part[i] += curve * y[i]; }
    }
    const double* x = factors.data() + std::size_t{quadratic.factors[f]} * tile_width;
    for (std::uint32_t i = 0; i < tile_width; ++i) { sum[i] += part[i] * x[i]; }
  }
  for (std::size_t i = 0; i < order.lane.size(); ++i) { out[order.lane[i]] = sum[i]; }
}

class ControlPass {
 public:
  ControlPass(const PreparedRun& run, const ControlVariateOptions& options)
      : run_(run), options_(options), rule_(make_tail_rule(run)) {}

  std::vector<ControlledFigures> compute() {
    const std::uint64_t count = run_.accounts.offsets.size() - 1;
    if (count == 0) { return {}; }
    const PathClasses classes = classify_paths(HostScenarios(run_, run_.accounts, options_.loops));
    const PilotPaths pilot = make_pilot(run_, options_.loops);
    const std::uint64_t fitting =
        std::max<std::uint64_t>(1, sample_bytes_budget / (2 * sizeof(double) * run_.num_paths));
    const std::uint64_t batch =
        options_.accounts_per_batch != 0 ? std::min(options_.accounts_per_batch, fitting) : fitting;
    std::vector<ControlledFigures> out(count);
    for (std::uint64_t first = 0; first < count; first += batch) {
      const std::uint64_t last = std::min(first + batch, count);
      run_batch(classes, pilot, first, last, out);
      if (options_.progress) { options_.progress(static_cast<double>(last) / static_cast<double>(count)); }
    }
    return out;
  }

 private:
  void run_batch(const PathClasses& classes, const PilotPaths& pilot, std::uint64_t first, std::uint64_t last,
                 std::vector<ControlledFigures>& out) const {
    std::vector<std::uint64_t> selected(last - first);
    std::iota(selected.begin(), selected.end(), first);
    const AccountPlan accounts = select_accounts(run_.accounts, selected);
    const HostScenarios scenarios(run_, accounts, options_.loops);
    const std::vector<PilotFit> fits = fit_quadratics(pilot, accounts, options_.loops);

    const std::uint64_t tiles = (run_.num_paths + tile_width - 1) / tile_width, stride = tiles * tile_width;
    std::vector<double> losses(selected.size() * stride), values(selected.size() * stride);
    for_each_index(options_.loops.threads, tiles, [&](std::uint64_t t) {
      check_stop();
      const std::uint64_t path = t * tile_width;
      const cpu::Tile tile = {path, tile_width,
                              static_cast<std::uint32_t>(std::min<std::uint64_t>(tile_width, run_.num_paths - path))};
      std::vector<float> obs;
      scenarios.simulate(tile, obs);
      scenarios.losses(tile, obs, losses.data() + path, stride);
      const TileOrder order = order_by_class(classes, tile);
      const std::vector<double> factors = drive_factors(scenarios, classes, tile, order);
      for (std::size_t a = 0; a < fits.size(); ++a) {
        evaluate(fits[a].quadratic, order, factors, values.data() + a * stride + path);
      }
    });
    for_each_index(options_.loops.threads, selected.size(), [&](std::uint64_t a) {
      check_stop();
      std::vector<QuadraticLaw> laws;
      for (std::uint32_t c = 0; c < classes.count; ++c) {
        laws.push_back(quadratic_law(fits[a].quadratic, classes, c));
      }
      const AccountSample sample = {losses.data() + a * stride, values.data() + a * stride,
                                    run_.path_weights.empty() ? nullptr : run_.path_weights.data(),
                                    static_cast<std::uint32_t>(run_.num_paths)};
      out[first + a] = controlled_tail(rule_, classes, laws, fits[a].thresholds, sample);
    });
  }

  void check_stop() const {
    if (options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed)) {
      throw Interrupted("stopped before the control variates of all accounts were found");
    }
  }

  const PreparedRun& run_;
  const ControlVariateOptions& options_;
  TailRule rule_;
};

}  // namespace

std::vector<ControlledFigures> control_tails(const PreparedRun& run, const ControlVariateOptions& options) {
  return ControlPass(run, options).compute();
}

}  // namespace tailmargin
