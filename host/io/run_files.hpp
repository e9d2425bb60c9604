// What a run leaves behind: margins, the manifest, tail paths, and errors.csv when the input was bad.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "host/io/book_files.hpp"
#include "tailmargin/diagnostics.hpp"
#include "tailmargin/engine.hpp"

namespace tailmargin {

/// margins.csv or margins.parquet: one row per account, columns in the order of AccountMargin, sorted by account,
/// shortest round-trip numbers. Written beside its place, then renamed. Returns the file written.
std::filesystem::path write_margins(const std::vector<AccountMargin>& margins, const std::filesystem::path& folder,
                                    FileFormat format);

/// tail_paths.parquet: account, rank (0 worst), path. Only if the run kept tail paths.
void write_tail_paths(const std::vector<AccountMargin>& margins, const std::filesystem::path& folder);

/// Writes tail_fits.csv: the law fitted to each account's tail beside its ES.
void write_tail_fits(const std::vector<AccountMargin>& margins, const std::filesystem::path& folder);

/// Writes terms.csv: the expected shortfalls that the terms of each account's margin were made from.
void write_terms(const std::vector<AccountMargin>& margins, const std::filesystem::path& folder);

/// Writes regime_es.csv: the parts of each account's ES by the time that the paths of its tail spend in each regime.
void write_regime_es(const std::vector<AccountMargin>& margins, const Model& model,
                     const std::filesystem::path& folder);

/// Writes controlled_es.csv: ES of each account with and without its control variate, and how much variance it takes
/// out.
void write_controlled_es(const std::vector<AccountMargin>& margins, const std::filesystem::path& folder);

/// Writes contributions.csv: what every holding adds to the ES of its account.
/// @param accounts  [account of the book]
void write_contributions(const std::vector<std::vector<HoldingShare>>& accounts, const Book& book,
                         const std::filesystem::path& folder);

/// prepared.bin: the tables of RunResult::prepared_tables; its SHA-256 stands in run.json.
void write_prepared_tables(const std::string& tables, const std::filesystem::path& folder);

/// errors.csv: file, row, field, value, severity, reason, in the order found.
void write_errors(const Diagnostics& diagnostics, const std::filesystem::path& folder);

/// Reads back a margins file (csv or parquet), for reports and checks.
std::vector<AccountMargin> read_margins(const std::filesystem::path& file);

/// Columns of the margins file in which two rows do not have the same bits, in their order.
std::vector<std::string> different_columns(const AccountMargin& a, const AccountMargin& b);

/// Lower-case hex SHA-256 of a file, of bytes.
std::string sha256_file(const std::filesystem::path& file);
std::string sha256_bytes(const void* data, std::size_t size);

/// What goes into run.json beside the result.
struct RunManifest {
  std::filesystem::path book_folder, model_file, margins_file, exchange_file;
  std::string command_line;
  double total_seconds = 0.0;
  std::uint64_t peak_rss_bytes = 0;
};

/// run.json: hashes of inputs and outputs, full configuration and model text, versions, backend, device,
/// stage times, warnings.
void write_run_manifest(const RunManifest& manifest, const RunConfig& config, const Model& model,
                        const RunResult& result, const Diagnostics& diagnostics, const std::filesystem::path& folder);

}  // namespace tailmargin
