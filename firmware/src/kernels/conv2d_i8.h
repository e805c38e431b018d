/* conv2d_i8.h: two-dimensional convolution that learns in integers, of HWC values with OHWI
 * weights; blocks as in dense_i8.h. Implicit zeros (SAME padding) are left out of all sums. */
#ifndef TL_CONV2D_I8_H
#define TL_CONV2D_I8_H

#include "conv_reach.h"
#include "conv_window.h"
#include "slope_i8.h"
#include "sums_i16.h"
#include "update_i8.h"

/* A window inside the input: rows of taps that lie one after the other. */
typedef struct {
  int rows, taps, x_row, w_row;
} tl_patch_i8_t;

TL_INLINE tl_sums_t tl_patch4_i8(const int8_t *x, const int8_t *w, tl_patch_i8_t p, int filter,
                                 int zero) {
  tl_sums_t s = {0, 0, 0, 0};
  int k;
  for (k = 0; k < p.rows; k++, x += p.x_row, w += p.w_row)
    s = tl_rows4_i8(s, x, w, filter, p.taps, zero);
  return s;
}

TL_INLINE int32_t tl_patch1_i8(const int8_t *x, const int8_t *w, tl_patch_i8_t p, int zero) {
  int32_t sum = 0;
  int k;
  for (k = 0; k < p.rows; k++, x += p.x_row, w += p.w_row)
    sum = tl_row_i8(sum, x, w, p.taps, zero);
  return sum;
}

/* All filters at one position. */
TL_INLINE void tl_conv2d_position_i8(tl_layer_sums_t *sums, const int8_t *x, const int8_t *w,
                                     tl_patch_i8_t p, int filter, int n_out, int zero) {
  int o;
  for (o = 0; o < (n_out & ~3); o += 4, w += 4 * filter)
    tl_put_sums4_i16(sums, tl_patch4_i8(x, w, p, filter, zero), o);
  for (; o < n_out; o++, w += filter) tl_put_sum_i16(sums, tl_patch1_i8(x, w, p, zero), o);
}

/* z[out_h][out_w][out_c] = w * (x - zero) + b, and its exponent. */
TL_INLINE void tl_conv2d_i8(int16_t *z, int8_t *z_exp, const int8_t *x, const int8_t *x_exp,
                            const int8_t *w, const int8_t *w_exp, const int16_t *b,
                            const int8_t *b_exp, tl_window_t s, int zero) {
  const int filter = s.k_h * s.k_w * s.in_c;
  tl_layer_sums_t sums = tl_begin_sums_i16(z, x_exp, w_exp, b, b_exp);
  int oy, ox;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const tl_patch_i8_t p = {ky.end - ky.first, (kx.end - kx.first) * s.in_c, s.in_w * s.in_c,
                               s.k_w * s.in_c};
      tl_conv2d_position_i8(&sums, x + tl_window_input(s, oy, ox, ky.first, kx.first),
                            w + (ky.first * s.k_w + kx.first) * s.in_c, p, filter, s.out_c,
                            zero);
    }
  }
  *z_exp = tl_end_sums_i16(&sums);
}

/* The gradient by one input: over all windows that hold it, and all filters. */
TL_INLINE int32_t tl_conv2d_gathered_i8(const int16_t *dz, const int8_t *w, tl_window_t s,
                                        tl_reach_t ry, tl_reach_t rx) {
  const int filter = s.k_h * s.k_w * s.in_c;
  int32_t sum = 0;
  int jy, jx, o;
  for (jy = 0; jy < ry.count; jy++)
    for (jx = 0; jx < rx.count; jx++) {
      const int16_t *d = dz + ((ry.position - jy) * s.out_w + rx.position - jx) * s.out_c;
      const int8_t *tap =
          w + ((ry.tap + jy * s.stride_h) * s.k_w + rx.tap + jx * s.stride_w) * s.in_c;
      for (o = 0; o < s.out_c; o++, tap += filter) sum += (int32_t)*tap * d[o];
    }
  return sum;
}

/* dx = the input's gradient times the slope of the activation that made x, in 12 bits. */
TL_INLINE void tl_conv2d_gradient_i8(int16_t *dx, int8_t *dx_exp, const int8_t *x,
                                     const int16_t *dz, const int8_t *dz_exp, const int8_t *w,
                                     const int8_t *w_exp, tl_window_t s, int activation) {
  tl_block_t block = tl_block_i16(dx);
  int iy, ix, c;
  for (iy = 0; iy < s.in_h; iy++) {
    const tl_reach_t ry = tl_reach(iy, s.pad_top, s.k_h, s.stride_h, s.out_h);
    for (ix = 0; ix < s.in_w; ix++) {
      const tl_reach_t rx = tl_reach(ix, s.pad_left, s.k_w, s.stride_w, s.out_w);
      for (c = 0; c < s.in_c; c++) {
        const int stops = tl_stops_i8(x[(iy * s.in_w + ix) * s.in_c + c], activation);
        tl_put_i16(&block, stops ? 0 : tl_conv2d_gathered_i8(dz, w + c, s, ry, rx));
      }
    }
  }
  *dx_exp = tl_exponent_i8(*dz_exp + *w_exp + tl_end_gradient_i16(&block));
  tl_times_slope_i8(dx, x, s.in_h * s.in_w * s.in_c, activation);
}

/* sums[rows][w_row] += d (x - zero) for the taps of a window. */
TL_INLINE void tl_add_patch_i8(int32_t *sums, const int8_t *x, tl_patch_i8_t p, int32_t d,
                               int zero) {
  int k, t;
  for (k = 0; k < p.rows; k++, x += p.x_row, sums += p.w_row)
    for (t = 0; t < p.taps; t++) sums[t] += d * (x[t] - zero);
}

/* Gradient of one filter, in sums, from its deltas, out_c apart; *bias: their sum. 0 where all
 * of them are 0. */
TL_INLINE int tl_filter_gradient_i8(int32_t *sums, int32_t *bias, const int8_t *x,
                                    const int16_t *dz, tl_window_t s, int zero) {
  int oy, ox, used = 0;
  *bias = 0;
  memset(sums, 0, sizeof *sums * (size_t)(s.k_h * s.k_w * s.in_c));
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, dz += s.out_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const tl_patch_i8_t p = {ky.end - ky.first, (kx.end - kx.first) * s.in_c, s.in_w * s.in_c,
                               s.k_w * s.in_c};
      if (*dz == 0) continue;
      used = 1;
      *bias += *dz;
      tl_add_patch_i8(sums + (ky.first * s.k_w + kx.first) * s.in_c,
                      x + tl_window_input(s, oy, ox, ky.first, kx.first), p, *dz, zero);
    }
  }
  return used;
}

/* w and b take their step, filter by filter; sums holds one filter's gradient. */
TL_INLINE void tl_conv2d_update_i8(int32_t *sums, const int8_t *x, const int8_t *x_exp,
                                   const int16_t *dz, const int8_t *dz_exp, int8_t *w,
                                   int8_t *w_exp, int16_t *b, int8_t *b_exp, int32_t *random,
                                   float minus_rate, float gain, tl_window_t s, int zero) {
  const int filter = s.k_h * s.k_w * s.in_c;
  tl_update_t u = tl_begin_update_i8(minus_rate, gain, tl_exponent_or_0(x_exp), *dz_exp, *w_exp,
                                     b_exp, random);
  int32_t bias;
  int o;
  for (o = 0; o < s.out_c; o++) {
    if (!tl_filter_gradient_i8(sums, &bias, x, dz + o, s, zero)) continue;
    if (b) tl_bias_sum_step_i16(&u, b + o, bias);
    tl_taps_step_i8(&u, w + o * filter, 1, sums, filter);
  }
  tl_end_update_i8(&u, w, w_exp, s.out_c * filter, b, b_exp, s.out_c, random);
}

#endif
