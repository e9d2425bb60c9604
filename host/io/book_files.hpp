// Books on disk: a folder with book.toml and tables as CSV or Parquet. Columns: docs/files.md.
#pragma once

#include <filesystem>

#include "tailmargin/book.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin {

enum class FileFormat : std::uint8_t { csv, parquet };

enum class BookParts : std::uint8_t {
  all,          ///< positions and collateral are required
  market_only,  ///< book.toml, underlyings, instruments, market; positions and collateral are not read
};

/// Reads and checks a book. Every problem goes to `diagnostics`; if it holds errors the book must not be used.
/// The book returned is sorted as book.hpp says.
Book read_book(const std::filesystem::path& folder, BookParts parts, Diagnostics& diagnostics);

/// Writes a book folder (created if missing). Each file is written beside its place and then renamed, so a
/// reader never sees half a file. positions and collateral are written only if `parts` is all.
/// @throws std::runtime_error if the folder cannot be written
void write_book(const Book& book, const std::filesystem::path& folder, FileFormat format, BookParts parts);

}  // namespace tailmargin
