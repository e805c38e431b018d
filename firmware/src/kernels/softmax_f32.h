/* softmax_f32.h: softmax over the last axis, and its gradient. */
#ifndef TL_SOFTMAX_F32_H
#define TL_SOFTMAX_F32_H

#include "tl_math.h"

TL_INLINE void tl_softmax_row_f32(float *y, const float *x, int n) {
  float top = x[0], sum = 0.0f, k;
  int i;
  for (i = 1; i < n; i++)
    if (x[i] > top) top = x[i];
  for (i = 0; i < n; i++) {
    y[i] = tl_expf(x[i] - top);
    sum += y[i];
  }
  k = 1.0f / sum;
  for (i = 0; i < n; i++) y[i] *= k;
}

/* y[rows][n] = exp(x) / sum(exp(x)) a row; y may be x. A NaN makes its whole row NaN. */
TL_INLINE void tl_softmax_f32(float *y, const float *x, int rows, int n) {
  int r;
  for (r = 0; r < rows; r++) tl_softmax_row_f32(y + r * n, x + r * n, n);
}

/* dx = y * (dy - sum(dy * y)) a row, from y = softmax(x); dx may be dy. */
TL_INLINE void tl_softmax_backward_f32(float *dx, const float *dy, const float *y, int rows,
                                       int n) {
  int r, i;
  for (r = 0; r < rows; r++, dx += n, dy += n, y += n) {
    float sum = 0.0f;
    for (i = 0; i < n; i++) sum = TL_FMA(dy[i], y[i], sum);
    for (i = 0; i < n; i++) dx[i] = y[i] * (dy[i] - sum);
  }
}

#endif
