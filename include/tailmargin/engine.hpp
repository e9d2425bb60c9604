// The engine: a book, a model and a configuration in, a margin for every account out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tailmargin/book.hpp"
#include "tailmargin/collateral.hpp"
#include "tailmargin/crowding.hpp"
#include "tailmargin/diagnostics.hpp"
#include "tailmargin/exchange.hpp"
#include "tailmargin/holding_share.hpp"
#include "tailmargin/margin_terms.hpp"
#include "tailmargin/model.hpp"
#include "tailmargin/sampler.hpp"
#include "tailmargin/venues.hpp"

namespace tailmargin {

enum class BackendChoice : std::uint8_t { automatic, cuda, cpu, reference };

/// How to run. Nothing but num_paths, seed, sampler and liquidations can change a result.
struct RunConfig {
  std::uint64_t num_paths = 100'000;
  std::uint64_t seed = 1;
  Sampler sampler = Sampler::sobol;  ///< the least noise for the time (docs/decisions/0009-samplers.md)
  BackendChoice backend = BackendChoice::automatic;
  int threads = 0;                       ///< 0: all
  std::string isa = "auto";              ///< cpu: auto, baseline, avx2, avx512
  std::uint32_t paths_per_tile = 0;      ///< 0: chosen
  std::uint64_t accounts_per_batch = 0;  ///< 0: chosen
  bool keep_tail_paths = false;
  bool fit_tails = false;          ///< also fit a generalised Pareto law to every tail
  bool control_variate = false;    ///< also estimate every ES with its quadratic as control variate
  bool contributions = false;      ///< also tell what every holding adds to the ES of its account
  bool keep_shortfalls = false;    ///< also keep the summed shortfall of every path
  bool keep_liquidations = false;  ///< also keep what is liquidated on every path; only if the model has crowding
  /// Of all parts of a book of which this is one: what moves prices instead of the own accounts' liquidations. Only
  /// read if the model has crowding.
  const PathLiquidations* liquidations = nullptr;
  std::function<void(const std::string& stage, double fraction)> progress;
  const std::atomic<bool>* stop = nullptr;
};

/// A generalised Pareto law fitted to the worst losses of an account: a check of its ES.
struct TailFitFigures {
  double threshold_usd = 0.0;  ///< losses beyond it were fitted
  double shape = 0.0;          ///< above 0: heavier than exponential
  double scale_usd = 0.0;
  double es_usd = 0.0;  ///< expected shortfall of the law
};

/// ES of an account once more, with less noise: its quadratic in the factors as control variate. In double, on the
/// host, whatever the backend. The margin does not use it.
struct ControlledEsFigures {
  double es_usd = 0.0, es_se_usd = 0.0;                        ///< without the control
  double controlled_es_usd = 0.0, controlled_es_se_usd = 0.0;  ///< with it
};

/// One row of the margins file. USD unless named otherwise.
struct AccountMargin {
  std::string account;
  std::uint32_t num_positions = 0;
  double gross_notional_usd = 0.0;
  double net_delta_usd = 0.0;
  double equity_usd = 0.0;
  double var_usd = 0.0, var_se_usd = 0.0;
  double es_usd = 0.0, es_se_usd = 0.0;
  double worst_loss_usd = 0.0;
  std::uint32_t worst_path = 0;
  double initial_margin_usd = 0.0;
  double maintenance_margin_usd = 0.0;
  bool exact_precision = false;                ///< recomputed in double because its offsets cancel too much for float
  std::vector<std::uint32_t> tail_paths = {};  ///< if asked for: worst first
  std::vector<double> regime_es_usd = {};      ///< [regime] parts of es_usd by time in each, if the model has terms
  TailFitFigures tail_fit = {};                ///< if asked for
  ControlledEsFigures controlled_es = {};      ///< if asked for
  bool has_terms = false;                      ///< whether the model has them
  AccountTerms terms = {};                     ///< if it has
  /// Of a run over a book, not of a what-if: probability that the loss over the horizon exceeds the equity, and the
  /// expectation of what it exceeds it by.
  double shortfall_probability = 0.0, expected_uncovered_loss_usd = 0.0;
  CollateralFigures collateral = {};  ///< likewise
  CrowdedFigures crowding = {};       ///< of a run over a book, if the model has crowding

  /// Gross notional over equity. None without equity.
  std::optional<double> leverage() const {
    if (!(equity_usd > 0.0)) { return std::nullopt; }
    return gross_notional_usd / equity_usd;
  }
  /// Equity less haircuts over maintenance margin: below 1 the account is liquidated. None if no margin is asked for.
  std::optional<double> margin_ratio() const {
    if (!(maintenance_margin_usd > 0.0)) { return std::nullopt; }
    return (equity_usd - collateral.haircut_usd) / maintenance_margin_usd;
  }
};

/// How the fitted smile of one expiry meets its marks. Vols per year.
struct SmileReport {
  std::string underlying, settlement;
  UtcTime expiry;
  std::uint32_t num_quotes = 0;
  double rms_vol = 0.0;          ///< root mean square of the differences
  double near_rms_vol = 0.0;     ///< the same weighted by vega squared
  double worst_vol = 0.0;        ///< the largest, mark less smile
  bool butterfly_marks = false;  ///< the marks themselves allow a butterfly arbitrage
  bool calendar_marks = false;   ///< or one with the expiry before
};

struct StageTime {
  std::string stage;
  double seconds = 0.0;
};

struct RunResult {
  std::vector<AccountMargin> margins;  ///< sorted by account
  /// If asked for: [account] positions in the book's order, then balances that move, as explain_account() has them.
  std::vector<std::vector<HoldingShare>> contributions;
  std::vector<WrongWayFigures> wrong_way;  ///< by account, those with balances that move
  VenueMargins venues;                     ///< of a book with more than one venue
  ExchangeShortfall exchange;              ///< of all accounts together
  PathShortfalls shortfalls;               ///< if asked for
  std::optional<CrowdingReport> crowding;  ///< if the model has it
  PathLiquidations liquidations;           ///< if asked for: of these accounts, without crowding
  std::string backend, device;
  std::string prepared_tables;  ///< every table the scenarios and prices come from, as bytes to save and hash
  std::uint64_t num_factors = 0, num_steps = 0, num_columns = 0, num_exact_accounts = 0;
  std::uint64_t position_paths = 0;  ///< positions times paths, the work of the P&L stage
  std::vector<SmileReport> smiles;   ///< by underlying, settlement, expiry
  std::vector<StageTime> stages;
  std::vector<Diagnostic> warnings;  ///< found while preparing
  std::vector<std::string> notes;    ///< one line each: backend chosen, accounts recomputed
};

/// Margins every account of a book.
/// @throws InputError if model and book do not fit together, BackendUnavailable, Interrupted, UsageError
RunResult run_margin(const Book& book, const Model& model, const RunConfig& config);

}  // namespace tailmargin
