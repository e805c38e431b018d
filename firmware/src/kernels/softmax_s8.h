/* softmax_s8.h: softmax of int8 logits, bit for bit as TFLite's reference kernel (fixed point)
 * or its optimized one (float). The exponentials are a table made at generation. */
#ifndef TL_SOFTMAX_S8_H
#define TL_SOFTMAX_S8_H

#include "quant_s8.h"

/* gemmlowp's product of two Q0.31. */
TL_INLINE int32_t tl_times_q31(int32_t a, int32_t b) {
  return (int32_t)(((int64_t)a * b + ((int32_t)1 << 30)) >> 31);
}

/* x / 2^right, halves away from zero; right > 0. */
TL_INLINE int32_t tl_divide_q31(int32_t x, int32_t right) {
  return (int32_t)(((int64_t)x + ((int64_t)1 << (right - 1)) - (x < 0)) >> right);
}

TL_INLINE int32_t tl_leading_zeros(uint32_t x) {
  int32_t n = 0;
#if defined(__GNUC__) && !defined(__AVR__)
  n = __builtin_clz(x);
#else
  for (; x < UINT32_C(0x80000000); x <<= 1) n++;
#endif
  return n;
}

/* 1 / (1 + a) for a in [0, 1), by Newton's method in Q2.29 from 48/17 - 32/17 * half. */
TL_INLINE int32_t tl_one_over_one_plus_q31(int32_t a) {
  const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
  int32_t x = 1515870810 + tl_times_q31(half, -1010580540);
  int i;
  for (i = 0; i < 3; i++) {
    const int32_t missing = ((int32_t)1 << 29) - tl_times_q31(half, x);
    x += tl_times_q31(x, missing) * 4;
  }
  return x >= (int32_t)1 << 30 ? INT32_MAX : x * 2;
}

TL_INLINE int tl_greatest_s8(const int8_t *x, int n) {
  int i, top = x[0];
  for (i = 1; i < n; i++)
    if (x[i] > top) top = x[i];
  return top;
}

/* Each of `rows` rows of n by itself; table[d] = exp(-d * scale) in Q0.31. */
TL_INLINE void tl_softmax_s8(int8_t *y, const int8_t *x, const TL_FLASH int32_t *table,
                             int rows, int n) {
  int i, r;
  for (r = 0; r < rows; r++, x += n, y += n) {
    const int top = tl_greatest_s8(x, n);
    int32_t sum = 0, zeros, scale;
    for (i = 0; i < n; i++) sum += tl_divide_q31(table[top - x[i]], 12);
    zeros = tl_leading_zeros((uint32_t)sum);
    scale =
        tl_one_over_one_plus_q31((int32_t)(((uint32_t)sum << zeros) - UINT32_C(0x80000000)));
    for (i = 0; i < n; i++) {
      const int32_t share = tl_times_q31(scale, table[top - x[i]]);
      y[i] = (int8_t)tl_clamp_s8(tl_divide_q31(share, 35 - zeros) - 128, -128, 127);
    }
  }
}

/* The same in float, as TFLite's optimized kernel; table[d] = exp(-d * scale). */
TL_INLINE void tl_softmax_lut_s8(int8_t *y, const int8_t *x, const TL_FLASH float *table,
                                 int rows, int n, float y_scale, int y_zero) {
  int i, r;
  for (r = 0; r < rows; r++, x += n, y += n) {
    const int top = tl_greatest_s8(x, n);
    float sum = 0.0f, inverse;
    for (i = 0; i < n; i++) sum += table[top - x[i]];
    inverse = 1.0f / (sum * y_scale);
    for (i = 0; i < n; i++) {
      const float share = table[top - x[i]] * inverse;
      y[i] = (int8_t)tl_clamp_s8((int32_t)(share + 0.5f) + y_zero, -128, 127);
    }
  }
}

#endif
