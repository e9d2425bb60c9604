// The terms of every account's margin.
#pragma once

#include <vector>

#include "host/engine/account_margins.hpp"
#include "host/engine/account_parts.hpp"
#include "host/engine/position_terms.hpp"
#include "host/engine/stress_scenarios.hpp"
#include "tailmargin/margin_terms.hpp"

namespace tailmargin {

/// What is left of the buffer of a model with terms: all of it while a crisis start is no likelier than in the long
/// run, nothing when it is certain, linear in between.
double buffer_left(const Model& model);

/// What terms are computed from, prepared once for a book.
class TermsEngine {
 public:
  /// @param model  with terms. All must outlive this.
  /// @param keep_scenarios  simulate them now, for a backend that reads observations, and for many answers
  /// @throws InputError, Interrupted
  TermsEngine(const PreparedRun& run, const Book& book, const Model& model, const RunConfig& config,
              bool keep_scenarios = false);

  /// Adds the terms of accounts of the run's plan, or of one like it, and the margins that they make.
  /// @param margins  [account] with the run's own figures
  void add_terms(Backend& backend, const AccountPlan& accounts, std::vector<AccountMargin>& margins) const;

  /// The run's own first paths, if they are kept.
  const Observations* own_observations() const { return scenarios_.find(StressScenario::own)->observations(); }

 private:
  struct Parts;
  Parts find_parts(Backend& backend, const AccountPlan& accounts, const std::vector<double>& expected_var) const;
  void set_own(const AccountPlan& accounts, const Parts& parts, std::vector<AccountTerms>& terms) const;
  void set_rests(Backend& backend, const AccountPlan& accounts, const Parts& parts,
                 std::vector<AccountTerms>& terms) const;
  void set_correlations(Backend& backend, const AccountPlan& accounts, const std::vector<double>& expected_var,
                        std::vector<AccountTerms>& terms) const;
  AccountTails tails(Backend& backend, const StressScenarios::Scenario& scenario, const AccountPlan& accounts,
                     const std::vector<double>* expected_var = nullptr) const;
  void weigh(const AccountPlan& accounts, std::uint64_t account, AccountTerms& terms, AccountMargin& margin) const;
  double floor_usd(const AccountTerms& terms) const;

  const PreparedRun& run_;
  const Model& model_;
  RunConfig config_;
  StressScenarios scenarios_;
  std::vector<ContractCosts> costs_;
  double buffer_ = 0.0;  ///< what is left of it
};

}  // namespace tailmargin
