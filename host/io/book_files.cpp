#include "host/io/book_files.hpp"

#include <array>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

#include "host/domain/validate/book_builder.hpp"
#include "host/domain/validate/book_tables.hpp"
#include "host/domain/validate/text.hpp"
#include "host/io/pending_file.hpp"
#include "host/io/staged_folder.hpp"
#include "host/io/table_reader.hpp"
#include "host/io/table_writer.hpp"
#include "host/io/toml_table.hpp"

namespace tailmargin {
namespace {

namespace fs = std::filesystem;

// --- reading ---------------------------------------------------------------------------------------------------

std::optional<UtcTime> read_as_of(TomlTable& table) {
  const TomlValue* value = table.value("as_of");
  if (!value) {
    table.missing("as_of",
                  "the key is missing (nothing can be valued without its time). Add as_of = 2026-02-05T21:29:37Z.");
    return std::nullopt;
  }
  const bool can_be_time = value->kind == TomlValue::Kind::text || value->kind == TomlValue::Kind::time;
  const auto time = can_be_time ? parse_utc_time(value->text) : std::nullopt;
  if (!time) {
    table.error("as_of", *value,
                "this is not a UTC time (times look like 2026-02-05T21:29:37Z, no other offset). Correct it.");
  }
  return time;
}

BookHeader read_header(const fs::path& folder, Diagnostics& diagnostics) {
  static constexpr double largest = std::numeric_limits<double>::max();
  ProblemLog problems("book.toml");
  BookHeader header;
  std::ifstream stream(folder / "book.toml", std::ios::binary);
  if (!stream) {
    problems.error(0, "", "", "the file is missing (it gives the valuation time). Add it with an as_of.");
  } else {
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    if (const auto root = parse_toml(text, problems)) {
      TomlTable table(*root, "", problems);
      header.as_of = read_as_of(table);
      header.name = table.text("name").value_or("");
      header.numeraire = table.text("numeraire").value_or("USD");
      header.insurance_fund_usd = table.number("insurance_fund_usd", {0.0, largest, false, false, "at least 0"});
      if (const char* problem = name_problem(header.numeraire))
        problems.error(0, "numeraire", header.numeraire, problem);
      table.finish();
    }
  }
  problems.append_to(diagnostics);
  return header;
}

using AddRows = void (BookBuilder::*)(const RowBatch&, ProblemLog&);
using FinishTable = void (BookBuilder::*)(Completeness, ProblemLog&);

/// Reads one table into the builder; a table that is not there counts as partial.
Completeness read_into(BookBuilder& builder, const fs::path& folder, const TableSpec& table, AddRows add,
                       ProblemLog& problems, Diagnostics& diagnostics) {
  const auto file = find_table(folder, table, diagnostics);
  if (!file) return Completeness::partial;
  problems = ProblemLog(file->filename().string());
  return read_table(*file, table, problems, [&](const RowBatch& batch) { (builder.*add)(batch, problems); });
}

void read_market_table(BookBuilder& builder, const fs::path& folder, const TableSpec& table, AddRows add,
                       FinishTable finish, Diagnostics& diagnostics) {
  ProblemLog problems(table.name);
  const Completeness completeness = read_into(builder, folder, table, add, problems, diagnostics);
  (builder.*finish)(completeness, problems);
  problems.append_to(diagnostics);
}

void read_holdings(BookBuilder& builder, const fs::path& folder, Diagnostics& diagnostics) {
  ProblemLog of_positions(tables::positions.name), of_collateral(tables::collateral.name);
  const Completeness positions =
      read_into(builder, folder, tables::positions, &BookBuilder::add_positions, of_positions, diagnostics);
  const Completeness collateral =
      read_into(builder, folder, tables::collateral, &BookBuilder::add_collateral, of_collateral, diagnostics);
  const bool whole = positions == Completeness::whole && collateral == Completeness::whole;
  builder.finish_holdings(whole ? Completeness::whole : Completeness::partial, of_positions, of_collateral);
  of_positions.append_to(diagnostics);
  of_collateral.append_to(diagnostics);
}

// --- writing ---------------------------------------------------------------------------------------------------

/// A TOML basic string. Names of a checked book hold no control characters, but a book made in memory may.
std::string toml_string(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte == 0x7F) {
      out += {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + "\"";
}

void write_header(const Book& book, const fs::path& folder) {
  std::string text = "as_of = " + format_utc_time(book.as_of) + "\n";
  if (!book.name.empty()) text += "name = " + toml_string(book.name) + "\n";
  text += "numeraire = " + toml_string(book.numeraire) + "\n";
  if (book.insurance_fund_usd) {
    std::string number = shortest_number(*book.insurance_fund_usd);
    if (number.find_first_of(".e") == std::string::npos) number += ".0";  // TOML integers end at 2^63
    text += "insurance_fund_usd = " + number + "\n";
  }
  write_whole_file(folder / "book.toml", text);
}

void write_underlyings(const Book& book, TableWriter& out) {
  for (const Underlying& u : book.underlyings) {
    out.text(u.name);
    out.number(u.index_price_usd);
    out.number(u.adv_usd);
    out.number(u.funding_rate_8h);
  }
}

const std::string& asset_name(const Book& book, UnderlyingId asset) {
  return asset == no_underlying ? book.numeraire : book.underlyings.at(asset).name;
}

void write_instruments(const Book& book, TableWriter& out) {
  static constexpr std::array<const char*, 4> kinds = {"spot", "perpetual", "future", "option"};
  for (const Instrument& i : book.instruments) {
    const bool is_option = i.kind == InstrumentKind::option;
    out.text(i.name);
    out.text(kinds.at(static_cast<std::size_t>(i.kind)));
    out.text(book.underlyings.at(i.underlying).name);
    out.text(asset_name(book, i.settlement));
    out.text(i.payoff == Payoff::linear ? "linear" : "inverse");
    out.number(i.contract_size);
    is_option || i.kind == InstrumentKind::future ? out.time(i.expiry) : out.missing();
    is_option ? out.number(i.strike) : out.missing();
    is_option ? out.text(i.option_type == OptionType::call ? "call" : "put") : out.missing();
  }
}

void write_market(const Book& book, TableWriter& out) {
  for (std::size_t i = 0; i < book.instruments.size(); ++i) {
    const Quote& quote = book.quotes.at(i);
    out.text(book.instruments[i].name);
    for (const auto& value : {quote.mark_price, quote.forward, quote.mark_iv, quote.bid, quote.ask, quote.open_interest,
                              quote.volume_24h}) {
      out.number(value);
    }
  }
}

bool same_holding(const Position& a, const Position& b) {
  return a.account == b.account && a.instrument == b.instrument;
}

void write_venue(const Book& book, AccountId part, TableWriter& out) {
  const std::string& venue = book.by_venue.venues.at(book.by_venue.parts.at(part).venue);
  venue.empty() ? out.missing() : out.text(venue);
}

void write_positions_by_venue(const Book& book, TableWriter& out) {
  for (const Position& position : book.by_venue.positions) {
    out.text(book.accounts.at(book.by_venue.parts.at(position.account).account));
    out.text(book.instruments.at(position.instrument).name);
    out.number(position.quantity);
    out.number(position.entry_price);
    write_venue(book, position.account, out);
  }
}

/// Where venues are not known, positions of one account in one instrument with different entry prices are told apart by
/// venues 1, 2, ...
void write_positions(const Book& book, TableWriter& out) {
  if (!book.by_venue.empty()) { return write_positions_by_venue(book, out); }
  std::uint32_t lot = 1;
  for (std::size_t p = 0; p < book.positions.size(); ++p) {
    const Position& position = book.positions[p];
    const bool follows = p > 0 && same_holding(book.positions[p - 1], position);
    const bool is_followed = p + 1 < book.positions.size() && same_holding(position, book.positions[p + 1]);
    lot = follows ? lot + 1 : 1;
    out.text(book.accounts.at(position.account));
    out.text(book.instruments.at(position.instrument).name);
    out.number(position.quantity);
    out.number(position.entry_price);
    follows || is_followed ? out.text(std::to_string(lot)) : out.missing();
  }
}

void write_collateral(const Book& book, TableWriter& out) {
  for (const CollateralBalance& balance : book.by_venue.collateral) {
    out.text(book.accounts.at(book.by_venue.parts.at(balance.account).account));
    out.text(asset_name(book, balance.asset));
    out.number(balance.amount);
    write_venue(book, balance.account, out);
  }
  if (!book.by_venue.empty()) { return; }
  for (const CollateralBalance& balance : book.collateral) {
    out.text(book.accounts.at(balance.account));
    out.text(asset_name(book, balance.asset));
    out.number(balance.amount);
    out.missing();
  }
}

void write_table(const Book& book, const fs::path& folder, const TableSpec& table, FileFormat format,
                 void (*write_rows)(const Book&, TableWriter&)) {
  const auto out = create_table(folder, table, format);
  write_rows(book, *out);
  out->commit();
}

}  // namespace

Book read_book(const fs::path& folder, BookParts parts, Diagnostics& diagnostics) {
  if (!fs::is_directory(folder)) {
    diagnostics.error(folder.string(), 0, "", "", "there is no such folder (a book is a folder). Check the path.");
    return {};
  }
  BookBuilder builder(read_header(folder, diagnostics));
  read_market_table(builder, folder, tables::underlyings, &BookBuilder::add_underlyings,
                    &BookBuilder::finish_underlyings, diagnostics);
  read_market_table(builder, folder, tables::instruments, &BookBuilder::add_instruments,
                    &BookBuilder::finish_instruments, diagnostics);
  read_market_table(builder, folder, tables::market, &BookBuilder::add_quotes, &BookBuilder::finish_quotes,
                    diagnostics);
  if (parts == BookParts::all) read_holdings(builder, folder, diagnostics);
  return builder.take_book();
}

void write_book(const Book& book, const fs::path& folder, FileFormat format, BookParts parts) {
  StagedFolder staged(folder);
  write_header(book, staged.path());
  write_table(book, staged.path(), tables::underlyings, format, write_underlyings);
  write_table(book, staged.path(), tables::instruments, format, write_instruments);
  write_table(book, staged.path(), tables::market, format, write_market);
  if (parts == BookParts::all) {
    write_table(book, staged.path(), tables::positions, format, write_positions);
    write_table(book, staged.path(), tables::collateral, format, write_collateral);
  }
  staged.commit();
}

}  // namespace tailmargin
