/* conv2d_f32.h: two-dimensional convolution (cross-correlation) of HWC activations with OHWI
 * weights, its input gradient and SGD update without a gradient buffer.
 * The taps of one row of a window are contiguous in both, so every inner loop is a plain
 * run; implicit zeros (SAME padding) are left out of the runs, never multiplied. */
#ifndef TL_CONV2D_F32_H
#define TL_CONV2D_F32_H

#include <stddef.h>

#include "activation_f32.h"
#include "conv_bias_f32.h"
#include "conv_window.h"
#include "vec_f32.h"

/* One position of a dilated layer, but for its activation. The taps of a row lie apart, so each
 * row is a patch of its own, on top of those before. */
TL_INLINE void tl_conv2d_dilated_f32(float *y, const float *x, const float *w, const float *b,
                                     tl_window_t s, int oy, int ox) {
  const tl_range_t ky = tl_window_rows(s, oy), kx = tl_window_cols(s, ox);
  const int w_row = s.k_w * s.in_c;
  const tl_patch_t p = {kx.end - kx.first, s.in_c, (s.gap_w + 1) * s.in_c, s.in_c,
                        s.k_h * w_row};
  int k;
  if (b != NULL)
    tl_copy_f32(y, b, s.out_c);
  else
    tl_fill_f32(y, 0.0f, s.out_c);
  if (p.rows <= 0) return;
  for (k = ky.first; k < ky.end; k++)
    tl_patch_f32(y, x + tl_window_input(s, oy, ox, k, kx.first),
                 w + k * w_row + kx.first * s.in_c, y, p, s.out_c, 0);
}

/* y[out_h][out_w][out_c] = act(b + w * x). b may be NULL. y does not overlap x. */
TL_INLINE void tl_conv2d_f32(float *y, const float *x, const float *w, const float *b,
                             tl_window_t s, int act, float alpha) {
  const int w_row = s.k_w * s.in_c;
  int oy, ox;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, y += s.out_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      if (s.gap_h + s.gap_w > 0) {
        tl_conv2d_dilated_f32(y, x, w, b, s, oy, ox);
        if (act != TL_LINEAR) tl_activation_f32(y, y, s.out_c, act, alpha);
        continue;
      }
      const float *xp = x + tl_window_input(s, oy, ox, ky.first, kx.first);
      const float *wp = w + ky.first * w_row + kx.first * s.in_c;
      tl_patch_t p = {s.k_h, w_row, s.in_w * s.in_c, w_row, s.k_h * w_row};
      const int whole = ky.end - ky.first == s.k_h && kx.end - kx.first == s.k_w;
      if (whole) {
        tl_patch_f32(y, xp, w, b, p, s.out_c, act == TL_RELU);
      } else { /* border: sizes known at run time only */
        p.rows = ky.end - ky.first;
        p.taps = (kx.end - kx.first) * s.in_c;
        tl_patch_f32(y, xp, wp, b, p, s.out_c, act == TL_RELU);
      }
      tl_finish_activation_f32(y, s.out_c, act, alpha);
    }
  }
}

/* dx += gradient of one position, tap by tap. */
TL_INLINE void tl_conv2d_dilated_gradient_f32(float *dx, const float *dy, const float *w,
                                              tl_window_t s, int oy, int ox, int skip) {
  const tl_range_t ky = tl_window_rows(s, oy), kx = tl_window_cols(s, ox);
  int k, j;
  for (k = ky.first; k < ky.end; k++)
    for (j = kx.first; j < kx.end; j++)
      tl_rows_gradient_f32(dx + tl_window_input(s, oy, ox, k, j), w + (k * s.k_w + j) * s.in_c,
                           dy, s.out_c, s.k_h * s.k_w * s.in_c, s.in_c, skip);
}

/* dx = gradient with respect to the input, position by position, filter by filter. */
TL_INLINE void tl_conv2d_input_gradient_f32(float *dx, const float *dy, const float *w,
                                            tl_window_t s, int skip) {
  const int w_row = s.k_w * s.in_c;
  int oy, ox, k;
  tl_fill_f32(dx, 0.0f, s.in_h * s.in_w * s.in_c);
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, dy += s.out_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const int taps = (kx.end - kx.first) * s.in_c;
      if (s.gap_w > 0) {
        tl_conv2d_dilated_gradient_f32(dx, dy, w, s, oy, ox, skip);
        continue;
      }
      for (k = ky.first; k < ky.end; k++)
        tl_rows_gradient_f32(dx + tl_window_input(s, oy, ox, k, kx.first),
                             w + k * w_row + kx.first * s.in_c, dy, s.out_c, s.k_h * w_row,
                             taps, skip);
    }
  }
}

/* uw += s * gradient of the taps (ky, kx .. kx + span - 1) of all filters. All of these taps
 * are inside the input for the same output columns. */
TL_INLINE void tl_conv2d_update_taps_f32(float *uw, const float *x, const float *dy, float s,
                                         tl_window_t sh, int ky, int kx, int span, int skip) {
  const tl_range_t oy = tl_tap_rows(sh, ky), ox = tl_tap_cols(sh, kx);
  const int clips = tl_window_clips_h(sh) || tl_window_clips_w(sh);
  const tl_range_t rows = {clips ? oy.first : 0, clips ? oy.end : sh.out_h};
  const tl_range_t cols = {clips ? ox.first : 0, clips ? ox.end : sh.out_w};
  tl_sweep_t p;
  p.rows = rows.end - rows.first;
  p.cols = cols.end - cols.first;
  p.x_row = sh.stride_h * sh.in_w * sh.in_c;
  p.x_col = sh.stride_w * sh.in_c;
  p.d_row = sh.out_w * sh.out_c;
  p.d_col = sh.out_c;
  if (p.rows <= 0 || p.cols <= 0) return; /* a tap that only ever meets padding */
  tl_taps_update_f32(uw + (ky * sh.k_w + kx) * sh.in_c,
                     x + tl_window_input(sh, rows.first, cols.first, ky, kx),
                     dy + (rows.first * sh.out_w + cols.first) * sh.out_c, s, p, sh.out_c,
                     sh.k_h * sh.k_w * sh.in_c, span * sh.in_c, skip);
}

/* dx[in_h][in_w][in_c] = input gradient with the weights before the update (overwritten);
 * uw += s * weight gradient, ub += s * sum of dy over positions.
 * dx, uw and ub may be NULL (not wanted, frozen, no bias); dx overlaps nothing, uw may be w.
 * skip: pass over deltas that are exactly 0 (equal values; the sign of a zero may differ). */
TL_INLINE void tl_conv2d_backward_f32(float *dx, const float *x, const float *dy,
                                      const float *w, float *uw, float *ub, float s,
                                      tl_window_t sh, int skip) {
  const int span = tl_window_clips_w(sh) || sh.gap_w > 0 ? 1 : sh.k_w;
  int ky, kx;
  if (dx != NULL) tl_conv2d_input_gradient_f32(dx, dy, w, sh, skip);
  if (uw == NULL) return;
  for (ky = 0; ky < sh.k_h; ky++)
    for (kx = 0; kx < sh.k_w; kx += span)
      tl_conv2d_update_taps_f32(uw, x, dy, s, sh, ky, kx, span, skip);
  if (ub != NULL) tl_bias_update_f32(ub, dy, s, sh.out_h * sh.out_w, sh.out_c);
}

#endif
