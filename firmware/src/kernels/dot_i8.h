/* dot_i8.h: rows of int8 weights that learn, in RAM, times x - zero, added to sums; with the
 * vector extensions of dot_s8.h where the core has them. */
#ifndef TL_DOT_I8_H
#define TL_DOT_I8_H

#include "dot_s8.h"

#if defined(TL_USE_MVE)
TL_INLINE int32_t tl_row_sum_i8(const int8_t *w, int n) {
  int32_t sum = 0;
  int i;
  for (i = 0; i < n; i += 16)
    sum = vaddvaq_s8(sum, vldrbq_z_s8(w + i, vctp8q((uint32_t)(n - i))));
  return sum;
}

/* sum + w[n] (x - zero). */
TL_INLINE int32_t tl_row_i8(int32_t sum, const int8_t *x, const int8_t *w, int n, int zero) {
  sum += tl_dot1_s8(x, w, n);
  return zero == 0 ? sum : sum - zero * tl_row_sum_i8(w, n);
}

/* The same for four rows, stride apart. */
TL_INLINE tl_sums_t tl_rows4_i8(tl_sums_t s, const int8_t *x, const int8_t *w, int stride,
                                int n, int zero) {
  const tl_sums_t more = tl_dot4_s8(x, w, stride, n);
  s.a += more.a;
  s.b += more.b;
  s.c += more.c;
  s.d += more.d;
  if (zero == 0) return s;
  s.a -= zero * tl_row_sum_i8(w, n);
  s.b -= zero * tl_row_sum_i8(w + stride, n);
  s.c -= zero * tl_row_sum_i8(w + 2 * stride, n);
  s.d -= zero * tl_row_sum_i8(w + 3 * stride, n);
  return s;
}
#else
TL_INLINE int32_t tl_row_rest_i8(int32_t sum, const int8_t *x, const int8_t *w, int n,
                                 int zero) {
  int i;
  for (i = 0; i < n; i++) sum += (int32_t)(x[i] - zero) * w[i];
  return sum;
}

TL_INLINE tl_sums_t tl_rows4_rest_i8(tl_sums_t s, const int8_t *x, const int8_t *w, int stride,
                                     int n, int zero) {
  int i;
  for (i = 0; i < n; i++) {
    const int32_t v = x[i] - zero;
    s.a += v * w[i];
    s.b += v * w[stride + i];
    s.c += v * w[2 * stride + i];
    s.d += v * w[3 * stride + i];
  }
  return s;
}

#if defined(TL_USE_SMLAD)
/* Two halfwords minus zero each. */
TL_INLINE uint32_t tl_less_zero(uint32_t pair, int zero) {
  const uint32_t zeros = (uint32_t)(zero & 0xffff) * 0x10001u;
  uint32_t less;
  if (zero == 0) return pair;
  __asm__("ssub16 %0, %1, %2" : "=r"(less) : "r"(pair), "r"(zeros));
  return less;
}

/* sum + w[n] (x - zero). */
TL_INLINE int32_t tl_row_i8(int32_t sum, const int8_t *x, const int8_t *w, int n, int zero) {
  const int8_t *end = x + (n & ~3);
  for (; x != end; x += 4, w += 4) {
    const uint32_t word = tl_word(x);
    sum = tl_quad_s8(w, tl_less_zero(tl_even_bytes(word), zero),
                     tl_less_zero(tl_odd_bytes(word), zero), sum);
  }
  return tl_row_rest_i8(sum, x, w, n & 3, zero);
}

/* The same for four rows, stride apart. */
TL_INLINE tl_sums_t tl_rows4_i8(tl_sums_t s, const int8_t *x, const int8_t *w, int stride,
                                int n, int zero) {
  const int8_t *end = x + (n & ~3);
  for (; x != end; x += 4, w += 4) {
    const uint32_t word = tl_word(x);
    s = tl_quad4_s8(s, w, stride, tl_less_zero(tl_even_bytes(word), zero),
                    tl_less_zero(tl_odd_bytes(word), zero));
  }
  return tl_rows4_rest_i8(s, x, w, stride, n & 3, zero);
}
#else
/* sum + w[n] (x - zero). */
TL_INLINE int32_t tl_row_i8(int32_t sum, const int8_t *x, const int8_t *w, int n, int zero) {
  return tl_row_rest_i8(sum, x, w, n, zero);
}

/* The same for four rows, stride apart. */
TL_INLINE tl_sums_t tl_rows4_i8(tl_sums_t s, const int8_t *x, const int8_t *w, int stride,
                                int n, int zero) {
  return tl_rows4_rest_i8(s, x, w, stride, n, zero);
}
#endif
#endif

#endif
