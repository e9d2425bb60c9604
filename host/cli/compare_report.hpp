// What the compare command says.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "host/io/compare_files.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin {

/// How the Monte Carlo margins were made.
struct MonteCarloRun {
  std::string model, backend, device;
  std::uint64_t num_paths = 0, num_steps = 0, num_factors = 0, seed = 0;
  std::vector<std::string> notes;
};

struct CompareReport {
  ComparedBook compared;
  std::optional<MonteCarloRun> run;
  std::size_t num_positions = 0;
  std::string out;  ///< folder written to; empty: none
  std::vector<StageTime> stages;
  double total_seconds = 0.0;
};

/// Sums of a method over the book, and beside Monte Carlo where the method covers an account in full.
struct MethodTotals {
  double initial_usd = 0.0, maintenance_usd = 0.0;
  std::uint64_t accounts_in_full = 0;
  std::optional<double> over_monte_carlo;  ///< initial over Monte Carlo's, over the accounts in full
};

MethodTotals totals_of(const ComparedBook& compared, const venues::BookRequirement& method);

std::string compare_text(const CompareReport& report);

/// The same book and methods give the same bytes: no times, no folders.
std::string compare_json(const CompareReport& report);

/// One account with every term of every method.
struct AccountReport {
  std::string account;
  std::optional<AccountMargin> monte_carlo;
  std::optional<MonteCarloRun> run;
  std::vector<venues::ExplainedMargin> methods;
};

/// Terms in shortest numbers: added up in the order printed they are the margins printed.
std::string account_text(const AccountReport& report);

std::string account_json(const AccountReport& report);

/// The Monte Carlo margin as terms that add up to it, bit by bit: the expected shortfall and what the model's uplift
/// adds, or the terms of a model that has them (tailmargin/margin_terms.hpp).
std::vector<venues::Term> monte_carlo_terms(const AccountMargin& margin);

}  // namespace tailmargin
