#include "kernels/cuda/pipeline/tile_plan.hpp"

#include <algorithm>
#include <bitset>
#include <functional>
#include <numeric>
#include <queue>
#include <utility>

namespace tailmargin {
namespace {

using Accounts = std::vector<std::uint64_t>;

/// Neighbouring columns, mostly of one underlying, are grouped as one block, so that sets of columns are short.
using BlockSet = std::bitset<256>;

/// Groups beyond which accounts are not tried for one more.
constexpr std::size_t max_groups = 64;
/// A tile costs its columns, read from the second-level cache; an account its positions, read from shared memory.
/// A group with fewer positions than this many times its columns is not worth tiles of its own.
constexpr std::uint64_t least_positions_per_column = 4;
/// With so many the tile is a few percent of the work, and more in a chunk would only make the last ones longer.
constexpr std::uint64_t chunk_positions_per_column = 128;
/// Taking a chunk from the queue and starting on it costs about two thousand cycles; this many positions take ten times
/// that.
constexpr std::uint64_t least_chunk_positions = 16384;
/// What an account costs beside its positions, in positions.
constexpr std::uint64_t account_overhead = 8;

std::uint64_t num_positions(const AccountPlan& accounts, std::uint64_t account) {
  return accounts.offsets[account + 1] - accounts.offsets[account];
}

template <class Visit>
void for_each_column(const AccountPlan& accounts, std::uint64_t account, Visit visit) {
  for (std::uint64_t p = accounts.offsets[account]; p < accounts.offsets[account + 1]; ++p) {
    visit(accounts.columns[p].column());
  }
}

/// The columns that any of the accounts holds, rising.
std::vector<std::uint32_t> columns_of(const AccountPlan& accounts, const Accounts& listed) {
  std::vector<char> held;
  for (const std::uint64_t account : listed) {
    for_each_column(accounts, account, [&held](std::uint32_t column) {
      if (column >= held.size()) { held.resize(column + std::size_t{1}, 0); }
      held[column] = 1;
    });
  }
  std::vector<std::uint32_t> columns;
  for (std::uint32_t c = 0; c < held.size(); ++c) {
    if (held[c] != 0) { columns.push_back(c); }
  }
  return columns;
}

struct AccountGroup {
  BlockSet blocks;
  Accounts accounts;
  std::uint64_t positions = 0;
};

/// The group that holds all blocks; else the one that fits with the fewest added; else none.
AccountGroup* find_group(std::vector<AccountGroup>& groups, const BlockSet& blocks, std::uint32_t max_blocks) {
  AccountGroup* best = nullptr;
  std::size_t fewest = BlockSet().size() + 1;
  for (AccountGroup& group : groups) {
    const BlockSet added = blocks & ~group.blocks;
    if (added.none()) { return &group; }
    const std::size_t count = added.count();
    if (count < fewest && group.blocks.count() + count <= max_blocks) {
      best = &group;
      fewest = count;
    }
  }
  return best;
}

/// Accounts of one group and some of its pieces: the work of a block on a tile of paths.
struct Chunk {
  Accounts accounts;
  std::size_t group;
  std::uint64_t cost;
};

/// Deals accounts, those with most positions first, to the warp with the least work. Returns them warp by warp.
std::vector<Accounts> deal(const AccountPlan& accounts, Accounts chunk, std::uint32_t warps) {
  std::vector<Accounts> hands(warps);
  using Load = std::pair<std::uint64_t, std::uint32_t>;
  std::priority_queue<Load, std::vector<Load>, std::greater<>> loads;
  for (std::uint32_t w = 0; w < warps; ++w) { loads.push({0, w}); }
  for (const std::uint64_t account : chunk) {
    const auto [load, warp] = loads.top();
    loads.pop();
    hands[warp].push_back(account);
    loads.push({load + num_positions(accounts, account) + account_overhead, warp});
  }
  return hands;
}

/// Cuts a group, whose accounts stand largest first, into chunks.
void cut_group(const AccountPlan& accounts, const Accounts& group, std::size_t number, std::uint64_t num_columns,
               std::uint64_t max_accounts, std::vector<Chunk>& chunks) {
  const std::uint64_t enough = std::max(chunk_positions_per_column * num_columns, least_chunk_positions);
  Chunk chunk{{}, number, num_columns};
  for (const std::uint64_t account : group) {
    if (chunk.accounts.size() == max_accounts || chunk.cost >= enough) {
      chunks.push_back(std::exchange(chunk, Chunk{{}, number, num_columns}));
    }
    chunk.accounts.push_back(account);
    chunk.cost += num_positions(accounts, account) + account_overhead;
  }
  if (!chunk.accounts.empty()) { chunks.push_back(std::move(chunk)); }
}

/// Adds a chunk's rows to the plan: the quads of each piece of each slot.
void add_rows(const AccountPlan& accounts, const AccountChunk& chunk, std::uint32_t quad_size, TilePlan& plan) {
  const std::size_t first = plan.rows.size();
  plan.rows.resize(first + std::size_t{chunk.num_pieces} * chunk.num_slots, 0);
  const PieceColumns places(plan, chunk);
  for (std::uint32_t slot = 0; slot < chunk.num_slots; ++slot) {
    for_each_column(accounts, plan.accounts[chunk.first_slot + slot], [&](std::uint32_t column) {
      ++plan.rows[first + std::size_t{places[column].piece} * chunk.num_slots + slot];
    });
  }
  for (std::size_t row = first; row < plan.rows.size(); ++row) {
    plan.rows[row] = plan.rows[row - 1] + (plan.rows[row] + quad_size - 1) / quad_size;
  }
}

/// The pieces of each group, of about the same size, and where they begin.
std::vector<ColumnPiece> add_pieces(const std::vector<std::uint32_t>& columns, std::uint32_t max_columns,
                                    TilePlan& plan) {
  const auto count = static_cast<std::uint32_t>(columns.size());
  const std::uint32_t pieces = std::max(1u, (count + max_columns - 1) / max_columns);
  std::vector<ColumnPiece> out;
  for (std::uint32_t p = 0; p < pieces; ++p) {
    const auto begin = static_cast<std::uint32_t>(std::uint64_t{count} * p / pieces);
    const auto end = static_cast<std::uint32_t>(std::uint64_t{count} * (p + 1) / pieces);
    out.push_back({static_cast<std::uint32_t>(plan.columns.size()) + begin, end - begin});
    plan.largest_piece = std::max(plan.largest_piece, end - begin);
  }
  plan.columns.insert(plan.columns.end(), columns.begin(), columns.end());
  return out;
}

}  // namespace

std::vector<Accounts> group_accounts(const AccountPlan& accounts, const Accounts& listed, std::uint32_t max_columns) {
  const std::vector<std::uint32_t> held = columns_of(accounts, listed);
  if (held.size() <= max_columns) { return {listed}; }
  const auto block_columns = static_cast<std::uint32_t>((held.size() + BlockSet().size() - 1) / BlockSet().size());
  const std::uint32_t max_blocks = max_columns / block_columns;
  std::vector<std::uint32_t> block_of(held.back() + std::size_t{1}, 0);
  for (std::uint32_t i = 0; i < held.size(); ++i) { block_of[held[i]] = i / block_columns; }
  std::vector<std::pair<std::uint64_t, BlockSet>> sets;
  for (const std::uint64_t account : listed) {
    sets.push_back({account, {}});
    for_each_column(accounts, account, [&](std::uint32_t column) { sets.back().second.set(block_of[column]); });
  }
  // Large sets shape the groups, small ones find a place in them.
  std::stable_sort(sets.begin(), sets.end(),
                   [](const auto& a, const auto& b) { return a.second.count() > b.second.count(); });

  std::vector<AccountGroup> groups;
  Accounts swept;
  for (const auto& [account, blocks] : sets) {
    AccountGroup* group = find_group(groups, blocks, max_blocks);
    if (group == nullptr && groups.size() < max_groups && blocks.count() <= max_blocks) {
      group = &groups.emplace_back();
    }
    if (group == nullptr) {
      swept.push_back(account);
      continue;
    }
    group->blocks |= blocks;
    group->accounts.push_back(account);
    group->positions += num_positions(accounts, account);
  }
  std::vector<Accounts> out;
  for (AccountGroup& group : groups) {
    if (group.positions < least_positions_per_column * group.blocks.count() * block_columns) {
      swept.insert(swept.end(), group.accounts.begin(), group.accounts.end());
    } else {
      out.push_back(std::move(group.accounts));
    }
  }
  if (!swept.empty()) { out.push_back(std::move(swept)); }
  return out;
}

TilePlan plan_tiles(const AccountPlan& accounts, const Accounts& listed, const TileShape& shape,
                    std::uint32_t quad_size) {
  TilePlan plan;
  std::vector<std::vector<ColumnPiece>> pieces;
  std::vector<Chunk> chunks;
  for (Accounts& group : group_accounts(accounts, listed, shape.max_columns)) {
    const std::vector<std::uint32_t> columns = columns_of(accounts, group);
    std::stable_sort(group.begin(), group.end(), [&accounts](std::uint64_t a, std::uint64_t b) {
      return num_positions(accounts, a) > num_positions(accounts, b);
    });
    pieces.push_back(add_pieces(columns, shape.max_columns, plan));
    const bool carries = pieces.back().size() > 1 || shape.num_slices > 1;
    plan.carries = plan.carries || carries;
    cut_group(accounts, group, pieces.size() - 1, columns.size(), carries ? shape.max_carried : group.size(), chunks);
  }
  std::stable_sort(chunks.begin(), chunks.end(), [](const Chunk& a, const Chunk& b) { return a.cost > b.cost; });

  plan.rows.push_back(0);
  for (const Chunk& chunk : chunks) {
    AccountChunk out{};
    out.first_slot = static_cast<std::uint32_t>(plan.accounts.size());
    out.num_slots = static_cast<std::uint32_t>(chunk.accounts.size());
    out.first_piece = static_cast<std::uint32_t>(plan.pieces.size());
    out.num_pieces = static_cast<std::uint32_t>(pieces[chunk.group].size());
    out.first_row = static_cast<std::uint32_t>(plan.rows.size() - 1);
    out.first_run = static_cast<std::uint32_t>(plan.runs.size());
    plan.pieces.insert(plan.pieces.end(), pieces[chunk.group].begin(), pieces[chunk.group].end());
    plan.runs.push_back(0);
    for (const Accounts& hand : deal(accounts, chunk.accounts, shape.warps)) {
      plan.accounts.insert(plan.accounts.end(), hand.begin(), hand.end());
      plan.runs.push_back(plan.runs.back() + static_cast<std::uint32_t>(hand.size()));
    }
    add_rows(accounts, out, quad_size, plan);
    plan.chunks.push_back(out);
  }
  return plan;
}

PieceColumns::PieceColumns(const TilePlan& plan, const AccountChunk& chunk) {
  for (std::uint32_t p = 0; p < chunk.num_pieces; ++p) {
    const ColumnPiece& piece = plan.pieces[chunk.first_piece + p];
    for (std::uint32_t c = 0; c < piece.count; ++c) {
      const std::uint32_t column = plan.columns[piece.first + c];
      if (column >= places_.size()) { places_.resize(column + std::size_t{1}, Place{}); }
      places_[column] = {p, c};
    }
  }
}

}  // namespace tailmargin
