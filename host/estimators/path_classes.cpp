#include "host/estimators/path_classes.hpp"

#include <algorithm>

namespace tailmargin {
namespace {

/// Paths are added up in blocks of fixed size, and blocks in order, whatever the threads.
constexpr std::uint64_t block_paths = 4096;

/// Classes of one group of paths at most, and of all groups together.
constexpr std::uint32_t max_classes = 96, max_pieces = 48, min_pieces = 4;

/// What classes are made from: a row per quantity, [path] each, padded to whole tiles.
struct PathFeatures {
  std::uint64_t stride = 0;
  std::vector<float> variance, regime_share, loading, jumps;  // as DriveRows
  std::vector<float> mean_price;                              // mean over prices of the change without shocks
};

cpu::Tile block_tile(const PreparedRun& run, std::uint64_t block) {
  const std::uint64_t first = block * block_paths;
  const auto valid = static_cast<std::uint32_t>(std::min(block_paths, run.num_paths - first));
  return {first, (valid + cpu::lanes - 1) / cpu::lanes * cpu::lanes, valid};
}

std::uint64_t num_blocks(const PreparedRun& run) { return (run.num_paths + block_paths - 1) / block_paths; }

PathFeatures describe_paths(const HostScenarios& scenarios) {
  const PreparedRun& run = scenarios.run();
  const std::size_t regimes = run.scenarios.num_regimes, classes = run.scenarios.num_classes + 1;
  PathFeatures out;
  out.stride = num_blocks(run) * block_paths;
  out.variance.resize(out.stride);
  out.regime_share.resize(out.stride * regimes);
  out.loading.resize(out.stride * regimes * classes);
  out.jumps.resize(out.stride);
  out.mean_price.resize(out.stride);
  std::vector<std::uint32_t> prices = last_rows(run.scenarios);
  for (std::size_t f = 0; f < prices.size(); ++f) {
    if (run.scenarios.factors[f].kind != FactorKind::price) { prices[f] = no_row; }
  }
  prices.erase(std::remove(prices.begin(), prices.end(), no_row), prices.end());
  for_each_index(scenarios.loops().threads, num_blocks(run), [&](std::uint64_t block) {
    const cpu::Tile tile = block_tile(run, block);
    const std::uint64_t at = tile.first_path;
    scenarios.drive(tile, {out.variance.data() + at, out.regime_share.data() + at, out.loading.data() + at,
                           out.jumps.data() + at, nullptr, out.stride});
    if (run.scenarios.processes.empty()) { return; }
    std::vector<float> obs;
    scenarios.simulate_means(tile, obs);
    for (std::uint32_t l = 0; l < tile.valid; ++l) {
      float sum = 0.0f;
      for (const std::uint32_t row : prices) { sum += obs[std::size_t{row} * tile.width + l]; }
      out.mean_price[at + l] = sum;
    }
  });
  return out;
}

struct RankedPath {
  std::uint32_t path;
  double key, mass;
};

/// Cuts a group of paths into pieces of like mass along their keys, never between equal keys.
void cut_group(std::vector<RankedPath> group, std::uint32_t pieces, PathClasses& classes) {
  std::sort(group.begin(), group.end(), [](const RankedPath& a, const RankedPath& b) {
    return a.key < b.key || (a.key == b.key && a.path < b.path);
  });
  double left = 0.0;
  for (const RankedPath& p : group) { left += p.mass; }
  double inside = 0.0;
  for (std::size_t i = 0; i < group.size();) {
    std::size_t end = i;
    double same = 0.0;
    for (; end < group.size() && group[end].key == group[i].key; ++end) { same += group[end].mass; }
    const bool first = i == 0, full = inside + 0.5 * same > left / pieces;
    if (first || (full && pieces > 1)) {
      if (!first) {
        left -= inside;
        --pieces;
      }
      inside = 0.0;
      ++classes.count;
    }
    inside += same;
    for (; i < end; ++i) { classes.of_path[group[i].path] = static_cast<std::uint16_t>(classes.count - 1); }
  }
}

void make_classes(const PreparedRun& run, const PathFeatures& features, PathClasses& classes) {
  const std::size_t regimes = run.scenarios.num_regimes;
  std::vector<std::vector<RankedPath>> groups(regimes + 1);  // those with jumps last
  for (std::uint32_t path = 0; path < run.num_paths; ++path) {
    const double weight = run.path_weights.empty() ? 1.0 : double(run.path_weights[path]);
    const double mass = weight * double(features.variance[path]);
    if (features.jumps[path] > 0.0f) {
      groups[regimes].push_back({path, double(features.mean_price[path]), weight});
      continue;
    }
    std::size_t most = 0;
    for (std::size_t k = 1; k < regimes; ++k) {
      if (features.regime_share[k * features.stride + path] > features.regime_share[most * features.stride + path]) {
        most = k;
      }
    }
    groups[most].push_back({path, double(features.variance[path]), mass});
  }
  const auto pieces = std::min(max_pieces, std::max(min_pieces, max_classes / static_cast<std::uint32_t>(regimes + 1)));
  for (std::vector<RankedPath>& group : groups) { cut_group(std::move(group), pieces, classes); }
}

/// Share of a path's shocks that a factor has when last looked at: those until then, less what reversion has taken
/// back, on average over the steps.
double mean_kept(const ScenarioPlan& plan, std::size_t f, std::uint32_t last_row) {
  if (last_row == no_row) { return 0.0; }
  double power = 1.0, sum = 0.0;
  for (std::uint32_t s = 0; s < plan.observations[last_row].step; ++s) {
    sum += power;
    power *= plan.keep[f];
  }
  return sum / plan.num_steps;
}

/// Means over the paths of each class of the loading rows: [class][regime][tail class].
std::vector<double> mean_loadings(const PreparedRun& run, const PathFeatures& features, const PathClasses& classes) {
  const std::size_t rows = std::size_t{run.scenarios.num_regimes} * (run.scenarios.num_classes + 1);
  std::vector<double> sum(classes.count * rows, 0.0);
  for (std::uint64_t path = 0; path < run.num_paths; ++path) {
    const double weight = run.path_weights.empty() ? 1.0 : double(run.path_weights[path]);
    for (std::size_t r = 0; r < rows; ++r) {
      sum[classes.of_path[path] * rows + r] += weight * double(features.loading[r * features.stride + path]);
    }
  }
  for (std::size_t c = 0; c < classes.count; ++c) {
    for (std::size_t r = 0; r < rows; ++r) { sum[c * rows + r] /= classes.weight[c]; }
  }
  return sum;
}

void set_loadings(const PreparedRun& run, const PathFeatures& features, PathClasses& classes) {
  const ScenarioPlan& plan = run.scenarios;
  const std::vector<double> means = mean_loadings(run, features, classes);
  const std::size_t regimes = plan.num_regimes, tails = plan.num_classes + 1;
  const SparseTable step = step_loadings(plan);
  const std::vector<std::uint32_t> rows = last_rows(plan);
  classes.loading.offsets = step.offsets;
  classes.loading.inputs = step.inputs;
  for (std::size_t f = 0; f < plan.factors.size(); ++f) {
    const double kept = mean_kept(plan, f, rows[f]);
    for (std::uint32_t e = step.offsets[f]; e < step.offsets[f + 1]; ++e) {
      for (std::size_t c = 0; c < classes.count; ++c) {
        double sum = 0.0;
        for (std::size_t k = 0; k < regimes; ++k) {
          const std::size_t row = k * tails + plan.tail_class[f * regimes + k];
          sum += means[c * regimes * tails + row] * step.coefficients[e * regimes + k];
        }
        classes.loading.coefficients.push_back(kept * sum);
      }
    }
  }
}

/// Means over the paths of each class of what happens without shocks.
void set_means(const HostScenarios& scenarios, PathClasses& classes) {
  const PreparedRun& run = scenarios.run();
  const std::vector<std::uint32_t> rows = last_rows(run.scenarios);
  const std::size_t factors = rows.size();
  std::vector<std::vector<double>> of_block(num_blocks(run));
  for_each_index(scenarios.loops().threads, num_blocks(run), [&](std::uint64_t block) {
    const cpu::Tile tile = block_tile(run, block);
    std::vector<float> obs;
    scenarios.simulate_means(tile, obs);
    std::vector<double>& sum = of_block[block];
    sum.assign(classes.count * factors, 0.0);
    for (std::size_t f = 0; f < factors; ++f) {
      if (rows[f] == no_row) { continue; }
      for (std::uint32_t l = 0; l < tile.valid; ++l) {
        const std::uint64_t path = tile.first_path + l;
        const double weight = run.path_weights.empty() ? 1.0 : double(run.path_weights[path]);
        sum[classes.of_path[path] * factors + f] += weight * double(obs[std::size_t{rows[f]} * tile.width + l]);
      }
    }
  });
  classes.mean.assign(classes.count * factors, 0.0);
  for (const std::vector<double>& sum : of_block) {
    for (std::size_t i = 0; i < sum.size(); ++i) { classes.mean[i] += sum[i]; }
  }
  for (std::size_t c = 0; c < classes.count; ++c) {
    for (std::size_t f = 0; f < factors; ++f) { classes.mean[c * factors + f] /= classes.weight[c]; }
  }
}

}  // namespace

std::vector<std::uint32_t> last_rows(const ScenarioPlan& plan) {
  std::vector<std::uint32_t> last(plan.factors.size(), no_row);
  for (std::uint32_t row = 0; row < plan.observations.size(); ++row) { last[plan.observations[row].factor] = row; }
  return last;
}

PathClasses classify_paths(const HostScenarios& scenarios) {
  const PreparedRun& run = scenarios.run();
  const PathFeatures features = describe_paths(scenarios);
  PathClasses classes;
  classes.of_path.resize(run.num_paths);
  make_classes(run, features, classes);
  classes.weight.assign(classes.count, 0.0);
  for (std::uint64_t path = 0; path < run.num_paths; ++path) {
    classes.weight[classes.of_path[path]] += run.path_weights.empty() ? 1.0 : double(run.path_weights[path]);
  }
  set_loadings(run, features, classes);
  set_means(scenarios, classes);
  return classes;
}

}  // namespace tailmargin
