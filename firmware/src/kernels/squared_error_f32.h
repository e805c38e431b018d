/* squared_error_f32.h: mean squared difference of two vectors, as a feature: TinyOL's
 * reconstruction error (Ren, Anicic, Runkler 2021). */
#ifndef TL_SQUARED_ERROR_F32_H
#define TL_SQUARED_ERROR_F32_H

#include "tl_fma.h"

/* y[0] = mean((a[n] - b[n])^2). */
TL_INLINE void tl_squared_error_f32(float *y, const float *a, const float *b, int n) {
  float sum = 0.0f;
  int i;
  for (i = 0; i < n; i++) sum = TL_FMA(a[i] - b[i], a[i] - b[i], sum);
  y[0] = sum / (float)n;
}

#endif
