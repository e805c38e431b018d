/* max_pool_f32.h: greatest value of each window, padding left out. NaN wins over numbers. */
#ifndef TL_MAX_POOL_F32_H
#define TL_MAX_POOL_F32_H

#include "conv_window.h"
#include "vec_f32.h"

/* Offset from x of the first maximum over rows x cols taps of one channel, row-major. */
TL_INLINE int tl_first_maximum_f32(const float *x, int rows, int cols, tl_window_t s) {
  float top = x[0];
  int ky, kx, best = 0;
  for (ky = 0; ky < rows; ky++) {
    for (kx = 0; kx < cols; kx++) {
      const int at = (ky * s.in_w + kx) * s.in_c;
      if (x[at] > top || x[at] != x[at]) {
        top = x[at];
        best = at;
      }
    }
  }
  return best;
}

/* y[out_h][out_w][c] = max of the window. */
TL_INLINE void tl_max_pool_f32(float *y, const float *x, tl_window_t s) {
  int oy, ox, c;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, y += s.in_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const float *xp = x + tl_window_input(s, oy, ox, ky.first, kx.first);
      for (c = 0; c < s.in_c; c++)
        y[c] = xp[c + tl_first_maximum_f32(xp + c, ky.end - ky.first, kx.end - kx.first, s)];
    }
  }
}

/* dx = dy at the first maximum of each window (overwritten, summed where windows overlap). */
TL_INLINE void tl_max_pool_backward_f32(float *dx, const float *dy, const float *x,
                                        tl_window_t s) {
  int oy, ox, c;
  tl_fill_f32(dx, 0.0f, s.in_h * s.in_w * s.in_c);
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, dy += s.in_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const int at = tl_window_input(s, oy, ox, ky.first, kx.first);
      for (c = 0; c < s.in_c; c++)
        dx[at + c +
           tl_first_maximum_f32(x + at + c, ky.end - ky.first, kx.end - kx.first, s)] += dy[c];
    }
  }
}

#endif
