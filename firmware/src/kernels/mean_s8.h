/* mean_s8.h: mean over all places of an int8 image, or over any axes. */
#ifndef TL_MEAN_S8_H
#define TL_MEAN_S8_H

#include "quant_s8.h"
#include "tl_shapes.h"

/* y[c] from x[rows][c]; multiplier and shift hold the division by rows. */
TL_INLINE void tl_mean_s8(int8_t *y, const int8_t *x, int rows, int c, int x_zero, int y_zero,
                          int32_t multiplier, int32_t shift) {
  int i, r;
  for (i = 0; i < c; i++) {
    int32_t sum = -(int32_t)rows * x_zero;
    for (r = 0; r < rows; r++) sum += x[r * c + i];
    sum = tl_requantize_s8(sum, multiplier, shift, TL_ROUND_DOUBLE, 0) + y_zero;
    y[i] = (int8_t)tl_clamp_s8(sum, -128, 127);
  }
}

/* y[n0][n1] from x; multiplier and shift hold the division by m0 * m1. */
TL_INLINE void tl_mean_of_axes_s8(int8_t *y, const int8_t *x, tl_reduce_t s, int x_zero,
                                  int y_zero, int32_t multiplier, int32_t shift) {
  int i, j, k, l;
  for (i = 0; i < s.n0; i++) {
    for (j = 0; j < s.n1; j++) {
      const int8_t *xp = x + i * s.n0_step + j * s.n1_step;
      int32_t sum = -(int32_t)s.m0 * s.m1 * x_zero;
      for (k = 0; k < s.m0; k++)
        for (l = 0; l < s.m1; l++) sum += xp[k * s.m0_step + l * s.m1_step];
      sum = tl_requantize_s8(sum, multiplier, shift, TL_ROUND_DOUBLE, 0) + y_zero;
      *y++ = (int8_t)tl_clamp_s8(sum, -128, 127);
    }
  }
}

#endif
