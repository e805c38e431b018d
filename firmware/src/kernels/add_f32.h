/* add_f32.h: element-wise sums. */
#ifndef TL_ADD_F32_H
#define TL_ADD_F32_H

#include "activation_f32.h"

/* y[n] = act(a + b); y may be a or b. */
TL_INLINE void tl_add_f32(float *y, const float *a, const float *b, int n, int act,
                          float alpha) {
  int i;
  for (i = 0; i < n; i++) y[i] = tl_activate(a[i] + b[i], act, alpha);
}

/* y[n] += x[n]: joins gradients that meet. */
TL_INLINE void tl_accumulate_f32(float *y, const float *x, int n) {
  int i;
  for (i = 0; i < n; i++) y[i] += x[i];
}

#endif
