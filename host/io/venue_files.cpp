#include "host/io/venue_files.hpp"

#include "host/io/account_row.hpp"
#include "host/io/pending_file.hpp"
#include "host/io/table_writer.hpp"

namespace tailmargin {
namespace {

namespace fs = std::filesystem;

void write_parts(const VenueMargins& venues, const fs::path& folder) {
  static const TableSpec table{"venues",
                               {{"account", ColumnType::text},
                                {"venue", ColumnType::text, Presence::optional},
                                {"num_positions", ColumnType::integer},
                                {"gross_notional_usd", ColumnType::number},
                                {"equity_usd", ColumnType::number},
                                {"es_usd", ColumnType::number},
                                {"es_se_usd", ColumnType::number},
                                {"margin_usd", ColumnType::number},
                                {"shortfall_probability", ColumnType::number},
                                {"stranded_probability", ColumnType::number}}};
  const auto out = create_table(folder, table, FileFormat::csv);
  for (const VenueMargin& part : venues.parts) {
    out->text(part.account);
    part.venue.empty() ? out->missing() : out->text(part.venue);
    out->integer(part.num_positions);
    for (const double value : {part.gross_notional_usd, part.equity_usd, part.es_usd, part.es_se_usd, part.margin_usd,
                               part.shortfall_probability, part.stranded_probability}) {
      out->number(value);
    }
  }
  out->commit();
}

const TableSpec& accounts_table() {
  static const TableSpec table{"venue_accounts",
                               {{"account", ColumnType::text},
                                {"num_venues", ColumnType::integer},
                                {"venue_margins_usd", ColumnType::number},
                                {"consolidated_margin_usd", ColumnType::number},
                                {"hidden_offset_usd", ColumnType::number},
                                {"stranded_probability", ColumnType::number}}};
  return table;
}

void write_accounts(const VenueMargins& venues, const fs::path& folder) {
  const auto out = create_table(folder, accounts_table(), FileFormat::csv);
  for (const AccountVenues& account : venues.accounts) {
    out->text(account.account);
    out->integer(account.num_venues);
    for (const double value : {account.venue_margins_usd, account.consolidated_margin_usd, account.hidden_offset_usd(),
                               account.stranded_probability}) {
      out->number(value);
    }
  }
  out->commit();
}

}  // namespace

void write_venues(const VenueMargins& venues, const fs::path& folder) {
  if (venues.accounts.empty()) return;
  create_folder(folder);
  write_parts(venues, folder);
  write_accounts(venues, folder);
}

AccountVenues read_venue_account(const fs::path& file, const std::string& account) {
  const std::vector<double> row = read_account_row(file, accounts_table(), account);
  return {account, static_cast<std::uint32_t>(row[0]), row[1], row[2], row[4]};  // row[3] is the difference
}

}  // namespace tailmargin
