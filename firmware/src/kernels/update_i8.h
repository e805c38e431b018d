/* update_i8.h: steps of int8 weights and int16 biases, rounded at random. Weights and biases
 * are blocks; one that would leave its range is cut, and the whole block halved. */
#ifndef TL_UPDATE_I8_H
#define TL_UPDATE_I8_H

#include "block_i16.h"

#define TL_MOST_I8 127
#define TL_MOST_I16 32767

/* What a layer's update carries from row to row: steps of weights and biases for a gradient of
 * 1, the random word, and whether a weight or a bias was cut. */
typedef struct {
  tl_rate_t rate, bias_rate;
  int32_t exponent, bias_exponent;
  uint32_t random;
  int cut, bias_cut;
} tl_update_t;

TL_INLINE tl_update_t tl_begin_update_i8(float minus_rate, float gain, int32_t x_exp,
                                         int32_t dz_exp, int32_t w_exp, const int8_t *b_exp,
                                         const int32_t *random) {
  tl_update_t u;
  u.rate = tl_rate_i32(-minus_rate * gain);
  u.bias_rate = tl_rate_i32(-minus_rate);
  u.exponent = dz_exp + u.rate.exponent + x_exp - w_exp;
  u.bias_exponent = dz_exp + u.bias_rate.exponent - tl_exponent_or_0(b_exp);
  memcpy(&u.random, random, sizeof u.random);
  u.cut = u.bias_cut = 0;
  return u;
}

/* *b -= its step for a gradient dz * 2^right of at most 20 bits. */
TL_INLINE void tl_bias_step_i16(tl_update_t *u, int16_t *b, int32_t dz, int right) {
  const tl_step_t step =
      tl_step_i32(dz * u->bias_rate.mantissa, u->bias_exponent + right, (int32_t)1 << 21);
  int32_t moved;
  u->random = tl_next_u32(u->random);
  moved = *b - tl_random_round_i32(step.factor, step.shift, u->random);
  if (moved != tl_clamp_i32(moved, TL_MOST_I16)) u->bias_cut = 1;
  *b = (int16_t)tl_clamp_i32(moved, TL_MOST_I16);
}

/* *w -= move, within its range. */
TL_INLINE void tl_move_i8(tl_update_t *u, int8_t *w, int32_t move) {
  int32_t moved = *w - move;
  if (moved > TL_MOST_I8 || moved < -TL_MOST_I8) {
    u->cut = 1;
    moved = tl_clamp_i32(moved, TL_MOST_I8);
  }
  *w = (int8_t)moved;
}

/* One weight's step. Most are 0: they leave the weight alone. */
TL_INLINE void tl_weight_step_i8(tl_update_t *u, int8_t *w, int32_t v, tl_step_t step,
                                 uint32_t random) {
  const int32_t move = tl_random_round_i32(step.factor * v, step.shift, random);
  if (v != 0 && move != 0) tl_move_i8(u, w, move);
}

/* The step of a row of weights, stride apart, for gradients v[n]. */
TL_INLINE void tl_taps_step_i8(tl_update_t *u, int8_t *w, int stride, const int32_t *v, int n) {
  uint32_t all = 0, random = u->random = tl_next_u32(u->random);
  tl_step_t step;
  int i, right;
  for (i = 0; i < n; i++) all |= tl_magnitude_i32(v[i]);
  right = tl_right_shift_u32(all, TL_DELTA_BITS);
  step = tl_step_i32(u->rate.mantissa, u->exponent + right, (int32_t)1 << 17);
  for (i = 0; i < n; i++, w += stride) {
    random += TL_GOLDEN_U32;
    tl_weight_step_i8(u, w, right ? tl_shifted_i32(v[i], -right) : v[i], step, random);
  }
}

/* *b -= its step for a gradient of any size. */
TL_INLINE void tl_bias_sum_step_i16(tl_update_t *u, int16_t *b, int32_t sum) {
  const int right = tl_right_shift_u32(tl_magnitude_i32(sum), 20);
  tl_bias_step_i16(u, b, right ? tl_shifted_i32(sum, -right) : sum, right);
}

/* Halves: what the block stands for is kept, its range doubles. */
TL_INLINE void tl_halve_i8(tl_update_t *u, int8_t *w, int n) {
  uint32_t random = u->random = tl_next_u32(u->random);
  int i;
  for (i = 0; i < n; i++) {
    random += TL_GOLDEN_U32;
    w[i] = (int8_t)tl_random_round_i32(w[i], 1, random);
  }
}

TL_INLINE void tl_halve_i16(tl_update_t *u, int16_t *b, int n) {
  uint32_t random = u->random = tl_next_u32(u->random);
  int i;
  for (i = 0; i < n; i++) {
    random += TL_GOLDEN_U32;
    b[i] = (int16_t)tl_random_round_i32(b[i], 1, random);
  }
}

/* Doubles the ranges that turned out too small, and keeps the random word. */
TL_INLINE void tl_end_update_i8(tl_update_t *u, int8_t *w, int8_t *w_exp, int n_w, int16_t *b,
                                int8_t *b_exp, int n_b, int32_t *random) {
  if (u->cut) {
    tl_halve_i8(u, w, n_w);
    *w_exp = tl_exponent_i8(*w_exp + 1);
  }
  if (u->bias_cut) {
    tl_halve_i16(u, b, n_b);
    *b_exp = tl_exponent_i8(*b_exp + 1);
  }
  memcpy(random, &u->random, sizeof u->random);
}

#endif
