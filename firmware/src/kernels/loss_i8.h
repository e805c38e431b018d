/* loss_i8.h: losses of a layer's sums, in integers: the value as a float, the gradient as a
 * block of 12 bits. Targets come as floats or, where t is NULL, as a label. */
#ifndef TL_LOSS_I8_H
#define TL_LOSS_I8_H

#include "activation_i8.h"
#include "guard_f32.h"
#include "output_i8.h"

/* A target as a float; a label is the index of the one that is 1. */
TL_INLINE float tl_target_f32(const float *t, uint32_t label, int i) {
  if (t) return t[i];
  return (uint32_t)i == label ? 1.0f : 0.0f;
}

TL_INLINE int32_t tl_target_q15(const float *t, uint32_t label, int i) {
  if (!t) return (uint32_t)i == label ? 32768 : 0;
  return tl_clamp_i32(tl_nearest_i32(t[i] * 32768.0f), (int32_t)1 << 16);
}

/* 0 where a target is not finite. */
TL_INLINE int tl_finite_targets(const float *t, int n) {
  int i;
  for (i = 0; t && i < n; i++)
    if (!tl_is_finite(t[i])) return 0;
  return 1;
}

/* The mean's gradient: d / n, shortened; returns what its exponent grows by. */
TL_INLINE int32_t tl_mean_gradient_i16(const tl_block_t *d, int n) {
  const int32_t exponent = tl_end_gradient_i16(d), share = 32768 / n;
  tl_block_t shares = tl_block_i16(d->v);
  int i;
  if (n == 1) return exponent;
  for (i = 0; i < n; i++) tl_put_i16(&shares, d->v[i] * share);
  return exponent - 15 + tl_end_gradient_i16(&shares);
}

/* The sum of all targets, Q15. */
TL_INLINE int32_t tl_target_sum_q15(const float *t, uint32_t label, int n) {
  int32_t sum = 0;
  int i;
  for (i = 0; i < n; i++) sum += tl_target_q15(t, label, i);
  return sum < 0 ? 0 : sum > 65535 ? 65535 : sum;
}

/* d = softmax(z) * sum(t) - t. */
TL_INLINE float tl_softmax_cross_entropy_q15(int16_t *d, int8_t *d_exp, const int16_t *z,
                                             const int8_t *z_exp, const float *t,
                                             uint32_t label, int n) {
  const tl_softmax_t s = tl_softmax_sums_i8(z, *z_exp, n);
  const int32_t ln_total = tl_ln_q12(s.total), weight = tl_target_sum_q15(t, label, n);
  tl_block_t block = tl_block_i16(d);
  float loss = 0.0f;
  int i;
  for (i = 0; i < n; i++) {
    const int32_t gap = tl_gap_q8(s.largest, z[i], *z_exp), target = tl_target_q15(t, label, i);
    const uint32_t p = tl_probability_q15(gap, s.total);
    if (target >> 5) loss += (float)((target >> 5) * (gap * 16 + ln_total));
    tl_put_i16(&block, (int32_t)((p * (uint32_t)weight) >> 15) - target);
  }
  *d_exp = tl_exponent_i8(tl_end_gradient_i16(&block) - 15);
  return loss * (1.0f / 4194304.0f);
}

TL_INLINE float tl_softmax_cross_entropy_i8(int16_t *d, int8_t *d_exp, const int16_t *z,
                                            const int8_t *z_exp, const float *t, int n) {
  if (!tl_finite_targets(t, n)) return tl_refused_f32();
  return tl_softmax_cross_entropy_q15(d, d_exp, z, z_exp, t, 0, n);
}

TL_INLINE float tl_softmax_cross_entropy_label_i8(int16_t *d, int8_t *d_exp, const int16_t *z,
                                                  const int8_t *z_exp, uint32_t label, int n) {
  return tl_softmax_cross_entropy_q15(d, d_exp, z, z_exp, NULL, label, n);
}

/* d = (sigmoid(z) - t) / n. */
TL_INLINE float tl_sigmoid_cross_entropy_q15(int16_t *d, int8_t *d_exp, const int16_t *z,
                                             const int8_t *z_exp, const float *t,
                                             uint32_t label, int n) {
  tl_block_t block = tl_block_i16(d);
  float loss = 0.0f;
  int i;
  for (i = 0; i < n; i++) {
    const int32_t logit = tl_clamp_i32(tl_shifted_i32(z[i], *z_exp + 8), 4095);
    const int32_t e = tl_exp_q15(logit < 0 ? -logit : logit);
    const int32_t target = tl_target_q15(t, label, i);
    int32_t one = tl_ln_q12(32768u + (uint32_t)e);
    one += (logit > 0 ? logit * 16 : 0) - ((logit * (target >> 5)) >> 6);
    loss += (float)one * (1.0f / 4096.0f);
    tl_put_i16(&block, tl_sigmoid_q15(logit) - target);
  }
  *d_exp = tl_exponent_i8(tl_mean_gradient_i16(&block, n) - 15);
  return loss / (float)n;
}

TL_INLINE float tl_sigmoid_cross_entropy_i8(int16_t *d, int8_t *d_exp, const int16_t *z,
                                            const int8_t *z_exp, const float *t, int n) {
  if (!tl_finite_targets(t, n)) return tl_refused_f32();
  return tl_sigmoid_cross_entropy_q15(d, d_exp, z, z_exp, t, 0, n);
}

TL_INLINE float tl_sigmoid_cross_entropy_label_i8(int16_t *d, int8_t *d_exp, const int16_t *z,
                                                  const int8_t *z_exp, uint32_t label, int n) {
  label = n == 1 ? 1u - label : label; /* one output: the label is its target */
  return tl_sigmoid_cross_entropy_q15(d, d_exp, z, z_exp, NULL, label, n);
}

/* d = 2 (z - t) / n: the 2 goes into the exponent. */
TL_INLINE float tl_squared_error_i8(int16_t *d, int8_t *d_exp, const int16_t *z,
                                    const int8_t *z_exp, const float *t, uint32_t label,
                                    int n) {
  const float unit = tl_pow2_f32(*z_exp), units = tl_pow2_f32(-*z_exp);
  tl_block_t block = tl_block_i16(d);
  float sum = 0.0f;
  int i;
  for (i = 0; i < n; i++) {
    const int32_t difference = z[i] - tl_nearest_i32(tl_target_f32(t, label, i) * units);
    const float real = (float)difference * unit;
    sum += real * real;
    tl_put_i16(&block, difference);
  }
  *d_exp = tl_exponent_i8(*z_exp + 1 + tl_mean_gradient_i16(&block, n));
  return sum / (float)n;
}

TL_INLINE float tl_mse_i8(int16_t *d, int8_t *d_exp, const int16_t *z, const int8_t *z_exp,
                          const float *t, int n) {
  if (!tl_finite_targets(t, n)) return tl_refused_f32();
  return tl_squared_error_i8(d, d_exp, z, z_exp, t, 0, n);
}

TL_INLINE float tl_mse_label_i8(int16_t *d, int8_t *d_exp, const int16_t *z,
                                const int8_t *z_exp, uint32_t label, int n) {
  return tl_squared_error_i8(d, d_exp, z, z_exp, NULL, label, n);
}

#endif
