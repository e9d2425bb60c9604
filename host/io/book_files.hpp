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

/// Writes a book folder (created if missing): all of its files or, on failure, none. positions and collateral are
/// written only if `parts` is all.
/// @throws FileError if the folder cannot be written, UsageError if another process is writing to it
void write_book(const Book& book, const std::filesystem::path& folder, FileFormat format, BookParts parts);

}  // namespace tailmargin
