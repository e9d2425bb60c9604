#include "host/bench/cases.hpp"

#include <algorithm>

#include "host/synth/synth.hpp"
#include "tailmargin/diagnostics.hpp"

namespace tailmargin::bench {

std::uint32_t num_factors(const BookShape& shape) {
  return factors_of_chain_coin * shape.chain_coins + factors_of_perpetual_coin * shape.perpetual_coins +
         factors_of_stablecoin;
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"small", BookKind::made, {10'000, 50, 2'000, 3, 4}, 100'000},
      {"large", BookKind::made, {1'000'000, 20, 5'000, 8, 12}, 100'000},
      {"tall", BookKind::made, {1'000, 50, 2'000, 3, 4}, 1'000'000},
      {"market-makers", BookKind::made, {500, 1'000, 2'000, 3, 4}, 100'000},
      {"whatif", BookKind::made, {10'000, 50, 2'000, 3, 4}, 100'000, Measured::whatif},
      {"exchange", BookKind::exchange, {10'000, 0, 0, 0, 0}, 100'000},
  };
  return all;
}

const Case& find_case(const std::string& name) {
  const auto found = std::find_if(cases().begin(), cases().end(), [&](const Case& c) { return c.name == name; });
  if (found != cases().end()) { return *found; }
  std::string names;
  for (const Case& c : cases()) { names += (names.empty() ? "" : ", ") + c.name; }
  throw UsageError("there is no bench case '" + name + "'. Cases: " + names + ".");
}

Book make_book(const Case& of) {
  return of.kind == BookKind::exchange ? make_exchange(make_market(1), {of.shape.accounts, 1}) : make_book(of.shape);
}

Book make_book(const BookShape& shape) {
  Book book = make_case_market(shape);
  add_accounts(shape, book);
  return book;
}

}  // namespace tailmargin::bench
