/* slope_i8.h: the slope of the activation that made a layer's input, taken from that input. */
#ifndef TL_SLOPE_I8_H
#define TL_SLOPE_I8_H

#include "block_i16.h"
#include "kernels/tl_shapes.h"

/* 1 where no gradient passes x. */
TL_INLINE int tl_stops_i8(int x, int activation) { return activation == TL_RELU && x <= 0; }

/* The slope in Q14; tanh and sigmoid make x in Q7. */
TL_INLINE int32_t tl_slope_q14(int32_t x, int activation) {
  if (activation == TL_TANH) return 16384 - x * x;
  return x * (128 - x); /* sigmoid */
}

/* dx times the slope, for activations whose slope is not just 0 or 1. */
TL_INLINE void tl_times_slope_i8(int16_t *dx, const int8_t *x, int n, int activation) {
  int i;
  if (activation != TL_TANH && activation != TL_SIGMOID) return;
  for (i = 0; i < n; i++)
    dx[i] = (int16_t)tl_shifted_i32(dx[i] * tl_slope_q14(x[i], activation), -14);
}

#endif
