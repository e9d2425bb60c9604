// How the accounts of a batch are laid out for TilePnl: groups, pieces, chunks, and a warp's share of each. Nothing
// here can change a result, only the time it takes.
#pragma once

#include <cstdint>
#include <vector>

#include "host/prepare/prepared_run.hpp"
#include "kernels/cuda/kernels/tile_pnl.hpp"

namespace tailmargin {

/// Shape of tiles and blocks, the same for a whole run.
struct TileShape {
  std::uint32_t max_columns;  ///< of a piece
  std::uint32_t warps;        ///< of a block
  std::uint32_t max_carried;  ///< accounts of a chunk whose sums are laid aside between pieces or read times
  std::uint32_t num_slices;   ///< read times
};

/// Accounts `accounts[slot]`, and the tables of AccountTiles without the quads.
struct TilePlan {
  std::vector<std::uint64_t> accounts;  ///< [slot]
  std::vector<AccountChunk> chunks;     ///< longest first
  std::vector<ColumnPiece> pieces;
  std::vector<std::uint32_t> columns, runs, rows;
  std::uint32_t largest_piece = 0;  ///< columns
  bool carries = false;             ///< whether sums are laid aside

  std::uint64_t num_quads() const { return rows.back(); }
};

/// Groups of accounts whose columns fit one piece, and last those for which that does not pay.
std::vector<std::vector<std::uint64_t>> group_accounts(const AccountPlan& accounts,
                                                       const std::vector<std::uint64_t>& listed,
                                                       std::uint32_t max_columns);

/// @param quad_size  positions of a quad
TilePlan plan_tiles(const AccountPlan& accounts, const std::vector<std::uint64_t>& listed, const TileShape& shape,
                    std::uint32_t quad_size);

/// The piece of each column of a chunk, and its number there.
class PieceColumns {
 public:
  struct Place {
    std::uint32_t piece, column;
  };
  PieceColumns(const TilePlan& plan, const AccountChunk& chunk);
  Place operator[](std::uint32_t cube_column) const { return places_[cube_column]; }

 private:
  std::vector<Place> places_;  // [column of the cube], up to the last one of the chunk
};

/// Writes the positions of all slots: [plan.num_quads()].
template <class Real>
void write_quads(const AccountPlan& accounts, const TilePlan& plan, PositionQuad<Real>* quads) {
  constexpr std::uint32_t size = PositionQuad<Real>::size;
  for (const AccountChunk& chunk : plan.chunks) {
    const PieceColumns places(plan, chunk);
    for (std::uint32_t slot = 0; slot < chunk.num_slots; ++slot) {
      const std::uint64_t account = plan.accounts[chunk.first_slot + slot];
      std::uint64_t p = accounts.offsets[account];
      const std::uint64_t end = accounts.offsets[account + 1];
      for (std::uint32_t piece = 0; piece < chunk.num_pieces; ++piece) {
        const std::uint32_t* row = &plan.rows[chunk.first_row + piece * chunk.num_slots + slot];
        std::uint32_t last = 0;
        for (std::uint32_t i = 0; i < (row[1] - row[0]) * size; ++i) {
          PositionEntry<Real>& entry = quads[row[0] + i / size].entry[i % size];
          if (p < end && places[accounts.columns[p].column()].piece == piece) {
            last = places[accounts.columns[p].column()].column * paths_per_tile<Real>;
            const std::uint32_t flag = accounts.columns[p].packed & PositionColumn::last_flag;
            entry = {{last | flag}, static_cast<Real>(accounts.quantities[p++])};
          } else {
            entry = {{last}, Real(0)};
          }
        }
      }
    }
  }
}

}  // namespace tailmargin
