/* loss_mse_f32.h: mean squared error and its gradient. d may be y. */
#ifndef TL_LOSS_MSE_F32_H
#define TL_LOSS_MSE_F32_H

#include <stdint.h>

#include "tl_fma.h"

/* Returns mean((y - t)^2); d[n] = 2 (y - t) / n. */
TL_INLINE float tl_mse_f32(float *d, const float *y, const float *t, int n) {
  const float k = 2.0f / (float)n;
  float sum = 0.0f;
  int i;
  for (i = 0; i < n; i++) {
    const float e = y[i] - t[i];
    sum = TL_FMA(e, e, sum);
    d[i] = k * e;
  }
  return sum / (float)n;
}

/* The same with t = 1 at `label` and 0 elsewhere. */
TL_INLINE float tl_mse_label_f32(float *d, const float *y, uint32_t label, int n) {
  const float k = 2.0f / (float)n;
  float sum = 0.0f;
  int i;
  for (i = 0; i < n; i++) {
    const float e = y[i] - ((uint32_t)i == label ? 1.0f : 0.0f);
    sum = TL_FMA(e, e, sum);
    d[i] = k * e;
  }
  return sum / (float)n;
}

#endif
