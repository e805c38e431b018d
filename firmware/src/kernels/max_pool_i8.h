/* max_pool_i8.h: greatest value of each window, padding left out, for learning in integers. The
 * output has its input's exponent. */
#ifndef TL_MAX_POOL_I8_H
#define TL_MAX_POOL_I8_H

#include "conv_window.h"
#include "slope_i8.h"

/* Offset from x of the first maximum over rows x cols taps of one channel, row-major. */
TL_INLINE int tl_first_maximum_i8(const int8_t *x, int rows, int cols, tl_window_t s) {
  int ky, kx, best = 0;
  for (ky = 0; ky < rows; ky++)
    for (kx = 0; kx < cols; kx++) {
      const int at = (ky * s.in_w + kx) * s.in_c;
      if (x[at] > x[best]) best = at;
    }
  return best;
}

/* y[out_h][out_w][c] = max of the window. */
TL_INLINE void tl_max_pool_i8(int8_t *y, const int8_t *x, tl_window_t s) {
  int oy, ox, c;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, y += s.in_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const int8_t *xp = x + tl_window_input(s, oy, ox, ky.first, kx.first);
      for (c = 0; c < s.in_c; c++)
        y[c] = xp[c + tl_first_maximum_i8(xp + c, ky.end - ky.first, kx.end - kx.first, s)];
    }
  }
}

/* dx += dz, shifted right, at the first maximum of each window. */
TL_INLINE void tl_scatter_maxima_i8(int16_t *dx, const int8_t *x, const int16_t *dz,
                                    tl_window_t s, int right) {
  int oy, ox, c;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, dz += s.in_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const int at = tl_window_input(s, oy, ox, ky.first, kx.first);
      for (c = 0; c < s.in_c; c++) {
        const int first =
            tl_first_maximum_i8(x + at + c, ky.end - ky.first, kx.end - kx.first, s);
        int16_t *to = dx + at + c + first;
        *to = (int16_t)(*to + (right ? tl_shifted_i32(dz[c], -right) : dz[c]));
      }
    }
  }
}

/* dx times the slope of the activation that made x, in 12 bits. right: so that the deltas of
 * all windows over one input, summed, fit 16. */
TL_INLINE void tl_max_pool_gradient_i8(int16_t *dx, int8_t *dx_exp, const int8_t *x,
                                       const int16_t *dz, const int8_t *dz_exp, tl_window_t s,
                                       int right, int activation) {
  const int n = s.in_h * s.in_w * s.in_c;
  int i;
  memset(dx, 0, sizeof *dx * (size_t)n);
  tl_scatter_maxima_i8(dx, x, dz, s, right);
  for (i = 0; i < n; i++)
    if (tl_stops_i8(x[i], activation)) dx[i] = 0;
  *dx_exp = tl_exponent_i8(*dz_exp + right + tl_shorten_i16(dx, n, TL_DELTA_BITS));
  tl_times_slope_i8(dx, x, n, activation);
}

#endif
