/* depthwise_conv2d_f32.h: each input channel convolved with its own filters, HWC activations,
 * weights [k_h][k_w][out_c]; output channel = input channel * multiplier + m. */
#ifndef TL_DEPTHWISE_CONV2D_F32_H
#define TL_DEPTHWISE_CONV2D_F32_H

#include <stddef.h>

#include "activation_f32.h"
#include "conv_bias_f32.h"
#include "conv_window.h"
#include "vec_f32.h"

/* Output o of the window whose first tap inside is x, over rows x cols taps. */
TL_INLINE float tl_depthwise_output_f32(float acc, const float *x, const float *w, int rows,
                                        int cols, tl_window_t s) {
  int ky, kx;
  for (ky = 0; ky < rows; ky++) {
    const float *xr = x + ky * s.in_w * s.in_c;
    const float *wr = w + ky * s.k_w * s.out_c;
    for (kx = 0; kx < cols; kx++) acc = TL_FMA(wr[kx * s.out_c], xr[kx * s.in_c], acc);
  }
  return acc;
}

/* y[out_h][out_w][out_c] = act(b + w * x). b may be NULL. y does not overlap x. */
TL_INLINE void tl_depthwise_conv2d_f32(float *y, const float *x, const float *w, const float *b,
                                       tl_window_t s, int act, float alpha) {
  const int multiplier = s.out_c / s.in_c;
  int oy, ox, o;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, y += s.out_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const float *xp = x + tl_window_input(s, oy, ox, ky.first, kx.first);
      const float *wp = w + (ky.first * s.k_w + kx.first) * s.out_c;
      for (o = 0; o < s.out_c; o++) {
        const float acc = tl_depthwise_output_f32(b != NULL ? b[o] : 0.0f, xp + o / multiplier,
                                                  wp + o, ky.end - ky.first,
                                                  kx.end - kx.first, s);
        y[o] = tl_activate(acc, act, alpha);
      }
    }
  }
}

/* dx += dy * w for the taps of one position. */
TL_INLINE void tl_depthwise_spread_f32(float *dx, const float *dy, const float *w, int rows,
                                       int cols, tl_window_t s) {
  const int multiplier = s.out_c / s.in_c;
  int ky, kx, o;
  for (ky = 0; ky < rows; ky++) {
    for (kx = 0; kx < cols; kx++) {
      float *dxt = dx + (ky * s.in_w + kx) * s.in_c;
      const float *wt = w + (ky * s.k_w + kx) * s.out_c;
      for (o = 0; o < s.out_c; o++)
        dxt[o / multiplier] = TL_FMA(dy[o], wt[o], dxt[o / multiplier]);
    }
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
                              ky.end - ky.first, kx.end - kx.first, s);
    }
  }
}

/* Gradient of the weight at tap (ky, kx) of output channel o, summed over positions. */
TL_INLINE float tl_depthwise_tap_gradient_f32(const float *x, const float *dy, tl_window_t s,
                                              int ky, int kx, int o) {
  const tl_range_t oy = tl_positions_inside(ky, s.in_h, s.out_h, s.stride_h, s.pad_top);
  const tl_range_t ox = tl_positions_inside(kx, s.in_w, s.out_w, s.stride_w, s.pad_left);
  float g = 0.0f;
  int row, col;
  for (row = oy.first; row < oy.end; row++) {
    const float *xr = x + tl_window_input(s, row, ox.first, ky, kx) + o * s.in_c / s.out_c;
    const float *dr = dy + (row * s.out_w + ox.first) * s.out_c + o;
    for (col = ox.first; col < ox.end; col++, xr += s.stride_w * s.in_c, dr += s.out_c)
      g = TL_FMA(*dr, *xr, g);
  }
  return g;
}

/* As tl_conv2d_backward_f32. A delta feeds one multiplication a tap, so there is nothing to
 * gain from skipping zeros: skip is taken for the sake of one interface. */
TL_INLINE void tl_depthwise_conv2d_backward_f32(float *dx, const float *x, const float *dy,
                                                const float *w, float *uw, float *ub, float s,
                                                tl_window_t sh, int skip) {
  int ky, kx, o;
  (void)skip;
  if (dx != NULL) tl_depthwise_input_gradient_f32(dx, dy, w, sh);
  if (uw == NULL) return;
  for (ky = 0; ky < sh.k_h; ky++) {
    for (kx = 0; kx < sh.k_w; kx++, uw += sh.out_c) {
      for (o = 0; o < sh.out_c; o++)
        uw[o] = TL_FMA(s, tl_depthwise_tap_gradient_f32(x, dy, sh, ky, kx, o), uw[o]);
    }
  }
  if (ub != NULL) tl_bias_update_f32(ub, dy, s, sh.out_h * sh.out_w, sh.out_c);
}

#endif
