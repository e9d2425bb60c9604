// Neighbouring paths in one register of the instruction set that a file is compiled for. The compiler's own
// vectorisation leaves the sums of an account in memory; these stay in registers, which is what the P&L stage needs.
// In an unnamed namespace, because each instruction set has types of its own under the same names.
#pragma once

#include <cstdint>

#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#endif

#include "kernels/executors/account_pnl.hpp"

namespace tailmargin::cpu {
namespace {

#if defined(__AVX512F__)

struct FloatVector {
  __m512 v;
};
struct DoubleVector {
  __m512d v;
};
TM_HD FloatVector operator+(FloatVector a, FloatVector b) { return {_mm512_add_ps(a.v, b.v)}; }
TM_HD DoubleVector operator+(DoubleVector a, DoubleVector b) { return {_mm512_add_pd(a.v, b.v)}; }
TM_HD FloatVector fma(FloatVector a, FloatVector b, FloatVector c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
TM_HD DoubleVector fma(DoubleVector a, DoubleVector b, DoubleVector c) { return {_mm512_fmadd_pd(a.v, b.v, c.v)}; }
TM_HD FloatVector smaller(FloatVector a, FloatVector b) { return {_mm512_min_ps(a.v, b.v)}; }
TM_HD DoubleVector smaller(DoubleVector a, DoubleVector b) { return {_mm512_min_pd(a.v, b.v)}; }
/// A bit per path: whether a is below b.
TM_HD std::uint64_t below(FloatVector a, FloatVector b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
TM_HD std::uint64_t below(DoubleVector a, DoubleVector b) { return _mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ); }
TM_HD FloatVector load(const float* at) { return {_mm512_loadu_ps(at)}; }
TM_HD DoubleVector load(const double* at) { return {_mm512_loadu_pd(at)}; }
TM_HD FloatVector broadcast(float x) { return {_mm512_set1_ps(x)}; }
TM_HD DoubleVector broadcast(double x) { return {_mm512_set1_pd(x)}; }
TM_HD void store(FloatVector x, float* at) { _mm512_storeu_ps(at, x.v); }
TM_HD void store(DoubleVector x, double* at) { _mm512_storeu_pd(at, x.v); }
/// Negated numbers of the lanes whose bits are set, and the numbers of those lanes, counted from `first`, one after the
/// other. Writes whole registers: there must be room for all lanes. Returns how many they are.
TM_HD std::uint32_t append_negated(FloatVector x, std::uint64_t bits, std::uint32_t first, float* values,
                                   std::uint32_t* numbers) {
  const auto mask = static_cast<__mmask16>(bits);
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  const __m512i own = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(first)), lanes);
  _mm512_storeu_ps(values, _mm512_maskz_compress_ps(mask, _mm512_xor_ps(x.v, _mm512_set1_ps(-0.0f))));
  _mm512_storeu_si512(numbers, _mm512_maskz_compress_epi32(mask, own));
  return static_cast<std::uint32_t>(__builtin_popcount(mask));
}
TM_HD std::uint32_t append_negated(DoubleVector x, std::uint64_t bits, std::uint32_t first, double* values,
                                   std::uint32_t* numbers) {
  const auto mask = static_cast<__mmask8>(bits);
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i own = _mm256_add_epi32(_mm256_set1_epi32(static_cast<int>(first)), lanes);
  _mm512_storeu_pd(values, _mm512_maskz_compress_pd(mask, _mm512_xor_pd(x.v, _mm512_set1_pd(-0.0))));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(numbers), _mm256_maskz_compress_epi32(mask, own));
  return static_cast<std::uint32_t>(__builtin_popcount(mask));
}
inline constexpr bool packs = true;

#elif defined(__AVX2__) && defined(__FMA__)

struct FloatVector {
  __m256 v;
};
struct DoubleVector {
  __m256d v;
};
TM_HD FloatVector operator+(FloatVector a, FloatVector b) { return {_mm256_add_ps(a.v, b.v)}; }
TM_HD DoubleVector operator+(DoubleVector a, DoubleVector b) { return {_mm256_add_pd(a.v, b.v)}; }
TM_HD FloatVector fma(FloatVector a, FloatVector b, FloatVector c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
TM_HD DoubleVector fma(DoubleVector a, DoubleVector b, DoubleVector c) { return {_mm256_fmadd_pd(a.v, b.v, c.v)}; }
TM_HD FloatVector smaller(FloatVector a, FloatVector b) { return {_mm256_min_ps(a.v, b.v)}; }
TM_HD DoubleVector smaller(DoubleVector a, DoubleVector b) { return {_mm256_min_pd(a.v, b.v)}; }
TM_HD std::uint64_t below(FloatVector a, FloatVector b) {
  return static_cast<std::uint32_t>(_mm256_movemask_ps(_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)));
}
TM_HD std::uint64_t below(DoubleVector a, DoubleVector b) {
  return static_cast<std::uint32_t>(_mm256_movemask_pd(_mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ)));
}
TM_HD FloatVector load(const float* at) { return {_mm256_loadu_ps(at)}; }
TM_HD DoubleVector load(const double* at) { return {_mm256_loadu_pd(at)}; }
TM_HD FloatVector broadcast(float x) { return {_mm256_set1_ps(x)}; }
TM_HD DoubleVector broadcast(double x) { return {_mm256_set1_pd(x)}; }
TM_HD void store(FloatVector x, float* at) { _mm256_storeu_ps(at, x.v); }
TM_HD void store(DoubleVector x, double* at) { _mm256_storeu_pd(at, x.v); }

#else

/// Without such instructions: a few numbers, and whatever the compiler makes of them.
template <class T>
struct PlainVector {
  T v[4];
};
using FloatVector = PlainVector<float>;
using DoubleVector = PlainVector<double>;

template <class T>
TM_HD PlainVector<T> operator+(PlainVector<T> a, const PlainVector<T>& b) {
  for (int i = 0; i < 4; ++i) { a.v[i] += b.v[i]; }
  return a;
}
template <class T>
TM_HD PlainVector<T> fma(const PlainVector<T>& a, const PlainVector<T>& b, PlainVector<T> c) {
  for (int i = 0; i < 4; ++i) { c.v[i] = math::fma(a.v[i], b.v[i], c.v[i]); }
  return c;
}
template <class T>
TM_HD PlainVector<T> smaller(PlainVector<T> a, const PlainVector<T>& b) {
  for (int i = 0; i < 4; ++i) { a.v[i] = math::smaller(a.v[i], b.v[i]); }
  return a;
}
template <class T>
TM_HD std::uint64_t below(const PlainVector<T>& a, const PlainVector<T>& b) {
  std::uint64_t bits = 0;
  for (int i = 0; i < 4; ++i) { bits |= std::uint64_t{a.v[i] < b.v[i]} << i; }
  return bits;
}
template <class T>
TM_HD PlainVector<T> load(const T* at) {
  return {{at[0], at[1], at[2], at[3]}};
}
template <class T>
TM_HD PlainVector<T> broadcast(T x) {
  return {{x, x, x, x}};
}
template <class T>
TM_HD void store(const PlainVector<T>& x, T* at) {
  for (int i = 0; i < 4; ++i) { at[i] = x.v[i]; }
}

#endif

#if !defined(__AVX512F__)
/// No instruction packs the lanes of a register.
inline constexpr bool packs = false;
template <class V, class Real>
std::uint32_t append_negated(V, std::uint64_t, std::uint32_t, Real*, std::uint32_t*);
#endif

template <class Real>
struct VectorOf;
template <>
struct VectorOf<float> {
  using Type = FloatVector;
};
template <>
struct VectorOf<double> {
  using Type = DoubleVector;
};
template <class Real>
using Vector = typename VectorOf<Real>::Type;

/// Paths of one register.
template <class Real>
inline constexpr std::uint32_t vector_width = sizeof(Vector<Real>) / sizeof(Real);

template <class T>
struct VectorTraits {
  using Real = T;
  static constexpr int width = static_cast<int>(vector_width<T>);
  TM_HD static Vector<T> load(const T* at) { return cpu::load(at); }
  TM_HD static Vector<T> broadcast(T x) { return cpu::broadcast(x); }
  TM_HD static void fetch(const T* at) { __builtin_prefetch(at); }
};

}  // namespace
}  // namespace tailmargin::cpu

template <>
struct tailmargin::LaneTraits<tailmargin::cpu::FloatVector> : tailmargin::cpu::VectorTraits<float> {};
template <>
struct tailmargin::LaneTraits<tailmargin::cpu::DoubleVector> : tailmargin::cpu::VectorTraits<double> {};
