/* arithmetic_s8.h: sums, differences and products of int8 tensors of different scales. b is as
 * large as a, or is repeated along a; in the functions named broadcast either may repeat. */
#ifndef TL_ARITHMETIC_S8_H
#define TL_ARITHMETIC_S8_H

#include "quant_s8.h"
#include "tl_shapes.h"

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

/* a + sign * b: both on a common scale with 20 bits more, then on y's. */
TL_INLINE int8_t tl_sum_s8(int a, int b, tl_add_s8_t s) {
  const int32_t va =
      tl_scaled_s8((a - s.a_zero) * ((int32_t)1 << 20), s.a_multiplier, s.a_shift);
  const int32_t vb =
      tl_scaled_s8((b - s.b_zero) * ((int32_t)1 << 20), s.b_multiplier, s.b_shift);
  const int32_t sum = tl_scaled_s8(va + s.sign * vb, s.y_multiplier, s.y_shift);
  return (int8_t)tl_clamp_s8(sum + s.zero, s.min, s.max);
}

TL_INLINE int8_t tl_product_s8(int a, int b, tl_mul_s8_t s) {
  const int32_t product = (a - s.a_zero) * (b - s.b_zero);
  const int32_t v = tl_scaled_s8(product, s.multiplier, s.shift);
  return (int8_t)tl_clamp_s8(v + s.zero, s.min, s.max);
}

/* y = a + sign * b. y may be a. */
TL_INLINE void tl_add_s8(int8_t *y, const int8_t *a, const int8_t *b, int n, int n_b,
                         tl_add_s8_t s) {
  int i, j = 0;
  for (i = 0; i < n; i++) {
    y[i] = tl_sum_s8(a[i], b[j], s);
    if (++j == n_b) j = 0;
  }
}

/* y = a * b. y may be a. */
TL_INLINE void tl_mul_s8(int8_t *y, const int8_t *a, const int8_t *b, int n, int n_b,
                         tl_mul_s8_t s) {
  int i, j = 0;
  for (i = 0; i < n; i++) {
    y[i] = tl_product_s8(a[i], b[j], s);
    if (++j == n_b) j = 0;
  }
}

/* y = a + sign * b. y overlaps neither. */
TL_INLINE void tl_add_broadcast_s8(int8_t *y, const int8_t *a, const int8_t *b,
                                   tl_broadcast_t n, tl_add_s8_t s) {
  int i, j, k;
  for (i = 0; i < n.n0; i++) {
    for (j = 0; j < n.n1; j++) {
      const int8_t *ap = a + i * n.a0 + j * n.a1, *bp = b + i * n.b0 + j * n.b1;
      for (k = 0; k < n.n2; k++) *y++ = tl_sum_s8(ap[k * n.a2], bp[k * n.b2], s);
    }
  }
}

/* y = a * b. y overlaps neither. */
TL_INLINE void tl_mul_broadcast_s8(int8_t *y, const int8_t *a, const int8_t *b,
                                   tl_broadcast_t n, tl_mul_s8_t s) {
  int i, j, k;
  for (i = 0; i < n.n0; i++) {
    for (j = 0; j < n.n1; j++) {
      const int8_t *ap = a + i * n.a0 + j * n.a1, *bp = b + i * n.b0 + j * n.b1;
      for (k = 0; k < n.n2; k++) *y++ = tl_product_s8(ap[k * n.a2], bp[k * n.b2], s);
    }
  }
}

#endif
