/* dense_i8.h: fully connected layer that learns in integers. w is [n_out][n_in] int8, b int16,
 * z and dz are blocks of int16 (see block_i16.h); each has an exponent. */
#ifndef TL_DENSE_I8_H
#define TL_DENSE_I8_H

#include "slope_i8.h"
#include "sums_i16.h"
#include "update_i8.h"

/* z = w (x - zero) + b, and its exponent. */
TL_INLINE void tl_dense_i8(int16_t *z, int8_t *z_exp, const int8_t *x, const int8_t *x_exp,
                           const int8_t *w, const int8_t *w_exp, const int16_t *b,
                           const int8_t *b_exp, int n_in, int n_out, int zero) {
  const tl_sums_t none = {0, 0, 0, 0};
  tl_layer_sums_t sums = tl_begin_sums_i16(z, x_exp, w_exp, b, b_exp);
  int o;
  for (o = 0; o < (n_out & ~3); o += 4, w += 4 * n_in)
    tl_put_sums4_i16(&sums, tl_rows4_i8(none, x, w, n_in, n_in, zero), o);
  for (; o < n_out; o++, w += n_in) tl_put_sum_i16(&sums, tl_row_i8(0, x, w, n_in, zero), o);
  *z_exp = tl_end_sums_i16(&sums);
}

/* dx = w^T dz times the slope of the activation that made x, in 12 bits. */
TL_INLINE void tl_dense_gradient_i8(int16_t *dx, int8_t *dx_exp, const int8_t *x,
                                    const int16_t *dz, const int8_t *dz_exp, const int8_t *w,
                                    const int8_t *w_exp, int n_in, int n_out, int activation) {
  tl_block_t block = tl_block_i16(dx);
  int i, o;
  for (i = 0; i < n_in; i++) {
    const int8_t *column = w + i;
    int32_t sum = 0;
    if (!tl_stops_i8(x[i], activation))
      for (o = 0; o < n_out; o++, column += n_in) sum += (int32_t)*column * dz[o];
    tl_put_i16(&block, sum);
  }
  *dx_exp = tl_exponent_i8(*dz_exp + *w_exp + tl_end_gradient_i16(&block));
  tl_times_slope_i8(dx, x, n_in, activation);
}

/* One row's step. */
TL_INLINE void tl_dense_row_step_i8(tl_update_t *u, int8_t *w, const int8_t *x, int n, int zero,
                                    int32_t dz) {
  const tl_step_t step = tl_step_i32(dz * u->rate.mantissa, u->exponent, (int32_t)1 << 21);
  uint32_t random = u->random = tl_next_u32(u->random);
  int i;
  for (i = 0; i < (n & ~3); i += 4) {
    tl_weight_step_i8(u, w + i, x[i] - zero, step, random += TL_GOLDEN_U32);
    tl_weight_step_i8(u, w + i + 1, x[i + 1] - zero, step, random += TL_GOLDEN_U32);
    tl_weight_step_i8(u, w + i + 2, x[i + 2] - zero, step, random += TL_GOLDEN_U32);
    tl_weight_step_i8(u, w + i + 3, x[i + 3] - zero, step, random += TL_GOLDEN_U32);
  }
  for (; i < n; i++) tl_weight_step_i8(u, w + i, x[i] - zero, step, random += TL_GOLDEN_U32);
}

/* w -= rate dz (x - zero)^T and b -= rate_b dz. Rows whose dz is 0 and columns whose x is 0
 * cost next to nothing. */
TL_INLINE void tl_dense_update_i8(const int8_t *x, const int8_t *x_exp, const int16_t *dz,
                                  const int8_t *dz_exp, int8_t *w, int8_t *w_exp, int16_t *b,
                                  int8_t *b_exp, int32_t *random, float minus_rate, float gain,
                                  int n_in, int n_out, int zero) {
  tl_update_t u = tl_begin_update_i8(minus_rate, gain, tl_exponent_or_0(x_exp), *dz_exp, *w_exp,
                                     b_exp, random);
  int o;
  for (o = 0; o < n_out; o++) {
    if (dz[o] == 0) continue;
    if (b) tl_bias_step_i16(&u, b + o, dz[o], 0);
    tl_dense_row_step_i8(&u, w + o * n_in, x, n_in, zero, dz[o]);
  }
  tl_end_update_i8(&u, w, w_exp, n_in * n_out, b, b_exp, n_out, random);
}

#endif
