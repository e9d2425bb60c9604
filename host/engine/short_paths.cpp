#include "host/engine/short_paths.hpp"

#include <algorithm>
#include <bit>

#include "host/prepare/prepare_run.hpp"
#include "kernels/executors/shortfall.hpp"

namespace tailmargin {

bool can_fall_short(const TailFigures& figures, double equity_usd) {
  return shortfall_cents(figures.worst_loss, equity_usd) != 0;
}

std::vector<PathSet> find_short_paths(Backend& backend, const PreparedRun& run, const AccountPlan& accounts,
                                      const AccountTails& tails, const std::vector<std::uint64_t>& selected,
                                      const RunConfig& config, const Observations* observations) {
  std::vector<PathSet> out(selected.size());
  const std::uint64_t words = path_words(run.num_paths);
  for (const Precision precision : {Precision::single, Precision::exact}) {
    std::vector<std::uint64_t> places, rows;
    for (std::size_t i = 0; i < selected.size(); ++i) {
      const bool exact = std::binary_search(tails.inexact.begin(), tails.inexact.end(), selected[i]);
      if (exact != (precision == Precision::exact)) { continue; }
      places.push_back(i);
      rows.push_back(selected[i]);
    }
    if (rows.empty()) { continue; }
    ShortfallsRequest request;
    request.precision = precision;
    request.stop = config.stop;
    request.observations = observations;
    request.keep_paths = KeepShortPaths::yes;
    const Shortfalls found = backend.shortfalls(run, select_accounts(accounts, rows), request);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto first = found.short_paths.begin() + static_cast<std::ptrdiff_t>(i * words);
      out[places[i]].assign(first, first + static_cast<std::ptrdiff_t>(words));
    }
  }
  return out;
}

std::uint64_t weight_outside(const PathSet& paths, const PathSet& others, const std::vector<std::uint32_t>& weights) {
  std::uint64_t sum = 0;
  for (std::size_t word = 0; word < paths.size(); ++word) {
    std::uint64_t left = others.empty() ? paths[word] : paths[word] & ~others[word];
    if (weights.empty()) {
      sum += static_cast<std::uint64_t>(std::popcount(left));
      continue;
    }
    for (; left != 0; left &= left - 1) {
      sum += weights[word * 64 + static_cast<std::size_t>(std::countr_zero(left))];
    }
  }
  return sum;
}

void add_paths(const PathSet& paths, PathSet& to) {
  to.resize(std::max(to.size(), paths.size()));
  for (std::size_t word = 0; word < paths.size(); ++word) { to[word] |= paths[word]; }
}

}  // namespace tailmargin
