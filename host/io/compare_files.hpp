// What a comparison leaves behind.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/venues/compare.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin {

/// The margins of a book under several methods.
struct ComparedBook {
  std::vector<std::string> accounts;             ///< sorted
  std::vector<std::uint32_t> num_positions;      ///< [account] instruments held
  std::vector<AccountMargin> monte_carlo;        ///< [account], or empty if not asked for
  std::vector<venues::BookRequirement> methods;  ///< in the order asked for
};

/// compare.csv: a row per account, per method initial and maintenance margin and what was left out.
void write_compare_table(const ComparedBook& compared, const std::filesystem::path& folder);

/// compare_left_out.csv: what each method cannot express, why, and how many accounts hold it.
void write_left_out(const ComparedBook& compared, const std::filesystem::path& folder);

}  // namespace tailmargin
