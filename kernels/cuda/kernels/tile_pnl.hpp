// Kernel of step 3, fused with the filter of step 4: account P&L on every path, of which only the losses beyond a
// pivot are kept.
//
// A block holds a tile of the cube in shared memory (all columns of a piece, neighbouring paths) and lets the accounts
// of a chunk pass it, a warp each. Blocks stay and take (chunk, tile) from a queue, the longest first; blocks at work
// together read the same chunk. An account whose columns do not fit one piece meets its pieces one after the other,
// its sums are laid aside in between.
#pragma once

#include "kernels/cuda/kernels/account_tiles.hpp"
#include "kernels/cuda/kernels/tail_rows.hpp"

namespace tailmargin {

/// Paths per lane: 8 bytes of every column. Wider loads need fewer instructions and broadcasts for each path, narrower
/// ones let more columns meet in a tile.
template <class Real>
inline constexpr int paths_per_lane = static_cast<int>(8 / sizeof(Real));

/// Paths of a tile. Path chunks are padded to whole tiles of either precision.
template <class Real>
inline constexpr std::uint32_t paths_per_tile = warp_size* paths_per_lane<Real>;
inline constexpr std::uint32_t path_padding = 64;
inline constexpr std::uint32_t tile_bytes_per_column = warp_size * 8;

/// The quads of a warp's run on their way through shared memory: while one batch is read the next one arrives.
template <class Context, class Real>
class QuadStream {
 public:
  using Quad = PositionQuad<Real>;
  static constexpr std::uint32_t batch = 16;
  static constexpr std::uint32_t shared_bytes = 2 * batch * quad_bytes;

  /// @param stage  shared, 2 * batch quads of the warp's own
  TM_DEVICE QuadStream(Context& context, const Quad* from, const Quad* end, Quad* stage)
      : from_(from), end_(end), stage_(stage) {
    context.sync_warp();  // all lanes have left the run before
    copy_batch(context);
  }

  /// Shows the next `count` quads to all lanes of the warp.
  template <class Visit>
  TM_DEVICE void read(Context& context, std::uint32_t count, const Visit& visit) {
    while (count != 0) {
      if (used_ % batch == 0) {
        context.wait_copies();
        context.sync_warp();
        copy_batch(context);
      }
      const Quad* at = stage_ + used_ % (2 * batch);
      const std::uint32_t left = batch - used_ % batch, now = count < left ? count : left;
      for (std::uint32_t i = 0; i < now; ++i) { visit(at[i]); }
      used_ += now;
      count -= now;
    }
  }

 private:
  TM_DEVICE void copy_batch(Context& context) {
    const std::uint32_t at = copied_ + context.lane();
    if (context.lane() < batch && from_ + at < end_) { context.copy_async(stage_ + at % (2 * batch), from_ + at); }
    copied_ += batch;
  }

  const Quad* from_;
  const Quad* end_;
  Quad* stage_;
  std::uint32_t used_ = 0, copied_ = 0;
};

template <class Real>
struct TilePnl {
  static constexpr std::uint32_t max_threads = 1024;
  static constexpr int W = paths_per_lane<Real>;
  using Pack = PathPack<W, Real>;
  using Sum = PnlSum<W, Real>;

  /// Sums of an account between two pieces, and the lowest of the read times so far.
  struct Carried {
    Pack partial[warp_size], total[warp_size], lowest[warp_size];
  };

  AccountTiles<Real> accounts;
  std::uint32_t num_chunks;
  CubeView<Real> cube;  ///< at the first path; the stride is a multiple of path_padding
  std::uint32_t first_path;
  std::uint64_t num_paths;  ///< the rest of the last tile is padding
  Real* losses;             ///< [slot][path] keeps every loss; null: the filter
  std::uint64_t losses_stride;
  const Real* pivot;  ///< [slot] the filter keeps losses above
  TailRows rows;
  TailCounts counts;
  std::uint32_t* next_item;  ///< 0 before the launch
  Carried* carried;          ///< [block][slot of a chunk]; null: no chunk needs it
  std::uint32_t carried_slots;

  /// Shared memory beside the tile.
  TM_HD static constexpr std::uint32_t fixed_shared_bytes(std::uint32_t warps) {
    return quad_bytes + warps * 2 * 16 * quad_bytes;
  }

  template <class Context>
  TM_DEVICE void operator()(Context& context) const {
    auto* item = context.template shared<std::uint32_t>();
    const auto num_tiles = static_cast<std::uint32_t>((num_paths + paths_per_tile<Real> - 1) / paths_per_tile<Real>);
    for (;;) {
      context.sync();  // the item has been read by all
      if (context.thread() == 0) { *item = context.atomic_add(next_item, 1); }
      context.sync();
      const std::uint32_t number = *item / num_tiles;
      if (number >= num_chunks) { return; }
      pass_tile(context, accounts.chunks[number], std::uint64_t(*item - number * num_tiles) * paths_per_tile<Real>);
    }
  }

 private:
  template <class Context>
  TM_DEVICE PositionQuad<Real>* stage(const Context& context) const {
    return reinterpret_cast<PositionQuad<Real>*>(context.template shared<unsigned char>() + quad_bytes) +
           context.warp() * 2 * QuadStream<Context, Real>::batch;
  }
  template <class Context>
  TM_DEVICE Real* tile(const Context& context) const {
    return reinterpret_cast<Real*>(context.template shared<unsigned char>() +
                                   fixed_shared_bytes(context.block_size() / warp_size));
  }

  template <class Context>
  TM_DEVICE void pass_tile(Context& context, const AccountChunk& chunk, std::uint64_t path) const {
    for (std::uint32_t slice = 0; slice < cube.num_slices; ++slice) {
      for (std::uint32_t piece = 0; piece < chunk.num_pieces; ++piece) {
        if (slice + piece != 0) { context.sync(); }  // the piece before has been read by all
        fill_tile(context, accounts.pieces[chunk.first_piece + piece], cube.slice(slice) + path);
        context.wait_copies();
        context.sync();
        pass_piece(context, chunk, slice, piece, path);
      }
    }
  }

  template <class Context>
  TM_DEVICE void fill_tile(Context& context, const ColumnPiece& piece, const Real* slice) const {
    constexpr std::uint32_t quads = tile_bytes_per_column / quad_bytes;  // of a column
    constexpr std::uint32_t reals = quad_bytes / sizeof(Real);           // of a quad
    Real* to = tile(context);
    for (std::uint32_t i = context.thread(); i < piece.count * quads; i += context.block_size()) {
      const Real* column = slice + accounts.columns[piece.first + i / quads] * cube.stride;
      context.copy_async(to + i * reals, column + i % quads * reals);
    }
  }

  /// The warp's run of accounts on one piece.
  template <class Context>
  TM_DEVICE void pass_piece(Context& context, const AccountChunk& chunk, std::uint32_t slice, std::uint32_t piece,
                            std::uint64_t path) const {
    const std::uint32_t* run = accounts.runs + chunk.first_run + context.warp();
    const std::uint32_t* row = accounts.rows + chunk.first_row + piece * chunk.num_slots;
    const bool last_piece = piece + 1 == chunk.num_pieces;
    const Real* lane = tile(context) + context.lane() * W;
    QuadStream<Context, Real> stream(context, accounts.quads + row[run[0]], accounts.quads + row[run[1]],
                                     stage(context));
    for (std::uint32_t slot = run[0]; slot < run[1]; ++slot) {
      Sum sum;
      if (piece != 0) {
        sum = {laid_aside(context, slot).partial[context.lane()], laid_aside(context, slot).total[context.lane()]};
      }
      stream.read(context, row[slot + 1] - row[slot],
                  [&](const PositionQuad<Real>& quad) { add_quad(lane, quad, sum); });
      if (!last_piece) {
        laid_aside(context, slot).partial[context.lane()] = sum.partial;
        laid_aside(context, slot).total[context.lane()] = sum.total;
        continue;
      }
      if (slice != 0) { sum.total = lower_of(laid_aside(context, slot).lowest[context.lane()], sum.total); }
      if (slice + 1 != cube.num_slices) {
        laid_aside(context, slot).lowest[context.lane()] = sum.total;
      } else {
        keep(context, chunk.first_slot + slot, path + context.lane() * W, sum.total);
      }
    }
  }

  /// @param lane  of the tile
  TM_DEVICE static void add_quad(const Real* lane, const PositionQuad<Real>& from, Sum& sum) {
    constexpr std::uint32_t size = PositionQuad<Real>::size;
    const PositionQuad<Real> quad = from;
    Pack columns[size];
    for (std::uint32_t e = 0; e < size; ++e) {
      columns[e] = *reinterpret_cast<const Pack*>(lane + quad.entry[e].column.column());
    }
    // Most quads end no underlying, and then need half the instructions.
    if (quad.ends_underlying()) {
      for (std::uint32_t e = 0; e < size; ++e) { sum.add(quad.entry[e], columns[e]); }
    } else {
      for (std::uint32_t e = 0; e < size; ++e) { sum.add_inside(quad.entry[e], columns[e]); }
    }
  }

  /// Read and written by one thread only.
  template <class Context>
  TM_DEVICE Carried& laid_aside(const Context& context, std::uint32_t slot) const {
    return carried[context.block() * carried_slots + slot];
  }

  template <class Context>
  TM_DEVICE void keep(Context& context, std::uint64_t slot, std::uint64_t path, const Pack& pnl) const {
    if (losses != nullptr) {
      for (int l = 0; l < W; ++l) {
        if (path + l < num_paths) { losses[slot * losses_stride + path + l] = -pnl.lane[l]; }
      }
      return;
    }
    const Real threshold = pivot[slot];
    bool any = false;
    for (int l = 0; l < W; ++l) { any = any || (path + l < num_paths && -pnl.lane[l] >= threshold); }
    if (context.ballot(any) != 0u) { filter(context, slot, path, pnl, threshold); }
  }

  /// One atomic per warp for the losses above; their order does not matter, they are sorted later.
  template <class Context>
  TM_DEVICE void filter(Context& context, std::uint64_t slot, std::uint64_t path, const Pack& pnl,
                        Real threshold) const {
    std::uint32_t above[W], num_above = 0, num_ties = 0;
    for (int l = 0; l < W; ++l) {
      const bool inside = path + l < num_paths;
      above[l] = context.ballot(inside && -pnl.lane[l] > threshold);
      num_above += count_bits(above[l]);
      num_ties += count_bits(context.ballot(inside && -pnl.lane[l] == threshold));
    }
    if (num_ties != 0u && context.lane() == 0) { context.atomic_add(counts.ties + slot, num_ties); }
    if (num_above == 0u) { return; }
    std::uint32_t start = 0;
    if (context.lane() == 0) { start = context.atomic_add(counts.above + slot, num_above); }
    start = context.broadcast(start, 0);
    for (int l = 0; l < W; ++l) {
      const std::uint64_t place = std::uint64_t(start) + rank_in_warp(context, above[l]);
      if ((above[l] >> context.lane() & 1u) != 0u && place < rows.capacity) {
        rows.row<TailKey<Real>>(slot)[place] =
            tail_key(TailLoss<Real>{-pnl.lane[l], first_path + static_cast<std::uint32_t>(path + l)});
      }
      start += count_bits(above[l]);
    }
  }
};

}  // namespace tailmargin
