/* sgd_f32.h: element-wise steps of the optimiser's options (momentum, accumulation, decay).
 * tl_fill_f32, tl_copy_f32 and tl_accumulate_scaled_f32 (w += k * v) are in vec_f32.h. */
#ifndef TL_SGD_F32_H
#define TL_SGD_F32_H

#include "vec_f32.h"

/* w[n] *= k. */
TL_INLINE void tl_scale_f32(float *w, float k, int n) {
  int i;
  for (i = 0; i < n; i++) w[i] *= k;
}

#endif
