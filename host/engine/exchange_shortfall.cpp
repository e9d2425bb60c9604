#include "host/engine/exchange_shortfall.hpp"

#include <algorithm>

#include "host/prepare/prepare_run.hpp"

namespace tailmargin {
namespace {

/// Sums of cents fit 64 bits, and those of weights times cents the two numbers of AccountShortfall, below these.
constexpr double most_cents = 9e18;
constexpr double most_weighted_cents = 39614081257132168796771975168.0;  // 2^95

[[noreturn]] void refuse_sum(const std::string& account) {
  Diagnostics diagnostics;
  diagnostics.error(
      "positions", 0, "account", account,
      "with this account's worst loss beyond its equity the shortfalls of all accounts may add up to more "
      "than the exact sums hold (9e16 USD on a path; with weighted paths 2^95 cents over all). Correct a "
      "quantity, a balance or a price.");
  throw InputError(std::move(diagnostics));
}

/// As shortfall_cents() has it.
bool falls_short(double beyond_equity_usd) { return beyond_equity_usd * cents_per_usd + 0.5 >= 1.0; }

}  // namespace

void check_shortfall_sums(const PreparedRun& run, const AccountPlan& accounts, const AccountTails& tails,
                          const std::vector<std::string>& names) {
  const double most = std::min(most_cents, most_weighted_cents / weight_sum(run.path_weights, run.num_paths));
  double worst_cents = 0.0;
  for (std::uint64_t a = 0; a < names.size(); ++a) {
    const double beyond = tails.figures(a).worst_loss - accounts.equity_usd[a];
    if (!falls_short(beyond)) { continue; }
    worst_cents += beyond * cents_per_usd + 1.0;
    if (!(worst_cents <= most)) { refuse_sum(names[a]); }
  }
}

ShortfallFinder::ShortfallFinder(Backend& backend, const PreparedRun& run, const AccountPlan& accounts,
                                 const AccountTails& tails, const RunConfig& config,
                                 const std::vector<std::string>& names)
    : backend_(backend), run_(run), accounts_(accounts), tails_(tails), config_(config) {
  check_shortfall_sums(run, accounts, tails, names);
  choose_accounts();
}

void ShortfallFinder::choose_accounts() {
  for (const TailShortfalls& list : tails_.single.shortfalls) {
    if (!std::binary_search(tails_.inexact.begin(), tails_.inexact.end(), list.account)) {
      listed_.push_back({list.account, &list});
    }
  }
  for (const TailShortfalls& list : tails_.exact.shortfalls) {
    listed_.push_back({tails_.inexact[list.account], &list});
  }
  std::sort(listed_.begin(), listed_.end(), [](const Listed& a, const Listed& b) { return a.account < b.account; });

  auto next_listed = listed_.begin();
  for (std::uint64_t a = 0; a + 1 < accounts_.offsets.size(); ++a) {
    if (!falls_short(tails_.figures(a).worst_loss - accounts_.equity_usd[a])) { continue; }
    if (next_listed != listed_.end() && next_listed->account == a) {
      ++next_listed;
    } else {
      const bool exact = std::binary_search(tails_.inexact.begin(), tails_.inexact.end(), a);
      (exact ? exact_ : single_).push_back(a);
    }
  }
}

Shortfalls ShortfallFinder::find() const { return add_up(run_.path_weights.empty() ? nullptr : &run_.path_weights); }

Shortfalls ShortfallFinder::find(const std::vector<std::uint32_t>& weights) const { return add_up(&weights); }

Shortfalls ShortfallFinder::add_up(const std::vector<std::uint32_t>* weights) const {
  Shortfalls out;
  out.paths.resize(run_.num_paths);
  out.accounts.resize(accounts_.offsets.size() - 1);
  add_listed(weights, out);
  add_pass(Precision::single, single_, weights, out);
  add_pass(Precision::exact, exact_, weights, out);
  return out;
}

void ShortfallFinder::add_listed(const std::vector<std::uint32_t>* weights, Shortfalls& out) const {
  for (const Listed& listed : listed_) {
    for (std::size_t i = 0; i < listed.list->paths.size(); ++i) {
      const std::uint32_t path = listed.list->paths[i], weight = weights == nullptr ? 1 : (*weights)[path];
      if (weight == 0) { continue; }
      out.paths[path].add(listed.list->cents[i]);
      out.accounts[listed.account].add(weight, listed.list->cents[i]);
    }
  }
}

void ShortfallFinder::add_pass(Precision precision, const std::vector<std::uint64_t>& accounts,
                               const std::vector<std::uint32_t>* weights, Shortfalls& out) const {
  if (accounts.empty()) { return; }
  ShortfallsRequest request;
  request.precision = precision;
  request.stop = config_.stop;
  request.observations = tails_.observations.empty() ? nullptr : &tails_.observations;
  request.weights = weights;
  if (config_.progress) {
    request.progress = [this](double fraction) { config_.progress("shortfalls", fraction); };
  }
  const Shortfalls found = backend_.shortfalls(run_, select_accounts(accounts_, accounts), request);
  for (std::uint64_t path = 0; path < run_.num_paths; ++path) { out.paths[path].add(found.paths[path]); }
  for (std::size_t i = 0; i < accounts.size(); ++i) { out.accounts[accounts[i]] = found.accounts[i]; }
}

void set_shortfalls(const PreparedRun& run, const Shortfalls& found, std::vector<AccountMargin>& margins) {
  const double all = weight_sum(run.path_weights, run.num_paths);
  for (std::size_t a = 0; a < margins.size(); ++a) {
    margins[a].shortfall_probability = static_cast<double>(found.accounts[a].weight) / all;
    margins[a].expected_uncovered_loss_usd = found.accounts[a].weighted_usd() / all;
  }
}

void add_exchange_shortfall(Backend& backend, const PreparedRun& run, const AccountTails& tails,
                            const RunConfig& config, std::optional<double> fund_usd, RunResult& result) {
  std::vector<std::string> names;
  for (const AccountMargin& margin : result.margins) { names.push_back(margin.account); }
  const ShortfallFinder finder(backend, run, run.accounts, tails, config, names);
  const Shortfalls found = finder.find();
  set_shortfalls(run, found, result.margins);
  PathShortfalls paths = path_shortfalls(run, found, result.prepared_tables);
  result.exchange = summarise_shortfalls(paths, fund_usd);

  const std::vector<std::uint32_t> worst = worst_paths(paths);
  const Shortfalls in_worst = finder.find(worst);
  std::vector<NamedShortfall> parts;
  for (std::size_t a = 0; a < names.size(); ++a) {
    if (in_worst.accounts[a].weight != 0) { parts.push_back({names[a], in_worst.accounts[a]}); }
  }
  add_largest_parts(worst, parts, result.exchange);
  if (config.keep_shortfalls) { result.shortfalls = std::move(paths); }
}

}  // namespace tailmargin
