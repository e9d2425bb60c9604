#include "host/engine/path_liquidations.hpp"

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <utility>

#include "host/engine/byte_number.hpp"
#include "host/engine/exact_sums.hpp"

namespace tailmargin {
namespace {

/// @param others  what they should be of the same paths as
std::string other_paths(const std::string& others) {
  return "these liquidations are not of the same paths as " + others +
         " (their sums would mean nothing). Run all parts with the same market, model, seed, sampler and number of "
         "paths.";
}

bool by_name(const AccountMark& a, const AccountMark& b) { return a.name < b.name; }

bool same_paths(const PathLiquidations& a, const PathLiquidations& b) {
  return a.scenarios == b.scenarios && a.num_paths == b.num_paths && a.accounts.size() == b.accounts.size() &&
         a.delta_cents.size() == b.delta_cents.size();
}

/// What problems of liquidations are reported under.
std::string source_of(const PathLiquidations& liquidations) {
  return liquidations.files.size() == 1 ? liquidations.files.front() : "liquidations";
}

std::uint64_t with_name(std::uint64_t number, const std::string& name) { return number_of_bytes(name + '\n', number); }

std::uint64_t with_value(std::uint64_t number, double value) {
  return number_of_bytes({reinterpret_cast<const char*>(&value), sizeof value}, number);
}

/// [account] of its rows in the book's order: instruments, quantities, entry prices, balances.
std::vector<std::uint64_t> holdings_numbers(const Book& book) {
  std::vector<std::uint64_t> numbers(book.accounts.size(), number_of_bytes({}));
  for (const Position& p : book.positions) {
    std::uint64_t& number = numbers[p.account];
    number = with_value(with_name(number, book.instruments[p.instrument].name), p.quantity);
    number = p.entry_price ? with_value(number, *p.entry_price) : with_name(number, "");
  }
  for (const CollateralBalance& c : book.collateral) {
    const std::string& asset = c.asset == no_underlying ? book.numeraire : book.underlyings[c.asset].name;
    numbers[c.account] = with_value(with_name(numbers[c.account], asset), c.amount);
  }
  return numbers;
}

/// Accounts of the book that the parts do not have, or not with what they hold, are counted; the first is named.
struct Unknown {
  std::uint64_t count = 0;
  std::string first;

  void add(const std::string& name) {
    if (count++ == 0) { first = name; }
  }
};

void check_own_accounts(const PathLiquidations& given, const Book& book) {
  if (given.marks.empty()) { return; }  // not told
  std::map<std::uint64_t, std::string> names;
  for (const std::string& name : book.accounts) { names.emplace(number_of_bytes(name), name); }
  Unknown missing, changed;
  for (const AccountMark& mark : account_marks(book)) {
    const auto found = std::lower_bound(given.marks.begin(), given.marks.end(), mark, by_name);
    if (found == given.marks.end() || found->name != mark.name) {
      missing.add(names[mark.name]);
    } else if (found->holdings != mark.holdings) {
      changed.add(names[mark.name]);
    }
  }
  Diagnostics diagnostics;
  if (missing.count != 0) {
    diagnostics.error(source_of(given), 0, "account", missing.first,
                      std::to_string(missing.count) +
                          " accounts of the book are in none of these parts, this among them (their liquidations would "
                          "not count). Name the files of all parts, this book's own too.");
  }
  if (changed.count != 0) {
    diagnostics.error(source_of(given), 0, "account", changed.first,
                      std::to_string(changed.count) +
                          " accounts of the book hold something else than in these parts, this among them (what they "
                          "liquidate would be another book's). Run the parts anew with --keep-liquidations.");
  }
  if (diagnostics.has_errors()) { throw InputError(std::move(diagnostics)); }
}

}  // namespace

std::vector<AccountMark> account_marks(const Book& book) {
  const std::vector<std::uint64_t> holdings = holdings_numbers(book);
  std::vector<AccountMark> marks;
  for (std::size_t a = 0; a < book.accounts.size(); ++a) {
    marks.push_back({number_of_bytes(book.accounts[a]), holdings[a]});
  }
  std::sort(marks.begin(), marks.end(), by_name);
  return marks;
}

void check_given(const PathLiquidations& given, std::uint64_t scenarios, std::uint64_t num_paths, const Book& book) {
  const bool same = given.scenarios == scenarios && given.num_paths == num_paths &&
                    given.accounts.size() == num_paths &&
                    given.delta_cents.size() == book.underlyings.size() * num_paths;
  if (!same && given.files.empty()) { throw UsageError(other_paths("this run")); }
  Diagnostics diagnostics;
  for (const std::string& file : same ? std::vector<std::string>{} : given.files) {
    diagnostics.error(file, 0, "", "", other_paths("this run"));
  }
  if (!same) { throw InputError(std::move(diagnostics)); }
  check_own_accounts(given, book);
}

void check_parts(const std::vector<PathLiquidations>& parts, Diagnostics& diagnostics) {
  std::vector<AccountMark> seen;
  for (const PathLiquidations& part : parts) {
    const PathLiquidations& first = parts.front();
    if (!same_paths(first, part)) {
      diagnostics.error(source_of(part), 0, "", "", other_paths("those of " + source_of(first)));
    }
    if (first.model != part.model && first.model != 0 && part.model != 0) {
      diagnostics.error(source_of(part), 0, "", "",
                        "these liquidations come from another model than those of " + source_of(first) +
                            " (its margins liquidate others). Run all parts with the same model.");
    }
    std::vector<AccountMark> twice, all;
    std::set_intersection(seen.begin(), seen.end(), part.marks.begin(), part.marks.end(), std::back_inserter(twice),
                          by_name);
    if (!twice.empty()) {
      diagnostics.error(source_of(part), 0, "", "",
                        std::to_string(twice.size()) +
                            " of its accounts are in a part before (their liquidations would count twice). Name every "
                            "part once.");
    }
    std::set_union(seen.begin(), seen.end(), part.marks.begin(), part.marks.end(), std::back_inserter(all), by_name);
    seen = std::move(all);
  }
}

PathLiquidations join_liquidations(const std::vector<PathLiquidations>& parts) {
  if (parts.empty()) { throw UsageError("there are no liquidations to join. Name at least one part."); }
  Diagnostics diagnostics;
  check_parts(parts, diagnostics);
  if (diagnostics.has_errors()) { throw UsageError(diagnostics.items().front().reason); }
  const auto add = [](std::int64_t a, std::int64_t b) { return add_cents(a, b, "liquidations"); };
  PathLiquidations out = parts.front();
  bool told = !out.marks.empty();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const PathLiquidations& part = parts[i];
    out.num_accounts += part.num_accounts;
    std::transform(part.accounts.begin(), part.accounts.end(), out.accounts.begin(), out.accounts.begin(),
                   std::plus<>());
    std::transform(part.delta_cents.begin(), part.delta_cents.end(), out.delta_cents.begin(), out.delta_cents.begin(),
                   add);
    told = told && !part.marks.empty();
    out.marks.insert(out.marks.end(), part.marks.begin(), part.marks.end());
    out.files.insert(out.files.end(), part.files.begin(), part.files.end());
  }
  if (!told) { out.marks.clear(); }
  std::sort(out.marks.begin(), out.marks.end(), by_name);
  return out;
}

}  // namespace tailmargin
