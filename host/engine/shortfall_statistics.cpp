#include "host/engine/shortfall_statistics.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "host/engine/byte_number.hpp"
#include "host/engine/exact_sums.hpp"
#include "host/engine/path_statistics.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {
namespace {

constexpr double worst_confidence = 0.99;
constexpr std::size_t most_named = 20;

std::vector<double> usd_of(const std::vector<std::int64_t>& cents) {
  std::vector<double> usd(cents.size());
  std::transform(cents.begin(), cents.end(), usd.begin(), [](std::int64_t c) { return double(c) / cents_per_usd; });
  return usd;
}

FundUse use_of_fund(const PathStatistics& statistics, const std::vector<double>& sum_usd, double fund_usd) {
  FundUse out;
  out.fund_usd = fund_usd;
  out.used_usd = statistics.mean(sum_usd, [=](double s) { return std::min(s, fund_usd); });
  out.exceeded = statistics.mean(sum_usd, [=](double s) { return s > fund_usd ? 1.0 : 0.0; });
  out.excess_usd = statistics.mean(sum_usd, [=](double s) { return std::max(s - fund_usd, 0.0); });
  return out;
}

/// As one number of 128 bits, its upper 64 first, so that equal sums compare equal.
std::pair<std::uint64_t, std::uint64_t> rank_of(const AccountShortfall& sum) {
  return {sum.high + (sum.low >> 32), sum.low & 0xffffffffu};
}

void check_same_paths(const PathShortfalls& a, const PathShortfalls& b) {
  if (a.scenarios != b.scenarios || a.num_replicates != b.num_replicates || a.weights != b.weights ||
      a.sum.size() != b.sum.size()) {
    throw UsageError(
        "these shortfalls are not of the same paths (their sums would mean nothing). Run all parts with "
        "the same market, model, seed, sampler and number of paths.");
  }
}

}  // namespace

double weight_sum(const std::vector<std::uint32_t>& weights, std::uint64_t num_paths) {
  if (weights.empty()) { return static_cast<double>(num_paths); }
  return std::accumulate(weights.begin(), weights.end(), 0.0);
}

PathShortfalls path_shortfalls(const PreparedRun& run, const Shortfalls& shortfalls, const std::string& tables) {
  PathShortfalls out;
  out.scenarios = number_of_bytes(tables);
  out.num_accounts = shortfalls.accounts.size();
  out.num_short_accounts = static_cast<std::uint64_t>(std::count_if(
      shortfalls.accounts.begin(), shortfalls.accounts.end(), [](const AccountShortfall& a) { return a.weight != 0; }));
  out.num_replicates = run.points.num_replicates();
  out.weights = run.path_weights;
  for (const PathShortfall& path : shortfalls.paths) {
    out.sum.push_back(path.sum);
    out.largest.push_back(path.largest);
    out.second.push_back(path.second);
  }
  return out;
}

PathShortfalls join_shortfalls(const std::vector<PathShortfalls>& parts) {
  if (parts.empty()) { throw UsageError("there are no shortfalls to join. Name at least one part."); }
  PathShortfalls out = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    check_same_paths(out, parts[i]);
    out.num_accounts += parts[i].num_accounts;
    out.num_short_accounts += parts[i].num_short_accounts;
    for (std::size_t p = 0; p < out.sum.size(); ++p) {
      const std::int64_t sum = add_cents(out.sum[p], parts[i].sum[p], "shortfalls");
      PathShortfall path{0, out.largest[p], out.second[p]};
      path.add(PathShortfall{0, parts[i].largest[p], parts[i].second[p]});
      out.sum[p] = sum;
      out.largest[p] = path.largest;
      out.second[p] = path.second;
    }
  }
  return out;
}

ExchangeShortfall summarise_shortfalls(const PathShortfalls& paths, std::optional<double> fund_usd) {
  const PathStatistics statistics(paths);
  const std::vector<double> sum_usd = usd_of(paths.sum);
  std::vector<std::int64_t> two(paths.sum.size());
  std::transform(paths.largest.begin(), paths.largest.end(), paths.second.begin(), two.begin(), std::plus<>());
  const std::vector<double> two_usd = usd_of(two);
  ExchangeShortfall out;
  out.num_accounts = paths.num_accounts;
  out.num_short_accounts = paths.num_short_accounts;
  out.expected_usd = statistics.mean(sum_usd, [](double s) { return s; });
  out.probability = statistics.mean(sum_usd, [](double s) { return s > 0.0 ? 1.0 : 0.0; });
  for (const double confidence : {0.99, 0.999}) {
    if (!statistics.reaches(confidence)) { continue; }
    const TailFigures sum = statistics.tail(confidence, sum_usd), cover = statistics.tail(confidence, two_usd);
    out.levels.push_back({confidence,
                          {sum.var, sum.var_standard_error},
                          {sum.es, sum.es_standard_error},
                          {cover.var, cover.var_standard_error}});
  }
  if (fund_usd) { out.fund = use_of_fund(statistics, sum_usd, *fund_usd); }
  return out;
}

std::vector<std::uint32_t> worst_paths(const PathShortfalls& paths) {
  const PathStatistics statistics(paths);
  std::vector<std::uint32_t> weights(paths.sum.size(), 0);
  const auto weight = [&](std::uint32_t path) { return paths.weights.empty() ? 1u : paths.weights[path]; };
  if (!statistics.reaches(worst_confidence)) {
    const std::uint32_t worst = worst_first(usd_of(paths.sum), 1).front().path;
    weights[worst] = weight(worst);
    return weights;
  }
  const TailRule rule = statistics.rule(worst_confidence);
  double cumulative = 0.0;
  for (const TailLoss<double>& loss : worst_first(usd_of(paths.sum), rule.num_tail)) {
    const bool first = cumulative == 0.0;
    cumulative += weight(loss.path);
    if (cumulative > rule.tail_weight && !first) { break; }
    weights[loss.path] = weight(loss.path);
  }
  return weights;
}

void add_largest_parts(const std::vector<std::uint32_t>& weights, std::vector<NamedShortfall> accounts,
                       ExchangeShortfall& summary) {
  std::sort(accounts.begin(), accounts.end(), [](const NamedShortfall& a, const NamedShortfall& b) {
    const auto first = rank_of(a.sum), second = rank_of(b.sum);
    return first != second ? first > second : a.account < b.account;
  });
  AccountShortfall all{}, others{};
  for (std::size_t i = 0; i < accounts.size(); ++i) {
    all.add(accounts[i].sum);
    if (i >= most_named) { others.add(accounts[i].sum); }
  }
  const double weight = weight_sum(weights, 0), total = all.weighted_usd();
  const auto share = [&](double part) { return total > 0.0 ? part / total : 0.0; };
  summary.num_worst_paths =
      static_cast<std::uint64_t>(std::count_if(weights.begin(), weights.end(), [](std::uint32_t w) { return w != 0; }));
  summary.worst_mean_usd = total / weight;
  summary.largest.clear();
  for (std::size_t i = 0; i < std::min(most_named, accounts.size()); ++i) {
    const double part = accounts[i].sum.weighted_usd();
    summary.largest.push_back({accounts[i].account, part / weight, share(part)});
  }
  summary.num_others = accounts.size() - summary.largest.size();
  summary.others_usd = others.weighted_usd() / weight;
  summary.others_share = share(others.weighted_usd());
}

}  // namespace tailmargin
