/* dot_s8.h: products of int8 rows with one input, the inner loops of int8 layers: in portable
 * C, with the DSP extension (two products an instruction), and with MVE (sixteen). Integer sums
 * are the same in any order, so all give the same bits. */
#ifndef TL_DOT_S8_H
#define TL_DOT_S8_H

#include <stdint.h>
#include <string.h>

#include "quant_s8.h"

#if defined(__ARM_FEATURE_MVE) && (__ARM_FEATURE_MVE & 1)
#define TL_USE_MVE 1
#include <arm_mve.h>
#elif defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP && defined(__GNUC__)
#define TL_USE_SMLAD 1
#endif

/* A convolution gathers its window into bytes, or, where the DSP extension multiplies them,
 * into halfwords. The plan holds two bytes a tap in any case. */
#if defined(TL_USE_SMLAD)
#define TL_TAP_BYTES 2
#else
#define TL_TAP_BYTES 1
#endif

#if defined(TL_USE_SMLAD)
TL_INLINE uint32_t tl_word(const void *p) {
  uint32_t word;
  memcpy(&word, p, 4);
  return word;
}

/* Bytes 0 and 2 of a word as two signed halfwords. */
TL_INLINE uint32_t tl_even_bytes(uint32_t word) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1" : "=r"(pair) : "r"(word));
  return pair;
}

/* Bytes 1 and 3. */
TL_INLINE uint32_t tl_odd_bytes(uint32_t word) {
  uint32_t pair;
  __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(word));
  return pair;
}

TL_INLINE int32_t tl_smlad(uint32_t a, uint32_t b, int32_t acc) {
  int32_t sum;
  __asm__("smlad %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
  return sum;
}

/* Four products of a row's word and the two pairs of an input. */
TL_INLINE int32_t tl_quad_s8(const TL_FLASH int8_t *w, uint32_t even, uint32_t odd,
                             int32_t acc) {
  const uint32_t word = tl_word(w);
  return tl_smlad(tl_odd_bytes(word), odd, tl_smlad(tl_even_bytes(word), even, acc));
}
#endif

/* Sums of four rows. */
typedef struct {
  int32_t a, b, c, d;
} tl_sums_t;

#if defined(TL_USE_MVE)
/* What sixteen taps add to the sums of the rows w, w + stride, w + 2 stride, w + 3 stride. */
TL_INLINE tl_sums_t tl_sixteen4_s8(tl_sums_t s, int8x16_t taps, const TL_FLASH int8_t *w,
                                   int stride) {
  s.a = vmladavaq_s8(s.a, taps, vldrbq_s8(w));
  s.b = vmladavaq_s8(s.b, taps, vldrbq_s8(w + stride));
  s.c = vmladavaq_s8(s.c, taps, vldrbq_s8(w + 2 * stride));
  s.d = vmladavaq_s8(s.d, taps, vldrbq_s8(w + 3 * stride));
  return s;
}

/* The same for the first lanes only: no byte behind a row is read. */
TL_INLINE tl_sums_t tl_lanes4_s8(tl_sums_t s, int8x16_t taps, const TL_FLASH int8_t *w,
                                 int stride, mve_pred16_t lanes) {
  s.a = vmladavaq_s8(s.a, taps, vldrbq_z_s8(w, lanes));
  s.b = vmladavaq_s8(s.b, taps, vldrbq_z_s8(w + stride, lanes));
  s.c = vmladavaq_s8(s.c, taps, vldrbq_z_s8(w + 2 * stride, lanes));
  s.d = vmladavaq_s8(s.d, taps, vldrbq_z_s8(w + 3 * stride, lanes));
  return s;
}

/* Four rows, `stride` apart, times x[n]. */
TL_INLINE tl_sums_t tl_dot4_s8(const int8_t *x, const TL_FLASH int8_t *w, int stride, int n) {
  tl_sums_t s = {0, 0, 0, 0};
  const int8_t *end = x + (n & ~15);
  for (; x != end; x += 16, w += 16) s = tl_sixteen4_s8(s, vldrbq_s8(x), w, stride);
  if (n & 15) {
    const mve_pred16_t lanes = vctp8q((uint32_t)(n & 15));
    s = tl_lanes4_s8(s, vldrbq_z_s8(x, lanes), w, stride, lanes);
  }
  return s;
}

TL_INLINE int32_t tl_dot1_s8(const int8_t *x, const TL_FLASH int8_t *w, int n) {
  int32_t sum = 0;
  int i;
  for (i = 0; i < n; i += 16) {
    const mve_pred16_t lanes = vctp8q((uint32_t)(n - i));
    sum = vmladavaq_s8(sum, vldrbq_z_s8(x + i, lanes), vldrbq_z_s8(w + i, lanes));
  }
  return sum;
}
#else
/* What taps first .. n - 1 add to the sums of four rows. */
TL_INLINE tl_sums_t tl_dot4_rest_s8(tl_sums_t s, const int8_t *x, const TL_FLASH int8_t *w,
                                    int stride, int first, int n) {
  int i;
  for (i = first; i < n; i++) {
    const int32_t tap = x[i];
    s.a += tap * w[i];
    s.b += tap * w[stride + i];
    s.c += tap * w[2 * stride + i];
    s.d += tap * w[3 * stride + i];
  }
  return s;
}

TL_INLINE int32_t tl_dot1_rest_s8(int32_t sum, const int8_t *x, const TL_FLASH int8_t *w,
                                  int first, int n) {
  int i;
  for (i = first; i < n; i++) sum += x[i] * w[i];
  return sum;
}

#if defined(TL_USE_SMLAD)
/* One quad of taps against four rows. */
TL_INLINE tl_sums_t tl_quad4_s8(tl_sums_t s, const TL_FLASH int8_t *w, int stride,
                                uint32_t even, uint32_t odd) {
  s.a = tl_quad_s8(w, even, odd, s.a);
  s.b = tl_quad_s8(w + stride, even, odd, s.b);
  s.c = tl_quad_s8(w + 2 * stride, even, odd, s.c);
  s.d = tl_quad_s8(w + 3 * stride, even, odd, s.d);
  return s;
}
#endif

TL_INLINE tl_sums_t tl_dot4_s8(const int8_t *x, const TL_FLASH int8_t *w, int stride, int n) {
  tl_sums_t s = {0, 0, 0, 0};
#if defined(TL_USE_SMLAD)
  const int whole = n & ~3;
  const int8_t *end = x + whole;
  for (; x != end; x += 4, w += 4) {
    const uint32_t word = tl_word(x);
    s = tl_quad4_s8(s, w, stride, tl_even_bytes(word), tl_odd_bytes(word));
  }
  return tl_dot4_rest_s8(s, x, w, stride, 0, n - whole);
#else
  return tl_dot4_rest_s8(s, x, w, stride, 0, n);
#endif
}

TL_INLINE int32_t tl_dot1_s8(const int8_t *x, const TL_FLASH int8_t *w, int n) {
  int32_t sum = 0;
#if defined(TL_USE_SMLAD)
  const int whole = n & ~3;
  const int8_t *end = x + whole;
  for (; x != end; x += 4, w += 4) {
    const uint32_t word = tl_word(x);
    sum = tl_quad_s8(w, tl_even_bytes(word), tl_odd_bytes(word), sum);
  }
  return tl_dot1_rest_s8(sum, x, w, 0, n - whole);
#else
  return tl_dot1_rest_s8(sum, x, w, 0, n);
#endif
}
#endif

/* The same for a gathered window. With the DSP extension its taps are halfwords, in quads
 * ordered 0 2 1 3, as the weights' bytes come out of a word. */
#if defined(TL_USE_SMLAD)
TL_INLINE int16_t tl_tap(const int8_t *taps, int i) {
  int16_t tap;
  memcpy(&tap, taps + TL_TAP_BYTES * i, sizeof tap);
  return tap;
}

TL_INLINE tl_sums_t tl_window4_s8(const int8_t *taps, const TL_FLASH int8_t *w, int stride,
                                  int n) {
  tl_sums_t s = {0, 0, 0, 0};
  const int whole = n & ~3;
  const int8_t *end = taps + TL_TAP_BYTES * whole;
  int i;
  for (; taps != end; taps += 4 * TL_TAP_BYTES, w += 4)
    s = tl_quad4_s8(s, w, stride, tl_word(taps), tl_word(taps + 4));
  for (i = 0; i < n - whole; i++) {
    const int32_t tap = tl_tap(taps, i);
    s.a += tap * w[i];
    s.b += tap * w[stride + i];
    s.c += tap * w[2 * stride + i];
    s.d += tap * w[3 * stride + i];
  }
  return s;
}

TL_INLINE int32_t tl_window1_s8(const int8_t *taps, const TL_FLASH int8_t *w, int n) {
  const int whole = n & ~3;
  const int8_t *end = taps + TL_TAP_BYTES * whole;
  int32_t sum = 0;
  int i;
  for (; taps != end; taps += 4 * TL_TAP_BYTES, w += 4)
    sum = tl_quad_s8(w, tl_word(taps), tl_word(taps + 4), sum);
  for (i = 0; i < n - whole; i++) sum += tl_tap(taps, i) * w[i];
  return sum;
}
#else
TL_INLINE int8_t tl_tap(const int8_t *taps, int i) { return taps[i]; }

TL_INLINE tl_sums_t tl_window4_s8(const int8_t *taps, const TL_FLASH int8_t *w, int stride,
                                  int n) {
  return tl_dot4_s8(taps, w, stride, n);
}

TL_INLINE int32_t tl_window1_s8(const int8_t *taps, const TL_FLASH int8_t *w, int n) {
  return tl_dot1_s8(taps, w, n);
}
#endif

#if defined(TL_USE_MVE)
/* Four outputs at once, for layers that round twice. */
TL_INLINE void tl_outputs4_mve_s8(int8_t *y, int32x4_t acc, const TL_FLASH int32_t *q,
                                  tl_out_s8_t out) {
  const uint32x4_t rows = vmulq_n_u32(vidupq_n_u32(0, 1), 3);
  const int32x4_t bias = vldrwq_gather_shifted_offset_s32(q, rows);
  const int32x4_t multiplier = vldrwq_gather_shifted_offset_s32(q + 1, rows);
  const int32x4_t shift = vldrwq_gather_shifted_offset_s32(q + 2, rows);
  acc = vqrdmulhq_s32(vaddq_s32(acc, bias), multiplier);
  if (out.rounding == TL_ROUND_DOUBLE) /* halves away from zero */
    acc = vaddq_s32(acc, vshrq_n_s32(acc, 31));
  acc = vaddq_n_s32(vrshlq_s32(acc, shift), out.zero);
  acc = vminq_s32(vmaxq_s32(acc, vdupq_n_s32(out.min)), vdupq_n_s32(out.max));
  vstrbq_s32(y, acc);
}
#endif

/* Four outputs from their sums; `offset` is the same for all. */
TL_INLINE void tl_outputs4_s8(int8_t *y, tl_sums_t s, const TL_FLASH int32_t *q, int32_t offset,
                              tl_out_s8_t out) {
#if defined(TL_USE_MVE)
  if (out.small && out.rounding != TL_ROUND_SINGLE) {
    const int32_t sums[4] = {s.a + offset, s.b + offset, s.c + offset, s.d + offset};
    tl_outputs4_mve_s8(y, vldrwq_s32(sums), q, out);
    return;
  }
#endif
  y[0] = tl_output_s8(s.a + offset, q, out);
  y[1] = tl_output_s8(s.b + offset, q + 3, out);
  y[2] = tl_output_s8(s.c + offset, q + 6, out);
  y[3] = tl_output_s8(s.d + offset, q + 9, out);
}

/* -w_zero * sum(x), what weights with a zero point of their own take off every row. */
TL_INLINE int32_t tl_weight_offset_s8(const int8_t *x, int n, int w_zero) {
  int32_t sum = 0;
  int i;
  if (w_zero == 0) return 0;
  for (i = 0; i < n; i++) sum += x[i];
  return -w_zero * sum;
}

/* y[n_out] from all rows of w [n_out][n]. */
TL_INLINE void tl_rows_s8(int8_t *y, const int8_t *x, const TL_FLASH int8_t *w,
                          const TL_FLASH int32_t *q, int n, int n_out, int w_zero,
                          tl_out_s8_t out) {
  const int32_t offset = tl_weight_offset_s8(x, n, w_zero);
  int o;
  for (o = 0; o < (n_out & ~3); o += 4)
    tl_outputs4_s8(y + o, tl_dot4_s8(x, w + o * n, n, n), q + 3 * o, offset, out);
  for (o = n_out & ~3; o < n_out; o++)
    y[o] = tl_output_s8(tl_dot1_s8(x, w + o * n, n) + offset, q + 3 * o, out);
}

#endif
