/* loss_i8.h: losses of a layer's sums, in integers: the value as a float, the gradient as a
 * block of 12 bits. Targets come as floats or as a label. */
#ifndef TL_LOSS_I8_H
#define TL_LOSS_I8_H

#include "activation_i8.h"
#include "guard_f32.h"
#include "output_i8.h"

#define TL_LOSS_BITS 12

/* Targets in Q15, into d; 0 where one is not finite. */
TL_INLINE int tl_targets_q15(int32_t *d, const float *t, int n) {
  int i;
  for (i = 0; i < n; i++) {
    if (!tl_is_finite(t[i])) return 0;
    d[i] = tl_clamp_i32(tl_nearest_i32(t[i] * 32768.0f), (int32_t)1 << 16);
  }
  return 1;
}

TL_INLINE void tl_label_q15(int32_t *d, uint32_t label, int n) {
  int i;
  for (i = 0; i < n; i++) d[i] = (uint32_t)i == label ? 32768 : 0;
}

/* The mean's gradient: d / n, shortened. */
TL_INLINE int32_t tl_mean_gradient_i32(int32_t *d, int n) {
  int32_t exponent = tl_shorten_i32(d, n, TL_LOSS_BITS);
  const int32_t share = 32768 / n;
  int i;
  if (n == 1) return exponent;
  for (i = 0; i < n; i++) d[i] *= share;
  exponent += tl_shorten_i32(d, n, TL_LOSS_BITS) - 15;
  return exponent;
}

/* d holds the targets and becomes softmax(z) * sum(t) - t. */
TL_INLINE float tl_softmax_cross_entropy_q15(int32_t *d, int32_t *d_exp, const int32_t *z,
                                             const int32_t *z_exp, int n) {
  const tl_softmax_t s = tl_softmax_sums_i8(z, *z_exp, n);
  const int32_t ln_total = tl_ln_q12(s.total);
  float loss = 0.0f;
  int32_t weight = 0;
  int i;
  for (i = 0; i < n; i++) weight += d[i];
  weight = weight < 0 ? 0 : weight > 65535 ? 65535 : weight;
  for (i = 0; i < n; i++) {
    const int32_t gap = tl_gap_q8(s.largest, z[i], *z_exp);
    const uint32_t p = tl_probability_q15(gap, s.total);
    if (d[i] >> 5) loss += (float)((d[i] >> 5) * (gap * 16 + ln_total));
    d[i] = (int32_t)((p * (uint32_t)weight) >> 15) - d[i];
  }
  *d_exp = tl_shorten_i32(d, n, TL_LOSS_BITS) - 15;
  return loss * (1.0f / 4194304.0f);
}

TL_INLINE float tl_softmax_cross_entropy_i8(int32_t *d, int32_t *d_exp, const int32_t *z,
                                            const int32_t *z_exp, const float *t, int n) {
  if (!tl_targets_q15(d, t, n)) return tl_refused_f32();
  return tl_softmax_cross_entropy_q15(d, d_exp, z, z_exp, n);
}

TL_INLINE float tl_softmax_cross_entropy_label_i8(int32_t *d, int32_t *d_exp, const int32_t *z,
                                                  const int32_t *z_exp, uint32_t label, int n) {
  tl_label_q15(d, label, n);
  return tl_softmax_cross_entropy_q15(d, d_exp, z, z_exp, n);
}

/* d holds the targets and becomes (sigmoid(z) - t) / n. */
TL_INLINE float tl_sigmoid_cross_entropy_q15(int32_t *d, int32_t *d_exp, const int32_t *z,
                                             const int32_t *z_exp, int n) {
  float loss = 0.0f;
  int i;
  for (i = 0; i < n; i++) {
    const int32_t logit = tl_clamp_i32(tl_shifted_i32(z[i], *z_exp + 8), 4095);
    const int32_t e = tl_exp_q15(logit < 0 ? -logit : logit), t = d[i];
    int32_t one = tl_ln_q12(32768u + (uint32_t)e);
    one += (logit > 0 ? logit * 16 : 0) - ((logit * (t >> 5)) >> 6);
    loss += (float)one * (1.0f / 4096.0f);
    d[i] = tl_sigmoid_q15(logit) - t;
  }
  *d_exp = tl_mean_gradient_i32(d, n) - 15;
  return loss / (float)n;
}

TL_INLINE float tl_sigmoid_cross_entropy_i8(int32_t *d, int32_t *d_exp, const int32_t *z,
                                            const int32_t *z_exp, const float *t, int n) {
  if (!tl_targets_q15(d, t, n)) return tl_refused_f32();
  return tl_sigmoid_cross_entropy_q15(d, d_exp, z, z_exp, n);
}

/* The label of one output is its target, that of several the index of the one that is 1. */
TL_INLINE float tl_sigmoid_cross_entropy_label_i8(int32_t *d, int32_t *d_exp, const int32_t *z,
                                                  const int32_t *z_exp, uint32_t label, int n) {
  tl_label_q15(d, n == 1 ? 1u - label : label, n);
  return tl_sigmoid_cross_entropy_q15(d, d_exp, z, z_exp, n);
}

/* d[i] = z - t in z's units; adds its square to *loss. */
TL_INLINE int32_t tl_difference_i8(int32_t z, int32_t z_exp, float t, float *loss) {
  const int32_t d = z - tl_nearest_i32(t * tl_pow2_f32(-z_exp));
  const float real = (float)d * tl_pow2_f32(z_exp);
  *loss += real * real;
  return d;
}

/* The mean's gradient of (z - t)^2 is 2 (z - t) / n: the 2 goes into the exponent. */
TL_INLINE float tl_mse_end_i8(int32_t *d, int32_t *d_exp, const int32_t *z_exp, float sum,
                              int n) {
  *d_exp = *z_exp + 1 + tl_mean_gradient_i32(d, n);
  return sum / (float)n;
}

TL_INLINE float tl_mse_i8(int32_t *d, int32_t *d_exp, const int32_t *z, const int32_t *z_exp,
                          const float *t, int n) {
  float sum = 0.0f;
  int i;
  for (i = 0; i < n; i++) {
    if (!tl_is_finite(t[i])) return tl_refused_f32();
    d[i] = tl_difference_i8(z[i], *z_exp, t[i], &sum);
  }
  return tl_mse_end_i8(d, d_exp, z_exp, sum, n);
}

TL_INLINE float tl_mse_label_i8(int32_t *d, int32_t *d_exp, const int32_t *z,
                                const int32_t *z_exp, uint32_t label, int n) {
  float sum = 0.0f;
  int i;
  for (i = 0; i < n; i++)
    d[i] = tl_difference_i8(z[i], *z_exp, (uint32_t)i == label ? 1.0f : 0.0f, &sum);
  return tl_mse_end_i8(d, d_exp, z_exp, sum, n);
}

#endif
