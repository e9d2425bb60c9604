#include "host/cpu/near_tails.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include <tbb/enumerable_thread_specific.h>
#include <tbb/parallel_for.h>

#include "host/backends/run_control.hpp"
#include "host/cpu/candidates.hpp"
#include "host/cpu/held_columns.hpp"
#include "host/cpu/tail_shortfalls.hpp"
#include "host/prepare/prepare_run.hpp"

namespace tailmargin {
namespace {

/// Paths computed at a time.
constexpr std::uint32_t chunk = 256;

/// What a thread computes in, one account after the other.
struct Scratch {
  explicit Scratch(const PreparedRun& run)
      : obs(run.scenarios.observations.size() * chunk),
        market(run.columns.exact.num_rows() * chunk),
        cube(std::size_t{run.columns.cube_columns()} * chunk) {}

  LargeBuffer<float> obs;
  LargeBuffer<double> market, cube;
};

/// Losses in double of one account on a list of paths.
class ListedLosses {
 public:
  ListedLosses(const PreparedRun& run, const AccountPlan& account, const Observations& observations,
               const cpu::Kernels& kernels, Scratch& scratch)
      : run_(run),
        account_(account),
        observations_(observations),
        kernels_(kernels),
        columns_(account, run.columns),
        read_(columns_.observations()),
        num_rows_(run.scenarios.observations.size()),
        scratch_(scratch) {}

  std::vector<double> at(const std::vector<std::uint32_t>& paths) {
    std::vector<double> losses((paths.size() + chunk - 1) / chunk * chunk);
    const cpu::LossesTask task = {{account_.offsets.data(), account_.columns.data(), account_.quantities.data()},
                                  0,
                                  1,
                                  run_.columns.num_slices,
                                  run_.columns.num_columns};
    for (std::size_t first = 0; first < paths.size(); first += chunk) {
      const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(chunk, paths.size() - first));
      gather(paths.data() + first, count);
      const cpu::Tile tile = {0, chunk, count};
      kernels_.revalue_exact(columns_.tables(), tile, scratch_.obs.data(), scratch_.market.data(),
                             scratch_.cube.data());
      kernels_.losses_exact(task, tile, scratch_.cube.data(), losses.data() + first, chunk);
    }
    losses.resize(paths.size());
    return losses;
  }

 private:
  /// What the account's columns read of some paths, side by side; the last path fills the chunk.
  void gather(const std::uint32_t* paths, std::uint32_t count) {
    const std::uint32_t width = observations_.tile_width;
    std::array<const float*, chunk> from;
    for (std::uint32_t lane = 0; lane < chunk; ++lane) {
      const std::uint32_t path = paths[std::min(lane, count - 1)], tile = path / width;
      from[lane] = observations_.values.data() + std::size_t{tile} * num_rows_ * width + (path - tile * width);
    }
    for (const std::uint32_t row : read_) {
      float* out = scratch_.obs.data() + std::size_t{row} * chunk;
      for (std::uint32_t lane = 0; lane < chunk; ++lane) { out[lane] = from[lane][std::size_t{row} * width]; }
    }
  }

  const PreparedRun& run_;
  const AccountPlan& account_;
  const Observations& observations_;
  const cpu::Kernels& kernels_;
  HeldColumns<double> columns_;
  std::vector<std::uint32_t> read_;  // observations
  std::size_t num_rows_;
  Scratch& scratch_;
};

/// Whether the float losses are as near the ones in double as the list of paths was made for.
bool is_complete(const NearPaths& near, const std::vector<double>& losses) {
  double error = 0.0;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    error = std::max(error, std::fabs(losses[i] - double(near.losses[i])));
  }
  return 4.0 * error <= near.slack;
}

}  // namespace

NearTails near_tails(const PreparedRun& run, const AccountPlan& accounts, const TailsRequest& request,
                     const cpu::Kernels& kernels) {
  const std::uint64_t count = accounts.offsets.size() - 1;
  std::vector<const NearPaths*> near(count, nullptr);
  const Observations* observations = request.observations;
  if (observations == nullptr && request.hints != nullptr) { observations = &request.hints->observations; }
  if (request.hints != nullptr && !observations->empty()) {
    for (const NearPaths& paths : request.hints->near) {
      if (!paths.paths.empty()) { near[paths.account] = &paths; }
    }
  }
  NearTails out;
  out.tails.figures.resize(count);
  const RegimeSteps regimes = run.steps_by_regime();
  if (regimes.steps != nullptr) { out.tails.regime_es.resize(count * regimes.num_regimes); }
  std::vector<std::vector<TailLoss<double>>> kept(count);
  std::vector<char> found(count, 0);
  std::vector<TailShortfalls> listed(count);
  cpu::ShortfallRoom room;
  const TailRule rule = make_tail_rule(run);
  const std::uint32_t* weights = run.path_weights.empty() ? nullptr : run.path_weights.data();
  const cpu::CandidatePool<double> pool(rule, run.num_paths, weights, 0.0);
  const cpu::TailTask task = {rule, weights, regimes};
  tbb::enumerable_thread_specific<Scratch> scratch([&] { return Scratch(run); });
  tbb::parallel_for(std::uint64_t{0}, count, [&](std::uint64_t a) {
    if (near[a] == nullptr) { return; }
    check_stop(request);
    const AccountPlan account = select_accounts(accounts, {a});
    std::vector<double> losses = ListedLosses(run, account, *observations, kernels, scratch.local()).at(near[a]->paths);
    if (!is_complete(*near[a], losses)) { return; }
    std::vector<std::uint32_t> paths = near[a]->paths;
    const auto size = static_cast<std::uint32_t>(paths.size());
    std::vector<TailLoss<double>> tail;
    if (!pool.finish({losses.data(), paths.data(), nullptr, size, size, 0.0, 0.0, 0.0}, tail)) { return; }
    cpu::summarise(kernels, task, tail, out.tails.figures[a], regime_es_of(out.tails, a));
    kept[a].assign(tail.begin(), tail.begin() + out.tails.figures[a].tail_count);
    found[a] = 1;
    if (request.list_shortfalls == ListShortfalls::yes && cpu::tells_shortfalls(tail, accounts.equity_usd[a])) {
      listed[a] = cpu::list_shortfalls(a, tail, accounts.equity_usd[a]);
      if (!room.take(listed[a].paths.size())) { listed[a] = {}; }
    }
  });
  for (TailShortfalls& list : listed) {
    if (!list.paths.empty()) { out.tails.shortfalls.push_back(std::move(list)); }
  }
  if (request.keep_paths == KeepTailPaths::yes) { join_paths(kept, out.tails); }
  for (std::uint64_t a = 0; a < count; ++a) {
    if (found[a] == 0) { out.missing.push_back(a); }
  }
  return out;
}

Tails join_tails(NearTails& near, const Tails& rest) {
  Tails out;
  out.shortfalls = std::move(near.tails.shortfalls);
  for (const TailShortfalls& list : rest.shortfalls) {
    out.shortfalls.push_back({near.missing[list.account], list.paths, list.cents});
  }
  std::sort(out.shortfalls.begin(), out.shortfalls.end(),
            [](const TailShortfalls& a, const TailShortfalls& b) { return a.account < b.account; });
  out.seconds = rest.seconds;
  out.seconds.pnl += near.tails.seconds.pnl;
  out.figures = std::move(near.tails.figures);
  out.regime_es = std::move(near.tails.regime_es);
  const bool keep_paths = !rest.path_offsets.empty();
  std::vector<std::vector<TailLoss<double>>> kept(out.figures.size());
  for (std::uint64_t a = 0; keep_paths && a < kept.size(); ++a) { kept[a] = tail_of(near.tails, a); }
  for (std::size_t i = 0; i < near.missing.size(); ++i) {
    out.figures[near.missing[i]] = rest.figures[i];
    copy_regime_es(rest, i, near.missing[i], out);
    if (keep_paths) { kept[near.missing[i]] = tail_of(rest, i); }
  }
  if (keep_paths) { join_paths(kept, out); }
  return out;
}

double* regime_es_of(Tails& tails, std::uint64_t account) {
  if (tails.regime_es.empty()) { return nullptr; }
  return tails.regime_es.data() + account * (tails.regime_es.size() / tails.figures.size());
}

void copy_regime_es(const Tails& from, std::uint64_t account, std::uint64_t place, Tails& to) {
  if (to.regime_es.empty()) { return; }
  const std::size_t regimes = to.regime_es.size() / to.figures.size();
  std::copy_n(from.regime_es.data() + account * regimes, regimes, regime_es_of(to, place));
}

void join_paths(const std::vector<std::vector<TailLoss<double>>>& kept, Tails& tails) {
  tails.path_offsets.assign(1, 0);
  for (const std::vector<TailLoss<double>>& losses : kept) {
    for (const TailLoss<double>& loss : losses) {
      tails.tail_paths.push_back(loss.path);
      tails.tail_losses.push_back(loss.loss);
    }
    tails.path_offsets.push_back(tails.tail_paths.size());
  }
}

}  // namespace tailmargin
