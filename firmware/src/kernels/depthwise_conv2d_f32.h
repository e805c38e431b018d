/* depthwise_conv2d_f32.h: each input channel convolved with its own filters, HWC activations,
 * weights [k_h][k_w][out_c]; output channel = input channel * multiplier + m. */
#ifndef TL_DEPTHWISE_CONV2D_F32_H
#define TL_DEPTHWISE_CONV2D_F32_H

#include <stddef.h>

#include "activation_f32.h"
#include "conv_bias_f32.h"
#include "conv_window.h"
#include "vec_f32.h"

/* The taps of a window against its input: x_ steps in the input, d_ steps in the weights. */
TL_INLINE tl_sweep_t tl_depthwise_taps(tl_window_t s, tl_range_t ky, tl_range_t kx) {
  tl_sweep_t p;
  p.rows = ky.end - ky.first;
  p.cols = kx.end - kx.first;
  p.x_row = tl_tap_offset(s, 1, 0);
  p.x_col = tl_tap_offset(s, 0, 1);
  p.d_row = s.k_w * s.out_c;
  p.d_col = s.out_c;
  return p;
}

/* acc[out_c] += sum over the sweep of x * d, where d has out_c channels and x has in_c. */
TL_INLINE void tl_depthwise_products_f32(float *acc, const float *x, const float *d,
                                         tl_sweep_t p, tl_window_t s) {
  int o;
  if (p.rows <= 0 || p.cols <= 0) return;
  if (s.in_c == s.out_c) {
    tl_channel_products_f32(acc, x, d, p, s.out_c);
  } else {
    for (o = 0; o < s.out_c; o++)
      tl_channel_products_f32(acc + o, x + o / (s.out_c / s.in_c), d + o, p, 1);
  }
}

/* y[out_h][out_w][out_c] = act(b + w * x). b may be NULL. y does not overlap x. */
TL_INLINE void tl_depthwise_conv2d_f32(float *y, const float *x, const float *w, const float *b,
                                       tl_window_t s, int act, float alpha) {
  int oy, ox;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, y += s.out_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      if (b != NULL)
        tl_copy_f32(y, b, s.out_c);
      else
        tl_fill_f32(y, 0.0f, s.out_c);
      tl_depthwise_products_f32(y, x + tl_window_input(s, oy, ox, ky.first, kx.first),
                                w + (ky.first * s.k_w + kx.first) * s.out_c,
                                tl_depthwise_taps(s, ky, kx), s);
      if (act != TL_LINEAR) tl_activation_f32(y, y, s.out_c, act, alpha);
    }
  }
}

/* dx += dy * w over the taps of one position. */
TL_INLINE void tl_depthwise_spread_f32(float *dx, const float *dy, const float *w, tl_sweep_t p,
                                       tl_window_t s) {
  int o;
  if (p.rows <= 0 || p.cols <= 0) return;
  if (s.in_c == s.out_c) {
    tl_channel_spread_f32(dx, w, dy, p, s.out_c);
  } else {
    for (o = 0; o < s.out_c; o++)
      tl_channel_spread_f32(dx + o / (s.out_c / s.in_c), w + o, dy + o, p, 1);
  }
}

TL_INLINE void tl_depthwise_input_gradient_f32(float *dx, const float *dy, const float *w,
                                               tl_window_t s) {
  int oy, ox;
  tl_fill_f32(dx, 0.0f, s.in_h * s.in_w * s.in_c);
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, dy += s.out_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      tl_depthwise_spread_f32(dx + tl_window_input(s, oy, ox, ky.first, kx.first), dy,
                              w + (ky.first * s.k_w + kx.first) * s.out_c,
                              tl_depthwise_taps(s, ky, kx), s);
    }
  }
}

/* The positions at which tap (ky, kx) lies inside: x_ steps in the input, d_ in dy. */
TL_INLINE tl_sweep_t tl_depthwise_positions(tl_window_t s, tl_range_t oy, tl_range_t ox) {
  tl_sweep_t p;
  p.rows = tl_window_clips_h(s) ? oy.end - oy.first : s.out_h;
  p.cols = tl_window_clips_w(s) ? ox.end - ox.first : s.out_w;
  p.x_row = s.stride_h * s.in_w * s.in_c;
  p.x_col = s.stride_w * s.in_c;
  p.d_row = s.out_w * s.out_c;
  p.d_col = s.out_c;
  return p;
}

/* u[n] += s * gradient of the weights at tap (ky, kx) of n <= 8 channels from o, one input
 * channel each; or of channel o alone, where several share an input channel. */
TL_INLINE void tl_depthwise_update_f32(float *u, const float *x, const float *dy, float s,
                                       tl_window_t sh, int ky, int kx, int o, int n) {
  const tl_range_t oy = tl_tap_rows(sh, ky), ox = tl_tap_cols(sh, kx);
  const tl_sweep_t p = tl_depthwise_positions(sh, oy, ox);
  float g[8];
  if (p.rows <= 0 || p.cols <= 0) return;
  tl_fill_f32(g, 0.0f, n);
  tl_channel_products_f32(
      g, x + tl_window_input(sh, oy.first, ox.first, ky, kx) + o / (sh.out_c / sh.in_c),
      dy + (oy.first * sh.out_w + ox.first) * sh.out_c + o, p, n);
  tl_accumulate_scaled_f32(u + o, g, s, n);
}

/* As tl_conv2d_backward_f32. A delta feeds one multiplication a tap, so there is nothing to
 * gain from skipping zeros: skip is taken for the sake of one interface. */
TL_INLINE void tl_depthwise_conv2d_backward_f32(float *dx, const float *x, const float *dy,
                                                const float *w, float *uw, float *ub, float s,
                                                tl_window_t sh, int skip) {
  const int width = sh.in_c == sh.out_c ? 8 : 1;
  int ky, kx, o;
  (void)skip;
  if (dx != NULL) tl_depthwise_input_gradient_f32(dx, dy, w, sh);
  if (uw == NULL) return;
  for (ky = 0; ky < sh.k_h; ky++) {
    for (kx = 0; kx < sh.k_w; kx++, uw += sh.out_c) {
      for (o = 0; o + width <= sh.out_c; o += width)
        tl_depthwise_update_f32(uw, x, dy, s, sh, ky, kx, o, width);
      if (o < sh.out_c) tl_depthwise_update_f32(uw, x, dy, s, sh, ky, kx, o, sh.out_c % 8);
    }
  }
  if (ub != NULL) tl_bias_update_f32(ub, dy, s, sh.out_h * sh.out_w, sh.out_c);
}

#endif
