/* conv_bias_f32.h: SGD update of a convolution's bias. */
#ifndef TL_CONV_BIAS_F32_H
#define TL_CONV_BIAS_F32_H

#include "vec_f32.h"

TL_INLINE void tl_bias_update_slice_f32(float *ub, const float *dy, float s, int positions,
                                        int channels, int n) {
  float sums[8];
  tl_column_sums_f32(sums, dy, positions, channels, n);
  tl_accumulate_scaled_f32(ub, sums, s, n);
}

/* ub[c] += s * sum over positions of dy[position][c]. */
TL_INLINE void tl_bias_update_f32(float *ub, const float *dy, float s, int positions,
                                  int channels) {
  int c;
  for (c = 0; c + 8 <= channels; c += 8)
    tl_bias_update_slice_f32(ub + c, dy + c, s, positions, channels, 8);
  if (c < channels)
    tl_bias_update_slice_f32(ub + c, dy + c, s, positions, channels, channels - c);
}

#endif
