/* average_pool_i8.h: mean of the inputs inside each window, for learning in integers: a block
 * of int16, as a layer's sums are. */
#ifndef TL_AVERAGE_POOL_I8_H
#define TL_AVERAGE_POOL_I8_H

#include "conv_reach.h"
#include "conv_window.h"
#include "slope_i8.h"

/* 1 / count is taken in so many bits, forward and backward. */
#define TL_MEAN_BITS 20
#define TL_SHARE_BITS 15

TL_INLINE int32_t tl_inverse_i32(int count, int bits) {
  return (((int32_t)1 << bits) + count / 2) / count;
}

/* Sum of rows x cols inputs of one channel. */
TL_INLINE int32_t tl_pool_sum_i8(const int8_t *x, int rows, int cols, tl_window_t s) {
  int32_t sum = 0;
  int ky, kx;
  for (ky = 0; ky < rows; ky++)
    for (kx = 0; kx < cols; kx++) sum += x[(ky * s.in_w + kx) * s.in_c];
  return sum;
}

/* z[out_h][out_w][c] = mean of the window, and its exponent. */
TL_INLINE void tl_average_pool_i8(int16_t *z, int8_t *z_exp, const int8_t *x,
                                  const int8_t *x_exp, tl_window_t s) {
  tl_block_t block = tl_block_i16(z);
  int oy, ox, c;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const int rows = ky.end - ky.first, cols = kx.end - kx.first;
      const int32_t inverse = tl_inverse_i32(rows * cols, TL_MEAN_BITS);
      const int8_t *xp = x + tl_window_input(s, oy, ox, ky.first, kx.first);
      for (c = 0; c < s.in_c; c++)
        tl_put_i16(&block, tl_pool_sum_i8(xp + c, rows, cols, s) * inverse);
    }
  }
  *z_exp = tl_exponent_i8(*x_exp - TL_MEAN_BITS + block.right);
}

/* Of the window at (oy, ox): 1 over the inputs inside. */
TL_INLINE int32_t tl_pool_share_i32(tl_window_t s, int oy, int ox) {
  const tl_range_t ky = tl_window_rows(s, oy), kx = tl_window_cols(s, ox);
  return tl_inverse_i32((ky.end - ky.first) * (kx.end - kx.first), TL_SHARE_BITS);
}

/* The gradient by one input: its share of all windows that hold it. */
TL_INLINE int32_t tl_pool_gathered_i8(const int16_t *dz, tl_window_t s, tl_reach_t ry,
                                      tl_reach_t rx) {
  int32_t sum = 0;
  int jy, jx;
  for (jy = 0; jy < ry.count; jy++)
    for (jx = 0; jx < rx.count; jx++) {
      const int oy = ry.position - jy, ox = rx.position - jx;
      sum += dz[(oy * s.out_w + ox) * s.in_c] * tl_pool_share_i32(s, oy, ox);
    }
  return sum;
}

/* dx times the slope of the activation that made x, in 12 bits. */
TL_INLINE void tl_average_pool_gradient_i8(int16_t *dx, int8_t *dx_exp, const int8_t *x,
                                           const int16_t *dz, const int8_t *dz_exp,
                                           tl_window_t s, int activation) {
  tl_block_t block = tl_block_i16(dx);
  int iy, ix, c;
  for (iy = 0; iy < s.in_h; iy++) {
    const tl_reach_t ry = tl_reach(iy, s.pad_top, s.k_h, s.stride_h, s.out_h);
    for (ix = 0; ix < s.in_w; ix++) {
      const tl_reach_t rx = tl_reach(ix, s.pad_left, s.k_w, s.stride_w, s.out_w);
      for (c = 0; c < s.in_c; c++) {
        const int stops = tl_stops_i8(x[(iy * s.in_w + ix) * s.in_c + c], activation);
        tl_put_i16(&block, stops ? 0 : tl_pool_gathered_i8(dz + c, s, ry, rx));
      }
    }
  }
  *dx_exp = tl_exponent_i8(*dz_exp - TL_SHARE_BITS + tl_end_gradient_i16(&block));
  tl_times_slope_i8(dx, x, s.in_h * s.in_w * s.in_c, activation);
}

#endif
