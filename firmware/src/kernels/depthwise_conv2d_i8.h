/* depthwise_conv2d_i8.h: depthwise convolution that learns in integers, weights
 * [k_h][k_w][out_c], output channel = input channel * multiplier + m; blocks as in dense_i8.h.
 */
#ifndef TL_DEPTHWISE_CONV2D_I8_H
#define TL_DEPTHWISE_CONV2D_I8_H

#include "conv_reach.h"
#include "conv_window.h"
#include "slope_i8.h"
#include "sums_i16.h"
#include "update_i8.h"

/* One output: x and w are those of its channel under the window's first tap inside. */
TL_INLINE int32_t tl_depthwise_sum_i8(const int8_t *x, const int8_t *w, tl_window_t s, int rows,
                                      int cols, int zero) {
  int32_t sum = 0;
  int ky, kx;
  for (ky = 0; ky < rows; ky++)
    for (kx = 0; kx < cols; kx++)
      sum += (int32_t)(x[(ky * s.in_w + kx) * s.in_c] - zero) * w[(ky * s.k_w + kx) * s.out_c];
  return sum;
}

/* z[out_h][out_w][out_c] = w * (x - zero) + b, and its exponent. */
TL_INLINE void tl_depthwise_conv2d_i8(int16_t *z, int8_t *z_exp, const int8_t *x,
                                      const int8_t *x_exp, const int8_t *w, const int8_t *w_exp,
                                      const int16_t *b, const int8_t *b_exp, tl_window_t s,
                                      int zero) {
  const int times = s.out_c / s.in_c;
  tl_layer_sums_t sums = tl_begin_sums_i16(z, x_exp, w_exp, b, b_exp);
  int oy, ox, o;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const int8_t *xp = x + tl_window_input(s, oy, ox, ky.first, kx.first);
      const int8_t *wp = w + (ky.first * s.k_w + kx.first) * s.out_c;
      for (o = 0; o < s.out_c; o++)
        tl_put_sum_i16(&sums,
                       tl_depthwise_sum_i8(xp + o / times, wp + o, s, ky.end - ky.first,
                                           kx.end - kx.first, zero),
                       o);
    }
  }
  *z_exp = tl_end_sums_i16(&sums);
}

/* The gradient by one input of the channel whose first deltas and weights these are. */
TL_INLINE int32_t tl_depthwise_gathered_i8(const int16_t *dz, const int8_t *w, tl_window_t s,
                                           tl_reach_t ry, tl_reach_t rx) {
  const int times = s.out_c / s.in_c;
  int32_t sum = 0;
  int jy, jx, m;
  for (jy = 0; jy < ry.count; jy++)
    for (jx = 0; jx < rx.count; jx++) {
      const int16_t *d = dz + ((ry.position - jy) * s.out_w + rx.position - jx) * s.out_c;
      const int8_t *tap =
          w + ((ry.tap + jy * s.stride_h) * s.k_w + rx.tap + jx * s.stride_w) * s.out_c;
      for (m = 0; m < times; m++) sum += (int32_t)tap[m] * d[m];
    }
  return sum;
}

/* dx = the input's gradient times the slope of the activation that made x, in 12 bits. */
TL_INLINE void tl_depthwise_conv2d_gradient_i8(int16_t *dx, int8_t *dx_exp, const int8_t *x,
                                               const int16_t *dz, const int8_t *dz_exp,
                                               const int8_t *w, const int8_t *w_exp,
                                               tl_window_t s, int activation) {
  const int times = s.out_c / s.in_c;
  tl_block_t block = tl_block_i16(dx);
  int iy, ix, c;
  for (iy = 0; iy < s.in_h; iy++) {
    const tl_reach_t ry = tl_reach(iy, s.pad_top, s.k_h, s.stride_h, s.out_h);
    for (ix = 0; ix < s.in_w; ix++) {
      const tl_reach_t rx = tl_reach(ix, s.pad_left, s.k_w, s.stride_w, s.out_w);
      for (c = 0; c < s.in_c; c++) {
        const int stops = tl_stops_i8(x[(iy * s.in_w + ix) * s.in_c + c], activation);
        tl_put_i16(
            &block,
            stops ? 0 : tl_depthwise_gathered_i8(dz + c * times, w + c * times, s, ry, rx));
      }
    }
  }
  *dx_exp = tl_exponent_i8(*dz_exp + *w_exp + tl_end_gradient_i16(&block));
  tl_times_slope_i8(dx, x, s.in_h * s.in_w * s.in_c, activation);
}

/* sums[ky][kx] += d (x - zero) for one channel's taps. */
TL_INLINE void tl_add_depthwise_i8(int32_t *sums, const int8_t *x, tl_window_t s, int rows,
                                   int cols, int32_t d, int zero) {
  int ky, kx;
  for (ky = 0; ky < rows; ky++)
    for (kx = 0; kx < cols; kx++)
      sums[ky * s.k_w + kx] += d * (x[(ky * s.in_w + kx) * s.in_c] - zero);
}

/* Gradient of one output channel, in sums; *bias: the sum of its deltas. x is its input
 * channel. 0 where all deltas are 0. */
TL_INLINE int tl_depthwise_filter_gradient_i8(int32_t *sums, int32_t *bias, const int8_t *x,
                                              const int16_t *dz, tl_window_t s, int zero) {
  int oy, ox, used = 0;
  *bias = 0;
  memset(sums, 0, sizeof *sums * (size_t)(s.k_h * s.k_w));
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, dz += s.out_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      if (*dz == 0) continue;
      used = 1;
      *bias += *dz;
      tl_add_depthwise_i8(sums + ky.first * s.k_w + kx.first,
                          x + tl_window_input(s, oy, ox, ky.first, kx.first), s,
                          ky.end - ky.first, kx.end - kx.first, *dz, zero);
    }
  }
  return used;
}

/* w and b take their step, channel by channel; sums holds one channel's gradient. */
TL_INLINE void tl_depthwise_conv2d_update_i8(int32_t *sums, const int8_t *x,
                                             const int8_t *x_exp, const int16_t *dz,
                                             const int8_t *dz_exp, int8_t *w, int8_t *w_exp,
                                             int16_t *b, int8_t *b_exp, int32_t *random,
                                             float minus_rate, float gain, tl_window_t s,
                                             int zero) {
  const int times = s.out_c / s.in_c, taps = s.k_h * s.k_w;
  tl_update_t u = tl_begin_update_i8(minus_rate, gain, tl_exponent_or_0(x_exp), *dz_exp, *w_exp,
                                     b_exp, random);
  int32_t bias;
  int o;
  for (o = 0; o < s.out_c; o++) {
    if (!tl_depthwise_filter_gradient_i8(sums, &bias, x + o / times, dz + o, s, zero)) continue;
    if (b) tl_bias_sum_step_i16(&u, b + o, bias);
    tl_taps_step_i8(&u, w + o, s.out_c, sums, taps);
  }
  tl_end_update_i8(&u, w, w_exp, s.out_c * taps, b, b_exp, s.out_c, random);
}

#endif
