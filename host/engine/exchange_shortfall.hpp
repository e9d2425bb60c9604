// Step 5: shortfalls of all accounts on shared paths. First find() for the sums of every path, then worst_paths() of
// these, then find() once more on those alone, for what each account has in them.
#pragma once

#include <optional>
#include <vector>

#include "host/backends/backend.hpp"
#include "host/engine/account_margins.hpp"
#include "host/engine/shortfall_statistics.hpp"

namespace tailmargin {

/// @param names  [account]
/// @throws InputError if the accounts may lack too much for exact sums
void check_shortfall_sums(const PreparedRun& run, const AccountPlan& accounts, const AccountTails& tails,
                          const std::vector<std::string>& names);

/// Finds the shortfalls of a set of accounts from their tails where these tell them, and by a pass over all paths of
/// the others that fall short at all. Everything must outlive it.
class ShortfallFinder {
 public:
  /// @param names  [account], for messages
  /// @throws InputError if the accounts may lack too much for exact sums
  ShortfallFinder(Backend& backend, const PreparedRun& run, const AccountPlan& accounts, const AccountTails& tails,
                  const RunConfig& config, const std::vector<std::string>& names);

  /// Shortfalls on every path, with the weights of the run.
  Shortfalls find() const;
  /// On the paths of positive weight only.
  /// @param weights  [path]
  Shortfalls find(const std::vector<std::uint32_t>& weights) const;

 private:
  void choose_accounts();
  Shortfalls add_up(const std::vector<std::uint32_t>* weights) const;
  void add_listed(const std::vector<std::uint32_t>* weights, Shortfalls& out) const;
  void add_pass(Precision precision, const std::vector<std::uint64_t>& accounts,
                const std::vector<std::uint32_t>* weights, Shortfalls& out) const;

  /// Where the tail of an account lists its shortfalls.
  struct Listed {
    std::uint64_t account;
    const TailShortfalls* list;
  };

  Backend& backend_;
  const PreparedRun& run_;
  const AccountPlan& accounts_;
  const AccountTails& tails_;
  const RunConfig& config_;
  std::vector<Listed> listed_;                 // by rising account
  std::vector<std::uint64_t> single_, exact_;  // the others that fall short, by the precision of their margins
};

/// The two columns of margins that tell of shortfalls.
void set_shortfalls(const PreparedRun& run, const Shortfalls& found, std::vector<AccountMargin>& margins);

/// All of it for the accounts of a run: fills the result's `exchange` and the two columns of its margins.
void add_exchange_shortfall(Backend& backend, const PreparedRun& run, const AccountTails& tails,
                            const RunConfig& config, std::optional<double> fund_usd, RunResult& result);

}  // namespace tailmargin
