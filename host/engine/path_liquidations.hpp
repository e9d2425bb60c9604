// Liquidations of parts of a book, added up.
#pragma once

#include "tailmargin/book.hpp"
#include "tailmargin/crowding.hpp"

namespace tailmargin {

/// Of the accounts of a book, by rising name.
std::vector<AccountMark> account_marks(const Book& book);

/// Whether liquidations may move the prices of a run.
/// @param scenarios  the number of the run's paths
/// @throws UsageError if they are of other paths, InputError if they were read from files or do not hold the accounts
/// of
///         the book as these are
void check_given(const PathLiquidations& given, std::uint64_t scenarios, std::uint64_t num_paths, const Book& book);

}  // namespace tailmargin
