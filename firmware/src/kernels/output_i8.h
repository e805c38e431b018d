/* output_i8.h: from the last layer's sums to the float32 outputs that a caller reads. */
#ifndef TL_OUTPUT_I8_H
#define TL_OUTPUT_I8_H

#include "activation_i8.h"

/* What all probabilities of a softmax need: the largest sum, and the exponentials' total, Q15.
 */
typedef struct {
  int32_t largest;
  uint32_t total;
} tl_softmax_t;

/* (largest - z) in units of 1/256, at most 4095. */
TL_INLINE int32_t tl_gap_q8(int32_t largest, int32_t z, int32_t z_exp) {
  const int32_t gap = tl_shifted_i32(largest - z, z_exp + 8);
  return gap > 4095 ? 4095 : gap;
}

TL_INLINE tl_softmax_t tl_softmax_sums_i8(const int16_t *z, int32_t z_exp, int n) {
  tl_softmax_t s = {z[0], 0};
  int i;
  for (i = 1; i < n; i++)
    if (z[i] > s.largest) s.largest = z[i];
  for (i = 0; i < n; i++) s.total += (uint32_t)tl_exp_q15(tl_gap_q8(s.largest, z[i], z_exp));
  return s;
}

TL_INLINE uint32_t tl_probability_q15(int32_t gap, uint32_t total) {
  return ((uint32_t)tl_exp_q15(gap) << 15) / total;
}

/* y = softmax(z). */
TL_INLINE void tl_softmax_i8(float *y, const int16_t *z, const int8_t *z_exp, int n) {
  const tl_softmax_t s = tl_softmax_sums_i8(z, *z_exp, n);
  int i;
  for (i = 0; i < n; i++)
    y[i] = (float)tl_probability_q15(tl_gap_q8(s.largest, z[i], *z_exp), s.total) *
           (1.0f / 32768.0f);
}

/* y = sigmoid(z). */
TL_INLINE void tl_sigmoid_i8(float *y, const int16_t *z, const int8_t *z_exp, int n) {
  int i;
  for (i = 0; i < n; i++)
    y[i] = (float)tl_sigmoid_q15(tl_shifted_i32(z[i], *z_exp + 8)) * (1.0f / 32768.0f);
}

/* y = z as floats. */
TL_INLINE void tl_real_i8(float *y, const int16_t *z, const int8_t *z_exp, int n) {
  const float unit = tl_pow2_f32(*z_exp);
  int i;
  for (i = 0; i < n; i++) y[i] = (float)z[i] * unit;
}

#endif
