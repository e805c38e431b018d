/* arithmetic_s8.h: sums, differences and products of int8 tensors of different scales. b is as
 * large as a, or is repeated along a. */
#ifndef TL_ARITHMETIC_S8_H
#define TL_ARITHMETIC_S8_H

#include "quant_s8.h"

typedef struct {
  int32_t a_zero, b_zero, zero, min, max;
  int32_t sign; /* of b */
  int32_t a_multiplier, a_shift, b_multiplier, b_shift, y_multiplier, y_shift;
} tl_add_s8_t;

typedef struct {
  int32_t a_zero, b_zero, zero, min, max;
  int32_t multiplier, shift;
} tl_mul_s8_t;

TL_INLINE int32_t tl_scaled_s8(int32_t v, int32_t multiplier, int32_t shift) {
  return tl_requantize_s8(v, multiplier, shift, TL_ROUND_DOUBLE, 0);
}

/* y = a + sign * b: both on a common scale with 20 bits more, then on y's. y may be a. */
TL_INLINE void tl_add_s8(int8_t *y, const int8_t *a, const int8_t *b, int n, int n_b,
                         tl_add_s8_t s) {
  int i, j = 0;
  for (i = 0; i < n; i++) {
    const int32_t va =
        tl_scaled_s8((a[i] - s.a_zero) * ((int32_t)1 << 20), s.a_multiplier, s.a_shift);
    const int32_t vb =
        tl_scaled_s8((b[j] - s.b_zero) * ((int32_t)1 << 20), s.b_multiplier, s.b_shift);
    const int32_t sum = tl_scaled_s8(va + s.sign * vb, s.y_multiplier, s.y_shift);
    y[i] = (int8_t)tl_clamp_s8(sum + s.zero, s.min, s.max);
    if (++j == n_b) j = 0;
  }
}

/* y = a * b. y may be a. */
TL_INLINE void tl_mul_s8(int8_t *y, const int8_t *a, const int8_t *b, int n, int n_b,
                         tl_mul_s8_t s) {
  int i, j = 0;
  for (i = 0; i < n; i++) {
    const int32_t product = (a[i] - s.a_zero) * (b[j] - s.b_zero);
    const int32_t v = tl_scaled_s8(product, s.multiplier, s.shift);
    y[i] = (int8_t)tl_clamp_s8(v + s.zero, s.min, s.max);
    if (++j == n_b) j = 0;
  }
}

#endif
