#include "host/domain/validate/holdings.hpp"

#include <algorithm>
#include <cmath>
#include <span>
#include <tuple>

namespace tailmargin {
namespace {

using ItemName = std::function<std::string(std::uint32_t)>;

/// Rows in the order of their accounts: a counting sort, as there are few rows to an account and many accounts.
struct RowsByAccount {
  std::vector<Holding> rows;
  std::vector<std::uint64_t> begins;  ///< [account], and the end of the last
};

RowsByAccount bucket_by_account(std::vector<Holding> rows, const std::vector<std::uint32_t>& account_rank) {
  RowsByAccount buckets{std::vector<Holding>(rows.size()), std::vector<std::uint64_t>(account_rank.size() + 1)};
  for (Holding& row : rows) {
    row.account = account_rank[row.account];
    ++buckets.begins[row.account + 1];
  }
  for (std::size_t a = 0; a < account_rank.size(); ++a) buckets.begins[a + 1] += buckets.begins[a];
  std::vector<std::uint64_t> next(buckets.begins.begin(), buckets.begins.end() - 1);
  for (const Holding& row : rows) buckets.rows[next[row.account]++] = row;
  return buckets;
}

void report_repeated_rows(std::span<const Holding> rows, const char* field, const ItemName& item_name,
                          ProblemLog& problems) {
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].item != rows[i - 1].item || rows[i].venue != rows[i - 1].venue) continue;
    problems.error_of_kind("repeated row", rows[i].row, field, item_name(rows[i].item),
                           "the account holds this already in row " + std::to_string(rows[i - 1].row) +
                               " (it would be counted twice). Add the rows up, or tell them apart by venue.");
  }
}

/// Sorts so that no entry price comes first, then entry prices rise; equal ones are adjacent, in order of amount.
void sort_by_item_and_entry(std::span<Holding> rows) {
  const auto key = [](const Holding& h) {
    const bool has_entry = !std::isnan(h.entry_price);
    return std::tuple(h.item, has_entry, has_entry ? h.entry_price : 0.0, h.amount);
  };
  std::sort(rows.begin(), rows.end(), [&](const Holding& a, const Holding& b) { return key(a) < key(b); });
}

bool can_be_summed(const Holding& a, const Holding& b) {
  const bool same_entry = a.entry_price == b.entry_price || (std::isnan(a.entry_price) && std::isnan(b.entry_price));
  return a.account == b.account && a.item == b.item && same_entry;
}

}  // namespace

std::vector<Holding> merge_holdings(std::vector<Holding> rows, const std::vector<std::uint32_t>& account_rank,
                                    const char* field, const ItemName& item_name, ProblemLog& problems) {
  auto [sorted, begins] = bucket_by_account(std::move(rows), account_rank);
  const auto by_venue = [](const Holding& a, const Holding& b) {
    return std::tie(a.item, a.venue, a.row) < std::tie(b.item, b.venue, b.row);
  };
  std::size_t kept = 0;
  for (std::size_t a = 0; a < account_rank.size(); ++a) {
    const std::span<Holding> held(sorted.data() + begins[a], begins[a + 1] - begins[a]);
    std::sort(held.begin(), held.end(), by_venue);
    report_repeated_rows(held, field, item_name, problems);
    sort_by_item_and_entry(held);
    const std::size_t first = kept;
    for (const Holding& holding : held) {
      if (kept > first && can_be_summed(sorted[kept - 1], holding)) {
        sorted[kept - 1].amount += holding.amount;
      } else {
        sorted[kept++] = holding;
      }
    }
  }
  sorted.resize(kept);
  return std::move(sorted);
}

}  // namespace tailmargin
