/* shared_s8.h: int8 kernels as functions with sizes as parameters, one copy for all models. */
#ifndef TL_TEST_SHARED_S8_H
#define TL_TEST_SHARED_S8_H

#include "kernels/arithmetic_s8.h"
#include "kernels/conv2d_s8.h"
#include "kernels/convert_s8.h"
#include "kernels/dense_s8.h"
#include "kernels/depthwise_conv2d_s8.h"
#include "kernels/depthwise_times_s8.h"
#include "kernels/lut_s8.h"
#include "kernels/mean_s8.h"
#include "kernels/move_s8.h"
#include "kernels/pool_s8.h"
#include "kernels/softmax_s8.h"

#define SHARED(name, parameters, arguments)                                         \
  static __attribute__((noinline, noclone, unused)) void shared_##name parameters { \
    tl_##name arguments;                                                            \
  }
typedef const int8_t *in_t;
typedef const int32_t *rows_t;

SHARED(dense_s8,
       (int8_t * y, in_t x, in_t w, rows_t q, int n_in, int n_out, int w_zero, tl_out_s8_t out),
       (y, x, w, q, n_in, n_out, w_zero, out))
SHARED(conv2d_s8,
       (int8_t * y, in_t x, in_t w, rows_t q, tl_window_t s, int x_zero, int w_zero,
        tl_out_s8_t out, int8_t *taps),
       (y, x, w, q, s, x_zero, w_zero, out, taps))

#define DEPTHWISE(name)                                                                \
  SHARED(name,                                                                         \
         (int8_t * y, in_t x, in_t w, rows_t q, tl_window_t s, int x_zero, int w_zero, \
          tl_out_s8_t out),                                                            \
         (y, x, w, q, s, x_zero, w_zero, out))
DEPTHWISE(depthwise_conv2d_s8)
DEPTHWISE(depthwise_times_s8)

SHARED(max_pool_s8, (int8_t * y, in_t x, tl_window_t s, int min, int max), (y, x, s, min, max))
SHARED(average_pool_s8, (int8_t * y, in_t x, tl_window_t s, int min, int max, int halves_up),
       (y, x, s, min, max, halves_up))
SHARED(mean_s8,
       (int8_t * y, in_t x, int rows, int c, int x_zero, int y_zero, int32_t multiplier,
        int32_t shift),
       (y, x, rows, c, x_zero, y_zero, multiplier, shift))
SHARED(add_s8, (int8_t * y, in_t a, in_t b, int n, int n_b, tl_add_s8_t s),
       (y, a, b, n, n_b, s))
SHARED(mul_s8, (int8_t * y, in_t a, in_t b, int n, int n_b, tl_mul_s8_t s),
       (y, a, b, n, n_b, s))
SHARED(lut_s8, (int8_t * y, in_t x, in_t table, int n), (y, x, table, n))
SHARED(softmax_s8, (int8_t * y, in_t x, rows_t table, int rows, int n), (y, x, table, rows, n))
SHARED(quantize_s8, (int8_t * y, const float *x, int n, float scale, int zero),
       (y, x, n, scale, zero))
SHARED(dequantize_s8, (float *y, in_t x, int n, float scale, int zero), (y, x, n, scale, zero))
SHARED(flip_sign_s8, (void *y, const void *x, int n), (y, x, n))
SHARED(pad_s8, (int8_t * y, in_t x, tl_padding_t s, int zero), (y, x, s, zero))
SHARED(concat_s8,
       (int8_t * y, int outer, int width, int parts, in_t a, int n_a, in_t b, int n_b, in_t c,
        int n_c, in_t d, int n_d),
       (y, outer, width, parts, a, n_a, b, n_b, c, n_c, d, n_d))
SHARED(resize_nearest,
       (void *y, const void *x, rows_t rows, rows_t columns, int in_w, int out_h, int out_w,
        int bytes),
       (y, x, rows, columns, in_w, out_h, out_w, bytes))
SHARED(transpose,
       (void *y, const void *x, int a, int b, int c, int step_a, int step_b, int step_c,
        int bytes),
       (y, x, a, b, c, step_a, step_b, step_c, bytes))

#endif
