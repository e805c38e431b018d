/* hard_swish_f32.h: x * min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, "Searching for
 * MobileNetV3", section 5.2) and its gradient. */
#ifndef TL_HARD_SWISH_F32_H
#define TL_HARD_SWISH_F32_H

#include "activation_f32.h"

/* y[n]; y may be x. */
TL_INLINE void tl_hard_swish_f32(float *y, const float *x, int n) {
  int i;
  for (i = 0; i < n; i++)
    y[i] = x[i] * tl_activate(x[i] + 3.0f, TL_RELU6, 0.0f) * (1.0f / 6.0f);
}

/* dx[n] = dy[n] * slope at x[n]; dx may be dy. */
TL_INLINE void tl_hard_swish_backward_f32(float *dx, const float *dy, const float *x, int n) {
  int i;
  for (i = 0; i < n; i++) {
    const float inner = (2.0f * x[i] + 3.0f) * (1.0f / 6.0f);
    dx[i] = dy[i] * (x[i] <= -3.0f ? 0.0f : x[i] >= 3.0f ? 1.0f : inner);
  }
}

#endif
