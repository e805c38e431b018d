/* depthwise_conv2d_s8.h: int8 depthwise convolution, weights [k_h][k_w][c], q [c][3]. */
#ifndef TL_DEPTHWISE_CONV2D_S8_H
#define TL_DEPTHWISE_CONV2D_S8_H

#include "conv_window.h"
#include "dot_s8.h"

/* Sums of four neighbouring channels over the taps inside the input; xp and wp point to the
 * first of them. */
TL_INLINE void tl_depthwise_quad_s8(int32_t acc[4], const int8_t *xp, const TL_FLASH int8_t *wp,
                                    tl_window_t s, int rows, int cols) {
  int ky, kx;
  for (ky = 0; ky < rows; ky++) {
    for (kx = 0; kx < cols; kx++) {
      const int8_t *x = xp + tl_tap_offset(s, ky, kx);
      const TL_FLASH int8_t *w = wp + (ky * s.k_w + kx) * s.in_c;
#if defined(TL_USE_SMLAD)
      const uint32_t xw = tl_word(x), ww = tl_word(w);
      const uint32_t xe = tl_even_bytes(xw), we = tl_even_bytes(ww);
      const uint32_t xo = tl_odd_bytes(xw), wo = tl_odd_bytes(ww);
      acc[0] += (int16_t)xe * (int16_t)we;
      acc[1] += (int16_t)xo * (int16_t)wo;
      acc[2] += ((int32_t)xe >> 16) * ((int32_t)we >> 16);
      acc[3] += ((int32_t)xo >> 16) * ((int32_t)wo >> 16);
#else
      acc[0] += x[0] * w[0];
      acc[1] += x[1] * w[1];
      acc[2] += x[2] * w[2];
      acc[3] += x[3] * w[3];
#endif
    }
  }
}

TL_INLINE int32_t tl_depthwise_one_s8(const int8_t *xp, const TL_FLASH int8_t *wp,
                                      tl_window_t s, int rows, int cols) {
  int32_t acc = 0;
  int ky, kx;
  for (ky = 0; ky < rows; ky++)
    for (kx = 0; kx < cols; kx++)
      acc += xp[tl_tap_offset(s, ky, kx)] * wp[(ky * s.k_w + kx) * s.in_c];
  return acc;
}

/* What the taps outside of the input add to channel c: each counts as the zero point there. */
TL_INLINE int32_t tl_depthwise_outside_s8(const TL_FLASH int8_t *w, tl_window_t s,
                                          tl_range_t ky, tl_range_t kx, int x_zero,
                                          int w_zero) {
  int32_t sum = 0;
  int i, j;
  for (i = 0; i < s.k_h; i++)
    for (j = 0; j < s.k_w; j++)
      if (i < ky.first || i >= ky.end || j < kx.first || j >= kx.end)
        sum += w[(i * s.k_w + j) * s.in_c] - w_zero;
  return sum * x_zero;
}

/* -w_zero * sum of x over the taps inside. */
TL_INLINE int32_t tl_depthwise_offset_s8(const int8_t *xp, tl_window_t s, int rows, int cols,
                                         int w_zero) {
  int32_t sum = 0;
  int i, j;
  if (w_zero == 0) return 0;
  for (i = 0; i < rows; i++)
    for (j = 0; j < cols; j++) sum += xp[tl_tap_offset(s, i, j)];
  return -w_zero * sum;
}

/* All channels of one place. */
TL_INLINE void tl_depthwise_place_s8(int8_t *y, const int8_t *xp, const TL_FLASH int8_t *w,
                                     const TL_FLASH int32_t *q, tl_window_t s, tl_range_t ky,
                                     tl_range_t kx, int x_zero, int w_zero, tl_out_s8_t out) {
  const int rows = ky.end - ky.first, cols = kx.end - kx.first;
  const int clips = rows * cols < s.k_h * s.k_w;
  const TL_FLASH int8_t *wp = w + (ky.first * s.k_w + kx.first) * s.in_c;
  int c, r;
  for (c = 0; c < s.in_c; c += 4) {
    const int count = s.in_c - c < 4 ? s.in_c - c : 4;
    int32_t acc[4] = {0, 0, 0, 0};
    if (count == 4) tl_depthwise_quad_s8(acc, xp + c, wp + c, s, rows, cols);
    for (r = 0; r < count; r++) {
      if (count < 4) acc[r] = tl_depthwise_one_s8(xp + c + r, wp + c + r, s, rows, cols);
      acc[r] += tl_depthwise_offset_s8(xp + c + r, s, rows, cols, w_zero);
      if (clips) acc[r] += tl_depthwise_outside_s8(w + c + r, s, ky, kx, x_zero, w_zero);
      y[c + r] = tl_output_s8(acc[r], q + 3 * (c + r), out);
    }
  }
}

/* y[out_h][out_w][c]. y does not overlap x. */
TL_INLINE void tl_depthwise_conv2d_s8(int8_t *y, const int8_t *x, const TL_FLASH int8_t *w,
                                      const TL_FLASH int32_t *q, tl_window_t s, int x_zero,
                                      int w_zero, tl_out_s8_t out) {
  int oy, ox;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, y += s.in_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const int8_t *xp = x + tl_window_input(s, oy, ox, ky.first, kx.first);
      tl_depthwise_place_s8(y, xp, w, q, s, ky, kx, x_zero, w_zero, out);
    }
  }
}

#endif
