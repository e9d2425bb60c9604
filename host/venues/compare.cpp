#include "host/venues/compare.hpp"

#include <cmath>
#include <map>
#include <stdexcept>
#include <utility>

#include "tailmargin/diagnostics.hpp"

namespace tailmargin::venues {
namespace {

void check_finite(const Margin& margin, const Method& method, const std::string& account) {
  if (std::isfinite(margin.initial_usd) && std::isfinite(margin.maintenance_usd)) { return; }
  throw std::runtime_error("the margin of account " + account + " under " + method.name + " is not finite");
}

}  // namespace

ExplainedMargin explain_account(const BookUnits& units, AccountId account, const Method& method) {
  AccountView view = units.view(account, method);
  return {&method, margin_of(method, view.portfolio), std::move(view.left_out)};
}

BookRequirement margin_book(const Book& book, const BookUnits& units, const Method& method,
                            const std::atomic<bool>* stop) {
  BookRequirement out;
  out.method = &method;
  std::map<std::pair<std::string, std::string>, std::uint64_t> left_out;
  for (AccountId account = 0; account < book.accounts.size(); ++account) {
    if (stop && stop->load()) { throw Interrupted("interrupted while margining by " + method.name); }
    const ExplainedMargin explained = explain_account(units, account, method);
    check_finite(explained.margin, method, book.accounts[account]);
    out.accounts.push_back({explained.margin.initial_usd, explained.margin.maintenance_usd,
                            static_cast<std::uint32_t>(explained.left_out.size())});
    for (const LeftOut& row : explained.left_out) { ++left_out[{row.what, row.reason}]; }
  }
  for (const auto& [row, count] : left_out) { out.left_out.push_back({row.first, row.second, count}); }
  return out;
}

}  // namespace tailmargin::venues
