// From accounts to margins: the backend, tails in the precision each account needs, figures of the margins file. Shared
// by the run over a whole book and by what-ifs.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/backends/backend.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin {

/// @throws UsageError if the number of paths cannot be
void check_config(const RunConfig& config);

/// The same for passes beside the run's own: they say nothing and keep nothing.
RunConfig silent(RunConfig config);

/// @throws UsageError naming those there are
Isa parse_isa(const std::string& isa);

/// The backend of a configuration; what was chosen for the caller goes to notes.
/// @throws BackendUnavailable
std::unique_ptr<Backend> make_backend(const RunConfig& config, std::vector<std::string>& notes);

/// The same for a few accounts: on the processor, which keeps what it simulated and is quicker with one account, and
/// which gives the bits of the GPU. @throws BackendUnavailable, also if a GPU is asked for and there is none
std::unique_ptr<Backend> make_backend_for_one(RunConfig config, std::vector<std::string>& notes);

/// Tails of accounts: in float, and in double of those for which float is not enough.
struct AccountTails {
  Tails single;                        ///< [account]
  std::vector<std::uint64_t> inexact;  ///< rising
  Tails exact;                         ///< of those, in their order
  Observations observations;           ///< of the run, if shortfalls were asked for and the backend kept them

  const TailFigures& figures(std::uint64_t account) const;
  /// [regime]; empty if the run does not ask for it.
  std::vector<double> regime_es(std::uint64_t account) const;
  /// Worst first, the paths with a share in ES; needs a configuration that keeps tail paths.
  std::vector<TailLoss<double>> tail(std::uint64_t account) const;

 private:
  std::pair<const Tails*, std::uint64_t> find(std::uint64_t account) const;
};

/// @param observations  of this run, or null: the backend simulates
/// @param shortfalls    whether the tails list shortfalls where they can
/// @param expected_var  as in TailsRequest
AccountTails find_tails(Backend& backend, const PreparedRun& run, const AccountPlan& accounts, const RunConfig& config,
                        const Observations* observations = nullptr, ListShortfalls shortfalls = ListShortfalls::no,
                        const std::vector<double>* expected_var = nullptr);

/// @param names  [account]
std::vector<AccountMargin> make_margins(const std::vector<std::string>& names, const Model& model,
                                        const AccountPlan& accounts, const AccountTails& tails);

}  // namespace tailmargin
