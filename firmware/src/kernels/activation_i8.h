/* activation_i8.h: from a layer's sums to the int8 values that the next layer reads. */
#ifndef TL_ACTIVATION_I8_H
#define TL_ACTIVATION_I8_H

#include "block_i16.h"
#include "kernels/tl_shapes.h"

#define TL_ACTIVATION_BITS 7

/* tanh and sigmoid in Q7, by exp; gap of z in Q8. */
TL_INLINE int32_t tl_sigmoid_q15(int32_t z_q8) {
  const int32_t size = z_q8 < 0 ? -z_q8 : z_q8;
  const int32_t e = tl_exp_q15(size > 4095 ? 4095 : size);
  const int32_t p = 1073741824 / (32768 + e);
  return z_q8 < 0 ? 32768 - p : p;
}

TL_INLINE int8_t tl_squashed_i8(int32_t z, int32_t exponent, int activation) {
  const int is_tanh = activation == TL_TANH; /* tanh(z) = 2 sigmoid(2z) - 1 */
  const int32_t p = tl_sigmoid_q15(tl_shifted_i32(z, exponent + 8 + is_tanh));
  const int32_t q = tl_shifted_i32(is_tanh ? 2 * p - 32768 : p, -8);
  return (int8_t)(q > 127 ? 127 : q < -127 ? -127 : q);
}

/* By how much z, or what ReLU leaves of it, must be shifted right for int8. */
TL_INLINE int tl_activation_shift_i16(const int16_t *z, int n, int activation) {
  uint32_t all = 0;
  int i;
  for (i = 0; i < n; i++)
    if (!(activation == TL_RELU && z[i] < 0)) all |= tl_magnitude_i32(z[i]);
  return tl_right_shift_u32(all, TL_ACTIVATION_BITS);
}

/* y = f(z), and its exponent. */
TL_INLINE void tl_activation_i8(int8_t *y, int8_t *y_exp, const int16_t *z, const int8_t *z_exp,
                                int n, int activation) {
  const int right = tl_activation_shift_i16(z, n, activation);
  int i;
  if (activation == TL_TANH || activation == TL_SIGMOID) {
    for (i = 0; i < n; i++) y[i] = tl_squashed_i8(z[i], *z_exp, activation);
    *y_exp = -7;
    return;
  }
  for (i = 0; i < n; i++) {
    const int32_t v = activation == TL_RELU && z[i] < 0 ? 0 : z[i];
    const int32_t q = right ? tl_shifted_i32(v, -right) : v;
    y[i] = (int8_t)tl_clamp_i32(q, 127);
  }
  *y_exp = tl_exponent_i8(*z_exp + right);
}

#endif
