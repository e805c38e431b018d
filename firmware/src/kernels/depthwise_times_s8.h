/* depthwise_times_s8.h: int8 depthwise convolution with several outputs for each input channel.
 * Weights [k_h][k_w][out_c], q [out_c][3]; output channel o reads input channel o / times. */
#ifndef TL_DEPTHWISE_TIMES_S8_H
#define TL_DEPTHWISE_TIMES_S8_H

#include "conv_window.h"
#include "quant_s8.h"

/* Sum of the taps inside the input; each is x - x_zero, so those outside add nothing. */
TL_INLINE int32_t tl_depthwise_times_sum_s8(const int8_t *xp, const TL_FLASH int8_t *wp,
                                            tl_window_t s, int rows, int cols, int x_zero,
                                            int w_zero) {
  int32_t acc = 0;
  int ky, kx;
  for (ky = 0; ky < rows; ky++)
    for (kx = 0; kx < cols; kx++)
      acc += (int32_t)(xp[tl_tap_offset(s, ky, kx)] - x_zero) *
             (wp[(ky * s.k_w + kx) * s.out_c] - w_zero);
  return acc;
}

/* x_zero times the sum of a channel's weights: the table's bias counts it for every tap. */
TL_INLINE int32_t tl_depthwise_times_folded_s8(const TL_FLASH int8_t *w, tl_window_t s,
                                               int x_zero, int w_zero) {
  int32_t sum = 0;
  int i;
  for (i = 0; i < s.k_h * s.k_w; i++) sum += w[i * s.out_c] - w_zero;
  return sum * (int32_t)x_zero;
}

/* y[out_h][out_w][out_c]. y does not overlap x. */
TL_INLINE void tl_depthwise_times_s8(int8_t *y, const int8_t *x, const TL_FLASH int8_t *w,
                                     const TL_FLASH int32_t *q, tl_window_t s, int x_zero,
                                     int w_zero, tl_out_s8_t out) {
  const int times = s.out_c / s.in_c;
  int oy, ox, o;
  for (o = 0; o < s.out_c; o++) {
    const int32_t folded = tl_depthwise_times_folded_s8(w + o, s, x_zero, w_zero);
    int8_t *yp = y + o;
    for (oy = 0; oy < s.out_h; oy++) {
      const tl_range_t ky = tl_window_rows(s, oy);
      for (ox = 0; ox < s.out_w; ox++, yp += s.out_c) {
        const tl_range_t kx = tl_window_cols(s, ox);
        const int8_t *xp = x + tl_window_input(s, oy, ox, ky.first, kx.first) + o / times;
        const TL_FLASH int8_t *wp = w + (ky.first * s.k_w + kx.first) * s.out_c + o;
        const int32_t acc = tl_depthwise_times_sum_s8(xp, wp, s, ky.end - ky.first,
                                                      kx.end - kx.first, x_zero, w_zero);
        *yp = tl_output_s8(acc + folded, q + 3 * o, out);
      }
    }
  }
}

#endif
