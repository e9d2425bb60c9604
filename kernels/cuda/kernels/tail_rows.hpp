// What steps 3 and 4 keep of each account while its tail is found.
#pragma once

#include "kernels/cuda/kernel.hpp"
#include "kernels/executors/tail_key.hpp"

namespace tailmargin {

/// One row of memory per slot, holding one after the other: the losses of the sample, the keys of the candidates,
/// the sorted tail.
struct TailRows {
  unsigned char* data;
  std::uint64_t row_bytes;  ///< a multiple of 16
  std::uint32_t capacity;   ///< keys a row has room for; beyond it they are counted, not stored

  template <class T>
  TM_HD T* row(std::uint64_t slot) const {
    return reinterpret_cast<T*>(data + slot * row_bytes);
  }
};

/// Number of losses above and equal to the pivot. Those above are in the row; those equal are only counted, as there
/// can be very many.
struct TailCounts {
  std::uint32_t* above;  ///< [slot]
  std::uint32_t* ties;   ///< [slot]
};

/// When a tail is complete: its losses weigh more than `reach`, or are all there are.
struct TailReach {
  const std::uint32_t* weights;  ///< [path] or null for ones
  std::uint64_t reach;           ///< whole part of what the tail rule reads of the tail
  std::uint64_t num_paths;

  TM_HD bool complete(std::uint64_t weight, std::uint64_t count) const { return weight > reach || count == num_paths; }
};

}  // namespace tailmargin
