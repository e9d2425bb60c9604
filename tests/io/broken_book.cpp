#include "tests/io/broken_book.hpp"

#include <stdexcept>

namespace tailmargin::test {
namespace {

const std::map<std::string, std::string> good_files = {
    {"book.toml", R"(as_of = 2026-02-05T21:29:37Z
name = "tiny"
insurance_fund_usd = 1000000.0
)"},
    {"underlyings.csv", R"(underlying,index_price,adv_usd,funding_rate_8h
BTC,70000,2e10,0.0001
ETH,2000,1e10,
USDC,1,,
)"},
    {"instruments.csv", R"(instrument,kind,underlying,settlement,payoff,contract_size,expiry,strike,option_type
BTC-SPOT,spot,BTC,USD,linear,1,,,
BTC-PERP,perpetual,BTC,BTC,inverse,10,,,
BTC-MAR,future,BTC,BTC,inverse,10,2026-03-27T08:00:00Z,,
BTC-MAR-80000-C,option,BTC,BTC,inverse,1,2026-03-27T08:00:00Z,80000,call
ETH-PERP-USDC,perpetual,ETH,USDC,linear,1,,,
ETH-MAR-1500-P,option,ETH,USDC,linear,1,2026-03-27T08:00:00Z,1500,put
)"},
    {"market.csv", R"(instrument,mark_price,forward,mark_iv,bid,ask,open_interest,volume_24h
BTC-SPOT,70000,,,69999,70001,,1000
BTC-PERP,70010,,,70009,70011,1e8,5e8
BTC-MAR,70500,,,,,,
BTC-MAR-80000-C,0.021,70500,0.55,0.02,0.022,120,
ETH-PERP-USDC,2001,,,,,,
ETH-MAR-1500-P,,2010,0.8,,,,
)"},
    {"positions.csv", R"(account,instrument,quantity,entry_price,venue
alice,BTC-PERP,-1000,71000,
alice,BTC-MAR-80000-C,2.5,,
bob,ETH-PERP-USDC,10,,north
bob,ETH-PERP-USDC,5,,south
)"},
    {"collateral.csv", R"(account,asset,amount,venue
alice,BTC,1.5,
bob,USDC,-250,
carol,USD,10000,
)"}};

}  // namespace

BrokenBook::BrokenBook() : files_(good_files) {}

BrokenBook& BrokenBook::replace(const std::string& file, std::string_view from, std::string_view to) {
  files_.at(file) = edited(files_.at(file), from, to);
  return *this;
}

BrokenBook& BrokenBook::append(const std::string& file, std::string_view text) {
  files_.at(file) += text;
  return *this;
}

BrokenBook& BrokenBook::write(const std::string& file, std::string text) {
  files_[file] = std::move(text);
  return *this;
}

BrokenBook& BrokenBook::remove(const std::string& file) {
  if (files_.erase(file) == 0) throw std::logic_error("no file " + file);
  return *this;
}

BrokenBook& BrokenBook::rename(const std::string& file, const std::string& to) {
  files_[to] = files_.at(file);
  return remove(file);
}

BrokenBook& BrokenBook::as_parquet(const std::string& table) {
  TemporaryFolder csv, parquet;
  save(csv.path());
  Diagnostics none;
  write_book(read_book(csv.path(), BookParts::all, none), parquet.path(), FileFormat::parquet, BookParts::all);
  write(table + ".parquet", read_bytes(parquet.path() / (table + ".parquet")));
  return remove(table + ".csv");
}

BrokenBook& BrokenBook::cut(const std::string& file, std::size_t bytes) {
  files_.at(file).resize(bytes);
  return *this;
}

void BrokenBook::save(const std::filesystem::path& folder) const {
  for (const auto& [file, text] : files_) write_bytes(folder / file, text);
}

std::vector<Diagnostic> BrokenBook::problems(BookParts parts) const {
  TemporaryFolder folder;
  save(folder.path());
  Diagnostics diagnostics;
  read_book(folder.path(), parts, diagnostics);
  return diagnostics.items();
}

std::string edited(std::string text, std::string_view from, std::string_view to) {
  const std::size_t place = text.find(from);
  if (place == std::string::npos) throw std::logic_error("the good text does not hold " + std::string(from));
  return text.replace(place, from.size(), to);
}

}  // namespace tailmargin::test
