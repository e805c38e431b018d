/* zero_pad_f32.h: explicit zeros, or another value, around an HWC activation. */
#ifndef TL_ZERO_PAD_F32_H
#define TL_ZERO_PAD_F32_H

#include "tl_shapes.h"
#include "vec_f32.h"

/* y[top + in_h + bottom][left + in_w + right][in_c] = x with a value around it. */
TL_INLINE void tl_pad_f32(float *y, const float *x, tl_padding_t s, float value) {
  const int row = s.in_w * s.in_c;
  const int width = (s.left + s.in_w + s.right) * s.in_c;
  int r;
  tl_fill_f32(y, value, s.top * width);
  y += s.top * width;
  for (r = 0; r < s.in_h; r++, y += width) {
    tl_fill_f32(y, value, s.left * s.in_c);
    tl_copy_f32(y + s.left * s.in_c, x + r * row, row);
    tl_fill_f32(y + s.left * s.in_c + row, value, s.right * s.in_c);
  }
  tl_fill_f32(y, value, s.bottom * width);
}

TL_INLINE void tl_zero_pad_f32(float *y, const float *x, tl_padding_t s) {
  tl_pad_f32(y, x, s, 0.0f);
}

/* dx[in_h][in_w][in_c] = dy without its border. */
TL_INLINE void tl_zero_pad_backward_f32(float *dx, const float *dy, tl_padding_t s) {
  const int row = s.in_w * s.in_c;
  const int width = (s.left + s.in_w + s.right) * s.in_c;
  int r;
  dy += s.top * width + s.left * s.in_c;
  for (r = 0; r < s.in_h; r++) tl_copy_f32(dx + r * row, dy + r * width, row);
}

#endif
