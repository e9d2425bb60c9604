// Crowding: liquidations of a path, added up over accounts, move its prices; then everybody is margined again. On the
// processor, whatever backend computed the run: it reads scenarios that it is given, and has every backend's bits.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "host/engine/crowding_pass.hpp"
#include "host/engine/price_impact.hpp"

namespace tailmargin {

class CrowdingStudy {
 public:
  /// @param model   with crowding. All must outlive this.
  /// @param tables  the run's, as bytes; they need not outlive it
  /// @throws UsageError if the scenarios are too many to keep or no regime has the name that crowding asks for,
  ///         BackendUnavailable, InputError if accounts hold too much, and as check_given() of liquidations that are
  ///         given
  CrowdingStudy(const PreparedRun& run, const Book& book, const Model& model, const RunConfig& config,
                const std::string& tables);

  /// Adds figures to the result, whose margins must be there, and warnings of underlyings that cannot move.
  /// @param backend  that computed the run
  /// @param tails    of the run; the scenarios that they may have kept are taken from them
  /// @throws Interrupted
  void add_to(RunResult& result, const Backend& backend, AccountTails& tails);

 private:
  struct Round;
  Observations scenarios(AccountTails& tails) const;
  AccountTails find(const Observations& observations);
  Round look(const AccountTails& tails, const Observations& observations, const RunResult& result) const;
  CrowdingRound summarise(const Round& round) const;
  std::vector<CrowdedPrice> summarise_prices(const PathLiquidations& all, const PathShortfalls& paths) const;
  void set_accounts(const AccountTails& before, const Round& first, const AccountTails& after, const Round& second,
                    std::vector<AccountMargin>& margins) const;
  void warn_of_still_prices(const PathLiquidations& all, std::vector<Diagnostic>& warnings) const;

  const PreparedRun& run_;
  const Book& book_;
  const Model& model_;
  RunConfig config_;
  HostLoops loops_;
  std::unique_ptr<Backend> backend_;
  std::vector<PriceImpact> impacts_;  // [underlying]
  LiquidatedDeltas deltas_;
  std::vector<double> loss_to_liquidation_;  // [account] USD
};

}  // namespace tailmargin
