#include "host/engine/venue_margins.hpp"

#include <algorithm>

#include "host/engine/margin_sums.hpp"
#include "host/engine/short_paths.hpp"
#include "host/engine/shortfall_statistics.hpp"
#include "host/prepare/prepare_run.hpp"

namespace tailmargin {
namespace {

/// Sets of paths that are held at once.
constexpr std::uint64_t most_set_bytes = std::uint64_t{128} << 20;
/// Below this the cents of a path fit 64 bits.
constexpr double most_cents = 9e18;

/// Parts and accounts of a stretch of the book that a pass looks at together.
struct Stretch {
  std::uint64_t first_account = 0, last_account = 0, first_part = 0, last_part = 0;
};

class VenuePass {
 public:
  VenuePass(Backend& backend, const PreparedRun& run, const Book& book, const Model& model, const AccountTails& tails,
            const RunConfig& config, const std::vector<AccountMargin>& margins)
      : backend_(backend),
        run_(run),
        held_(book.by_venue),
        model_(model),
        whole_tails_(tails),
        config_(for_parts(config)),
        margins_(margins) {
    plan_parts(book);
  }

  VenueMargins find() {
    part_tails_ = find_tails(backend_, run_, plan_, config_, observations());
    VenueMargins out;
    out.parts = margin_parts();
    out.accounts = add_up(out.parts);
    for (Stretch stretch; stretch.last_part < held_.parts.size();) {
      stretch = next_stretch(stretch);
      set_probabilities(stretch, out);
    }
    return out;
  }

 private:
  /// A config whose passes say nothing and keep nothing.
  static RunConfig for_parts(RunConfig config) {
    config.keep_tail_paths = config.fit_tails = config.control_variate = false;
    config.progress = nullptr;
    return config;
  }

  const Observations* observations() const {
    return whole_tails_.observations.empty() ? nullptr : &whole_tails_.observations;
  }

  void plan_parts(const Book& book) {
    for (const VenuePart& part : held_.parts) {
      if (part.account >= book.accounts.size()) {
        throw UsageError("the book's holdings by venue are not those of its accounts. Clear them after an edit.");
      }
      names_.push_back(book.accounts[part.account]);
    }
    Diagnostics diagnostics;
    plan_ = prepare_accounts(book, {names_, held_.positions, held_.collateral}, run_.columns, diagnostics);
    if (diagnostics.has_errors()) { throw InputError(std::move(diagnostics)); }
  }

  std::vector<VenueMargin> margin_parts() const {
    std::vector<VenueMargin> out;
    for (const AccountMargin& margin : make_margins(names_, model_, plan_, part_tails_)) {
      VenueMargin part;
      part.account = margin.account;
      part.venue = held_.venues[held_.parts[out.size()].venue];
      part.num_positions = margin.num_positions;
      part.gross_notional_usd = margin.gross_notional_usd;
      part.equity_usd = margin.equity_usd;
      part.es_usd = margin.es_usd;
      part.es_se_usd = margin.es_se_usd;
      part.margin_usd = margin.initial_margin_usd;
      out.push_back(std::move(part));
    }
    return out;
  }

  std::vector<AccountVenues> add_up(const std::vector<VenueMargin>& parts) const {
    std::vector<AccountVenues> out;
    for (const AccountMargin& margin : margins_) {
      AccountVenues account;
      account.account = margin.account;
      account.consolidated_margin_usd = sum_of(initial_margin_terms(margin, uplift_of(model_)));
      out.push_back(std::move(account));
    }
    for (std::size_t p = 0; p < parts.size(); ++p) {
      AccountVenues& account = out[held_.parts[p].account];
      ++account.num_venues;
      account.venue_margins_usd += parts[p].margin_usd;
    }
    return out;
  }

  bool part_can_fall_short(std::uint64_t part) const {
    return can_fall_short(part_tails_.figures(part), plan_.equity_usd[part]);
  }

  /// The next accounts, at least one: as many as the caller asks for, whose sets of paths fit memory and whose cents
  /// fit a sum.
  Stretch next_stretch(const Stretch& before) const {
    const std::uint64_t set_bytes = path_words(run_.num_paths) * sizeof(std::uint64_t);
    Stretch out = {before.last_account, before.last_account, before.last_part, before.last_part};
    std::uint64_t bytes = 0;
    double cents = 0.0;
    while (out.last_part < held_.parts.size()) {
      const AccountId account = held_.parts[out.last_part].account;
      std::uint64_t part = out.last_part;
      std::uint64_t more_bytes = set_bytes;
      double more_cents = lacking_cents(whole_tails_.figures(account), run_.accounts.equity_usd[account]);
      for (; part < held_.parts.size() && held_.parts[part].account == account; ++part) {
        if (!part_can_fall_short(part)) { continue; }
        more_bytes += set_bytes;
        more_cents += lacking_cents(part_tails_.figures(part), plan_.equity_usd[part]);
      }
      const std::uint64_t asked = config_.accounts_per_batch, taken = out.last_account - out.first_account;
      const bool fits =
          bytes + more_bytes <= most_set_bytes && cents + more_cents <= most_cents && (asked == 0 || taken < asked);
      if (!fits && out.last_part > out.first_part) { break; }
      bytes += more_bytes;
      cents += more_cents;
      out.last_part = part;
      out.last_account = account + 1;
    }
    return out;
  }

  static double lacking_cents(const TailFigures& figures, double equity_usd) {
    return can_fall_short(figures, equity_usd) ? (figures.worst_loss - equity_usd) * cents_per_usd + 1.0 : 0.0;
  }

  void set_probabilities(const Stretch& stretch, VenueMargins& out) const {
    std::vector<std::uint64_t> parts, wholes;
    for (std::uint64_t p = stretch.first_part; p < stretch.last_part; ++p) {
      if (!part_can_fall_short(p)) { continue; }
      parts.push_back(p);
      const AccountId account = held_.parts[p].account;
      const bool whole = can_fall_short(whole_tails_.figures(account), run_.accounts.equity_usd[account]);
      if (whole && (wholes.empty() || wholes.back() != account)) { wholes.push_back(account); }
    }
    const std::vector<PathSet> short_parts =
        find_short_paths(backend_, run_, plan_, part_tails_, parts, config_, observations());
    const std::vector<PathSet> short_wholes =
        find_short_paths(backend_, run_, run_.accounts, whole_tails_, wholes, config_, observations());
    std::vector<PathSet> any(stretch.last_account - stretch.first_account);
    const PathSet none;
    const auto whole_of = [&](AccountId account) -> const PathSet& {
      const auto found = std::lower_bound(wholes.begin(), wholes.end(), account);
      const bool is_there = found != wholes.end() && *found == account;
      return is_there ? short_wholes[static_cast<std::size_t>(found - wholes.begin())] : none;
    };
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const AccountId account = held_.parts[parts[i]].account;
      VenueMargin& part = out.parts[parts[i]];
      part.shortfall_probability = probability(short_parts[i], {});
      part.stranded_probability = probability(short_parts[i], whole_of(account));
      add_paths(short_parts[i], any[account - stretch.first_account]);
    }
    for (AccountId account = stretch.first_account; account < stretch.last_account; ++account) {
      const PathSet& paths = any[account - stretch.first_account];
      out.accounts[account].stranded_probability = probability(paths, whole_of(account));
    }
  }

  double probability(const PathSet& paths, const PathSet& others) const {
    return static_cast<double>(weight_outside(paths, others, run_.path_weights)) /
           weight_sum(run_.path_weights, run_.num_paths);
  }

  Backend& backend_;
  const PreparedRun& run_;
  const VenueHoldings& held_;
  const Model& model_;
  const AccountTails& whole_tails_;
  RunConfig config_;
  const std::vector<AccountMargin>& margins_;
  std::vector<std::string> names_;  // [part] of its account
  AccountPlan plan_;                // parts as accounts
  AccountTails part_tails_;
};

}  // namespace

VenueMargins find_venue_margins(Backend& backend, const PreparedRun& run, const Book& book, const Model& model,
                                const AccountTails& tails, const RunConfig& config,
                                const std::vector<AccountMargin>& margins) {
  if (book.by_venue.empty()) { return {}; }
  return VenuePass(backend, run, book, model, tails, config, margins).find();
}

}  // namespace tailmargin
