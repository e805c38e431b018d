/* mean_s8.h: mean over all places of an int8 image. */
#ifndef TL_MEAN_S8_H
#define TL_MEAN_S8_H

#include "quant_s8.h"

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

#endif
