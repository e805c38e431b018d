/* dense_i8.h: fully connected layer that learns in integers. w is [n_out][n_in] int8 with one
 * exponent, b int32 in units of 2^-16; z int32 and dz int32 are blocks (see fixed_i32.h). */
#ifndef TL_DENSE_I8_H
#define TL_DENSE_I8_H

#include "dot_s8.h"
#include "fixed_i32.h"
#include "kernels/tl_shapes.h"

#define TL_BIAS_EXPONENT (-16)
#define TL_DELTA_BITS 12

/* An exponent that is left out is 0. */
TL_INLINE int32_t tl_exponent_i8(const int32_t *e) { return e ? *e : 0; }

/* Weights that learn lie in RAM, where those of frozen layers may not. */
TL_INLINE int32_t tl_dot_i8(const int8_t *x, const int8_t *w, int n) {
#if defined(__AVR__)
  int32_t sum = 0;
  int i;
  for (i = 0; i < n; i++) sum += x[i] * w[i];
  return sum;
#else
  return tl_dot1_s8(x, w, n);
#endif
}

TL_INLINE int32_t tl_row_sum_s8(const int8_t *w, int n) {
  int32_t sum = 0;
  int i;
  for (i = 0; i < n; i++) sum += w[i];
  return sum;
}

/* z = w (x - zero) + b, and its exponent. A layer without bias has b NULL. */
TL_INLINE void tl_dense_i8(int32_t *z, int32_t *z_exp, const int8_t *x, const int32_t *x_exp,
                           const int8_t *w, const int32_t *w_exp, const int32_t *b, int n_in,
                           int n_out, int zero) {
  const int32_t exponent = tl_exponent_i8(x_exp) + *w_exp;
  int o;
  for (o = 0; o < n_out; o++, w += n_in) {
    z[o] = tl_dot_i8(x, w, n_in);
    if (b) z[o] += tl_shifted_i32(b[o], TL_BIAS_EXPONENT - exponent);
    if (zero != 0) z[o] -= (int32_t)zero * tl_row_sum_s8(w, n_in);
  }
  *z_exp = exponent;
}

/* The slope of the activation that made x, in Q14; tanh and sigmoid make x in Q7. */
TL_INLINE int32_t tl_slope_q14(int32_t x, int activation) {
  if (activation == TL_TANH) return 16384 - x * x;
  return x * (128 - x); /* sigmoid */
}

/* dx = w^T dz times the slope of the activation that made x, shortened to 12 bits. */
TL_INLINE void tl_dense_gradient_i8(int32_t *dx, int32_t *dx_exp, const int8_t *x,
                                    const int32_t *dz, const int32_t *dz_exp, const int8_t *w,
                                    const int32_t *w_exp, int n_in, int n_out, int activation) {
  int i, o;
  for (i = 0; i < n_in; i++) {
    const int8_t *column = w + i;
    int32_t sum = 0;
    if (activation != TL_RELU || x[i] > 0)
      for (o = 0; o < n_out; o++, column += n_in) sum += *column * dz[o];
    dx[i] = sum;
  }
  *dx_exp = *dz_exp + *w_exp + tl_shorten_i32(dx, n_in, TL_DELTA_BITS);
  if (activation == TL_LINEAR || activation == TL_RELU) return;
  for (i = 0; i < n_in; i++)
    dx[i] = tl_shifted_i32(dx[i] * tl_slope_q14(x[i], activation), -14);
}

/* One row's step; returns the random word it ends with. *clipped is set where a weight would
 * leave its range. */
TL_INLINE uint32_t tl_dense_row_step_i8(int8_t *w, const int8_t *x, int n, int zero,
                                        tl_step_t step, uint32_t random, int *clipped) {
  int i;
  for (i = 0; i < n; i++) {
    const int32_t v = x[i] - zero;
    int32_t moved;
    if (v == 0) continue;
    random = tl_next_u32(random);
    moved = w[i] - tl_random_round_i32(step.factor * v, step.shift, random);
    if (moved > 127 || moved < -127) {
      *clipped = 1;
      moved = tl_clamp_i32(moved, 127);
    }
    w[i] = (int8_t)moved;
  }
  return random;
}

/* Halves all weights: what they stand for is kept, their range doubles. */
TL_INLINE uint32_t tl_halve_s8(int8_t *w, int n, uint32_t random) {
  int i;
  for (i = 0; i < n; i++) {
    random = tl_next_u32(random);
    w[i] = (int8_t)tl_random_round_i32(w[i], 1, random);
  }
  return random;
}

/* w -= rate dz (x - zero)^T and b -= rate_b dz. Rows whose dz is 0 and columns whose x is 0
 * cost next to nothing. */
TL_INLINE void tl_dense_update_i8(const int8_t *x, const int32_t *x_exp, const int32_t *dz,
                                  const int32_t *dz_exp, int8_t *w, int32_t *w_exp, int32_t *b,
                                  int32_t *random, float minus_rate, float gain, int n_in,
                                  int n_out, int zero) {
  const tl_rate_t rate = tl_rate_i32(-minus_rate * gain), bias = tl_rate_i32(-minus_rate);
  const int32_t exponent = *dz_exp + rate.exponent + tl_exponent_i8(x_exp) - *w_exp;
  const int32_t bias_exponent = *dz_exp + bias.exponent - TL_BIAS_EXPONENT;
  uint32_t word = (uint32_t)*random;
  int o, clipped = 0;
  for (o = 0; o < n_out; o++) {
    const tl_step_t step = tl_step_i32(dz[o] * rate.mantissa, exponent);
    const tl_step_t b_step = tl_step_i32(dz[o] * bias.mantissa, bias_exponent);
    if (dz[o] == 0) continue;
    if (b) {
      word = tl_next_u32(word);
      b[o] = tl_clamp_i32(b[o] - tl_random_round_i32(b_step.factor, b_step.shift, word),
                          TL_MOST_I32);
    }
    word = tl_dense_row_step_i8(w + o * n_in, x, n_in, zero, step, word, &clipped);
  }
  if (clipped) {
    word = tl_halve_s8(w, n_in * n_out, word);
    *w_exp += 1;
  }
  memcpy(random, &word, sizeof word);
}

#endif
