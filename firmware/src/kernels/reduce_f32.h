/* reduce_f32.h: sums and means over any axes. */
#ifndef TL_REDUCE_F32_H
#define TL_REDUCE_F32_H

#include "tl_inline.h"
#include "tl_shapes.h"

/* y[n0][n1] = scale * sum over [m0][m1] of x. */
TL_INLINE void tl_reduce_f32(float *y, const float *x, tl_reduce_t s, float scale) {
  int i, j, k, l;
  for (i = 0; i < s.n0; i++) {
    for (j = 0; j < s.n1; j++) {
      const float *xp = x + i * s.n0_step + j * s.n1_step;
      float sum = 0.0f;
      for (k = 0; k < s.m0; k++)
        for (l = 0; l < s.m1; l++) sum += xp[k * s.m0_step + l * s.m1_step];
      *y++ = scale * sum;
    }
  }
}

/* dx = scale * dy of the sum that each element is in. */
TL_INLINE void tl_reduce_backward_f32(float *dx, const float *dy, tl_reduce_t s, float scale) {
  int i, j, k, l;
  for (i = 0; i < s.n0; i++) {
    for (j = 0; j < s.n1; j++) {
      float *to = dx + i * s.n0_step + j * s.n1_step;
      const float d = scale * *dy++;
      for (k = 0; k < s.m0; k++)
        for (l = 0; l < s.m1; l++) to[k * s.m0_step + l * s.m1_step] = d;
    }
  }
}

#endif
