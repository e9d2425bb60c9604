// One account's row of a table that a run wrote.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/domain/validate/row_batch.hpp"

namespace tailmargin {

/// The numbers in the columns behind the first, which names accounts.
/// @throws InputError if the table is not as it says, FileError if the account is not in it
std::vector<double> read_account_row(const std::filesystem::path& file, const TableSpec& table,
                                     const std::string& account);

}  // namespace tailmargin
