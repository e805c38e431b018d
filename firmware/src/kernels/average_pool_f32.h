/* average_pool_f32.h: mean of each window over the taps inside the input, and over all
 * positions (global). */
#ifndef TL_AVERAGE_POOL_F32_H
#define TL_AVERAGE_POOL_F32_H

#include "conv_window.h"
#include "vec_f32.h"

TL_INLINE float tl_window_sum_f32(const float *x, int rows, int cols, tl_window_t s) {
  float sum = 0.0f;
  int ky, kx;
  for (ky = 0; ky < rows; ky++)
    for (kx = 0; kx < cols; kx++) sum += x[(ky * s.in_w + kx) * s.in_c];
  return sum;
}

/* y[out_h][out_w][c] = mean of the window. */
TL_INLINE void tl_average_pool_f32(float *y, const float *x, tl_window_t s) {
  int oy, ox, c;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, y += s.in_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const int rows = ky.end - ky.first, cols = kx.end - kx.first;
      const float *xp = x + tl_window_input(s, oy, ox, ky.first, kx.first);
      for (c = 0; c < s.in_c; c++)
        y[c] = tl_window_sum_f32(xp + c, rows, cols, s) / (float)(rows * cols);
    }
  }
}

TL_INLINE void tl_average_pool_spread_f32(float *dx, float g, int rows, int cols,
                                          tl_window_t s) {
  int ky, kx;
  for (ky = 0; ky < rows; ky++)
    for (kx = 0; kx < cols; kx++) dx[(ky * s.in_w + kx) * s.in_c] += g;
}

/* dx = dy / taps spread over each window (overwritten, summed where windows overlap). */
TL_INLINE void tl_average_pool_backward_f32(float *dx, const float *dy, tl_window_t s) {
  int oy, ox, c;
  tl_fill_f32(dx, 0.0f, s.in_h * s.in_w * s.in_c);
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, dy += s.in_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const int rows = ky.end - ky.first, cols = kx.end - kx.first;
      float *dxp = dx + tl_window_input(s, oy, ox, ky.first, kx.first);
      for (c = 0; c < s.in_c; c++)
        tl_average_pool_spread_f32(dxp + c, dy[c] / (float)(rows * cols), rows, cols, s);
    }
  }
}

TL_INLINE void tl_column_means_f32(float *y, const float *x, int positions, int channels,
                                   int n) {
  float sums[8];
  int c;
  tl_column_sums_f32(sums, x, positions, channels, n);
  for (c = 0; c < n; c++) y[c] = sums[c] / (float)positions;
}

/* y[c] = mean over positions of x[position][c]. */
TL_INLINE void tl_global_average_pool_f32(float *y, const float *x, int positions,
                                          int channels) {
  int c;
  for (c = 0; c + 8 <= channels; c += 8)
    tl_column_means_f32(y + c, x + c, positions, channels, 8);
  if (c < channels) tl_column_means_f32(y + c, x + c, positions, channels, channels - c);
}

/* dx[position][c] = dy[c] / positions. */
TL_INLINE void tl_global_average_pool_backward_f32(float *dx, const float *dy, int positions,
                                                   int channels) {
  int p, c;
  for (c = 0; c < channels; c++) {
    const float g = dy[c] / (float)positions;
    for (p = 0; p < positions; p++) dx[p * channels + c] = g;
  }
}

#endif
