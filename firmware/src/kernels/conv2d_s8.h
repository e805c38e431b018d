/* conv2d_s8.h: int8 convolution, weights OHWI, q [out_c][3] (see quant_s8.h). The window is
 * gathered once for all output channels; a 1x1 layer reads its input where it lies. */
#ifndef TL_CONV2D_S8_H
#define TL_CONV2D_S8_H

#include "conv_window.h"
#include "dot_s8.h"

/* Where tap i of n goes: the order that tl_dot_taps_s8() reads. */
TL_INLINE int tl_tap_place(int i, int n) {
#if defined(TL_USE_SMLAD)
  const int in_quad = i & 3;
  if (i >= (n & ~3)) return i;
  return (i & ~3) + (in_quad == 1 ? 2 : in_quad == 2 ? 1 : in_quad);
#else
  (void)n;
  return i;
#endif
}

/* One row of taps, from place `at` on, of n taps in all; all rows of the window are `width`. */
TL_INLINE void tl_gather_row_s8(int8_t *taps, const int8_t *x, int count, int at, int n,
                                int width) {
#if defined(TL_USE_SMLAD)
  int i;
  if ((width & 3) == 0 && (count & 3) == 0 && (at & 3) == 0) {
    int8_t *to = taps + TL_TAP_BYTES * at;
    for (i = 0; i < count; i += 4, to += 4 * TL_TAP_BYTES) {
      const uint32_t word = tl_word(x + i), even = tl_even_bytes(word),
                     odd = tl_odd_bytes(word);
      memcpy(to, &even, 4);
      memcpy(to + 4, &odd, 4);
    }
    return;
  }
  TL_UNROLL_8
  for (i = 0; i < count; i++) {
    const int16_t tap = x[i];
    memcpy(taps + TL_TAP_BYTES * tl_tap_place(at + i, n), &tap, sizeof tap);
  }
#else
  (void)n;
  (void)width;
  memcpy(taps + at, x, (size_t)count);
#endif
}

TL_INLINE void tl_gather_zero_s8(int8_t *taps, int zero, int count, int at, int n) {
  const int8_t tap = (int8_t)zero;
  int i;
  for (i = 0; i < count; i++) tl_gather_row_s8(taps, &tap, 1, at + i, n, 1);
}

/* The taps first .. end - 1 of row k of the window. */
TL_INLINE void tl_gather_taps_s8(int8_t *taps, const int8_t *x, tl_window_t s, int oy, int ox,
                                 int k, tl_range_t kx, int n) {
  const int width = s.k_w * s.in_c, at = k * width;
  int j;
  if (s.gap_w == 0 && kx.end > kx.first)
    tl_gather_row_s8(taps, x + tl_window_input(s, oy, ox, k, kx.first),
                     (kx.end - kx.first) * s.in_c, at + kx.first * s.in_c, n, width);
  if (s.gap_w > 0)
    for (j = kx.first; j < kx.end; j++)
      tl_gather_row_s8(taps, x + tl_window_input(s, oy, ox, k, j), s.in_c, at + j * s.in_c, n,
                       width);
}

/* The window at (oy, ox); what lies outside of the input is the zero point. */
TL_INLINE void tl_gather_s8(int8_t *taps, const int8_t *x, tl_window_t s, int oy, int ox,
                            int x_zero) {
  const tl_range_t ky = tl_window_rows(s, oy), kx = tl_window_cols(s, ox);
  const int width = s.k_w * s.in_c, n = s.k_h * width;
  int k;
  TL_UNROLL_8
  for (k = 0; k < s.k_h; k++) {
    const int at = k * width;
    const int inside = k >= ky.first && k < ky.end;
    const int first = inside ? kx.first * s.in_c : width;
    const int end = inside ? kx.end * s.in_c : width;
    if (tl_window_clips_h(s) || tl_window_clips_w(s)) {
      tl_gather_zero_s8(taps, x_zero, first, at, n);
      tl_gather_zero_s8(taps, x_zero, width - end, at + end, n);
    }
    if (end > first) tl_gather_taps_s8(taps, x, s, oy, ox, k, kx, n);
  }
}

TL_INLINE int32_t tl_taps_offset_s8(const int8_t *taps, int n, int w_zero) {
  int32_t sum = 0;
  int i;
  if (w_zero == 0) return 0;
  for (i = 0; i < n; i++) sum += tl_tap(taps, i);
  return -w_zero * sum;
}

/* All output channels of one gathered window. */
TL_INLINE void tl_conv2d_place_s8(int8_t *y, const int8_t *taps, const TL_FLASH int8_t *w,
                                  const TL_FLASH int32_t *q, int n, int out_c, int w_zero,
                                  tl_out_s8_t out) {
  const int32_t offset = tl_taps_offset_s8(taps, n, w_zero);
  int o;
  for (o = 0; o < (out_c & ~3); o += 4)
    tl_outputs4_s8(y + o, tl_window4_s8(taps, w + o * n, n, n), q + 3 * o, offset, out);
  for (o = out_c & ~3; o < out_c; o++)
    y[o] = tl_output_s8(tl_window1_s8(taps, w + o * n, n) + offset, q + 3 * o, out);
}

/* y[out_h][out_w][out_c]. taps: 2 bytes for each tap of the window, NULL for a 1x1 layer. No
 * two of y, x and taps overlap. */
TL_INLINE void tl_conv2d_s8(int8_t *y, const int8_t *x, const TL_FLASH int8_t *w,
                            const TL_FLASH int32_t *q, tl_window_t s, int x_zero, int w_zero,
                            tl_out_s8_t out, int8_t *taps) {
  int oy, ox;
  for (oy = 0; oy < s.out_h; oy++) {
    for (ox = 0; ox < s.out_w; ox++, y += s.out_c) {
      if (s.k_h * s.k_w == 1) {
        tl_rows_s8(y, x + tl_window_input(s, oy, ox, 0, 0), w, q, s.in_c, s.out_c, w_zero, out);
        continue;
      }
      tl_gather_s8(taps, x, s, oy, ox, x_zero);
      tl_conv2d_place_s8(y, taps, w, q, s.k_h * s.k_w * s.in_c, s.out_c, w_zero, out);
    }
  }
}

#endif
