// A tail loss as one integer, so that sorting integers upwards is sorting tail losses by worse().
#pragma once

#include "kernels/executors/tail.hpp"

namespace tailmargin {

// A type of the compiler, not of the language.
__extension__ typedef unsigned __int128 Key128;

/// Key of a loss: its bits, mapped so that larger losses come first, above the path number.
template <class Real>
struct TailKeyTraits;

template <>
struct TailKeyTraits<float> {
  using Key = std::uint64_t;
  using Rank = std::uint32_t;
  static constexpr Rank sign_bit = 0x80000000u;
};

template <>
struct TailKeyTraits<double> {
  using Key = Key128;
  using Rank = std::uint64_t;
  static constexpr Rank sign_bit = 0x8000000000000000ull;
};

template <class Real>
using TailKey = typename TailKeyTraits<Real>::Key;
template <class Real>
using LossRank = typename TailKeyTraits<Real>::Rank;

/// Bits that fall as the loss rises. +0 and -0 would differ, but a loss is never +0: it is minus a sum that starts
/// from +0, and such a sum is never -0.
template <class Real>
TM_HD LossRank<Real> loss_rank(Real loss) {
  const LossRank<Real> bits = math::to_bits(loss);
  constexpr LossRank<Real> sign = TailKeyTraits<Real>::sign_bit;
  return (bits & sign) != 0 ? bits : LossRank<Real>(~(bits | sign));
}

/// Inverse of loss_rank.
template <class Real>
TM_HD Real loss_of_rank(LossRank<Real> rank) {
  constexpr LossRank<Real> sign = TailKeyTraits<Real>::sign_bit;
  return math::from_bits((rank & sign) != 0 ? rank : LossRank<Real>(~rank & ~sign));
}

template <class Real>
TM_HD TailKey<Real> tail_key(const TailLoss<Real>& tail) {
  return (static_cast<TailKey<Real>>(loss_rank(tail.loss)) << 32) | tail.path;
}

template <class Real>
TM_HD TailLoss<Real> tail_loss(TailKey<Real> key) {
  return {loss_of_rank<Real>(static_cast<LossRank<Real>>(key >> 32)), static_cast<std::uint32_t>(key)};
}

}  // namespace tailmargin
