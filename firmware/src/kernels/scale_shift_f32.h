/* scale_shift_f32.h: one scale and shift a channel: batch normalisation that could not be
 * folded into a neighbour. */
#ifndef TL_SCALE_SHIFT_F32_H
#define TL_SCALE_SHIFT_F32_H

#include "activation_f32.h"

/* y[positions][channels] = act(x * scale[c] + shift[c]); y may be x. */
TL_INLINE void tl_scale_shift_f32(float *y, const float *x, const float *scale,
                                  const float *shift, int positions, int channels, int act,
                                  float alpha) {
  int p, c;
  for (p = 0; p < positions; p++, y += channels, x += channels)
    for (c = 0; c < channels; c++)
      y[c] = tl_activate(TL_FMA(x[c], scale[c], shift[c]), act, alpha);
}

/* dx = dy * scale[c]; dx may be dy. */
TL_INLINE void tl_scale_shift_backward_f32(float *dx, const float *dy, const float *scale,
                                           int positions, int channels) {
  int p, c;
  for (p = 0; p < positions; p++, dx += channels, dy += channels)
    for (c = 0; c < channels; c++) dx[c] = dy[c] * scale[c];
}

#endif
