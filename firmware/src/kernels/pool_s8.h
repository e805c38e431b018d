/* pool_s8.h: max and average pooling of int8 images [h][w][c], padding left out. */
#ifndef TL_POOL_S8_H
#define TL_POOL_S8_H

#include "conv_window.h"
#include "quant_s8.h"

/* The greatest of rows x cols taps of one channel. */
TL_INLINE int32_t tl_maximum_s8(const int8_t *x, int rows, int cols, tl_window_t s) {
  int32_t top = -128;
  int ky, kx;
  for (ky = 0; ky < rows; ky++) {
    for (kx = 0; kx < cols; kx++) {
      const int8_t v = x[(ky * s.in_w + kx) * s.in_c];
      if (v > top) top = v;
    }
  }
  return top;
}

/* Their mean, halves away from zero, or up as uint8 networks round. */
TL_INLINE int32_t tl_mean_of_window_s8(const int8_t *x, int rows, int cols, tl_window_t s,
                                       int halves_up) {
  const int32_t count = (int32_t)rows * cols;
  int32_t sum = 0;
  int ky, kx;
  for (ky = 0; ky < rows; ky++)
    for (kx = 0; kx < cols; kx++) sum += x[(ky * s.in_w + kx) * s.in_c];
  if (halves_up) return (sum + 128 * count + count / 2) / count - 128;
  return sum > 0 ? (sum + count / 2) / count : (sum - count / 2) / count;
}

typedef enum { TL_POOL_MAX, TL_POOL_AVERAGE, TL_POOL_AVERAGE_UP } tl_pool_t;

TL_INLINE void tl_pool_s8(int8_t *y, const int8_t *x, tl_window_t s, int min, int max,
                          tl_pool_t kind) {
  int oy, ox, c;
  for (oy = 0; oy < s.out_h; oy++) {
    const tl_range_t ky = tl_window_rows(s, oy);
    for (ox = 0; ox < s.out_w; ox++, y += s.in_c) {
      const tl_range_t kx = tl_window_cols(s, ox);
      const int8_t *xp = x + tl_window_input(s, oy, ox, ky.first, kx.first);
      const int rows = ky.end - ky.first, cols = kx.end - kx.first;
      for (c = 0; c < s.in_c; c++) {
        const int32_t v =
            kind == TL_POOL_MAX
                ? tl_maximum_s8(xp + c, rows, cols, s)
                : tl_mean_of_window_s8(xp + c, rows, cols, s, kind == TL_POOL_AVERAGE_UP);
        y[c] = (int8_t)tl_clamp_s8(v, min, max);
      }
    }
  }
}

TL_INLINE void tl_max_pool_s8(int8_t *y, const int8_t *x, tl_window_t s, int min, int max) {
  tl_pool_s8(y, x, s, min, max, TL_POOL_MAX);
}

TL_INLINE void tl_average_pool_s8(int8_t *y, const int8_t *x, tl_window_t s, int min, int max,
                                  int halves_up) {
  tl_pool_s8(y, x, s, min, max, halves_up ? TL_POOL_AVERAGE_UP : TL_POOL_AVERAGE);
}

#endif
