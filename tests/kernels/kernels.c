/* kernels.c: the kernels as functions of a shared library, for tests from Python. Sizes are
 * not literals here; vectors.c covers literal sizes and the assembly. */
#include "kernels/add_f32.h"
#include "kernels/average_pool_f32.h"
#include "kernels/binary_f32.h"
#include "kernels/concat_f32.h"
#include "kernels/conv2d_f32.h"
#include "kernels/dense_f32.h"
#include "kernels/depthwise_conv2d_f32.h"
#include "kernels/guard_f32.h"
#include "kernels/hard_swish_f32.h"
#include "kernels/loss_mse_f32.h"
#include "kernels/loss_sigmoid_cross_entropy_f32.h"
#include "kernels/loss_softmax_cross_entropy_f32.h"
#include "kernels/max_pool_f32.h"
#include "kernels/reduce_f32.h"
#include "kernels/scale_shift_f32.h"
#include "kernels/sgd_f32.h"
#include "kernels/softmax_f32.h"
#include "kernels/squared_error_f32.h"
#include "kernels/standardize_f32.h"
#include "kernels/zero_pad_f32.h"

/* EXPORT(type, name, parameters, arguments) defines k_name, which calls tl_name. */
#define EXPORT(type, name, parameters, arguments) \
  type k_##name parameters;                       \
  type k_##name parameters { return tl_##name arguments; }
#define EXPORT_VOID(name, parameters, arguments) \
  void k_##name parameters;                      \
  void k_##name parameters { tl_##name arguments; }
typedef const float *in_t;
typedef float *out_t;

EXPORT_VOID(dense_f32,
            (out_t y, in_t x, in_t w, in_t b, int n_in, int n_out, int act, float alpha),
            (y, x, w, b, n_in, n_out, act, alpha))
EXPORT_VOID(dense_backward_f32,
            (out_t dx, in_t x, in_t dy, in_t w, out_t uw, out_t ub, float s, int n_in,
             int n_out, int skip),
            (dx, x, dy, w, uw, ub, s, n_in, n_out, skip))

#define CONVOLUTION(name)                                                                      \
  EXPORT_VOID(name##_f32,                                                                      \
              (out_t y, in_t x, in_t w, in_t b, tl_window_t s, int act, float alpha),          \
              (y, x, w, b, s, act, alpha))                                                     \
  EXPORT_VOID(name##_backward_f32,                                                             \
              (out_t dx, in_t x, in_t dy, in_t w, out_t uw, out_t ub, float s, tl_window_t sh, \
               int skip),                                                                      \
              (dx, x, dy, w, uw, ub, s, sh, skip))
CONVOLUTION(conv2d)
CONVOLUTION(depthwise_conv2d)

EXPORT_VOID(max_pool_f32, (out_t y, in_t x, tl_window_t s), (y, x, s))
EXPORT_VOID(max_pool_backward_f32, (out_t dx, in_t dy, in_t x, tl_window_t s), (dx, dy, x, s))
EXPORT_VOID(average_pool_f32, (out_t y, in_t x, tl_window_t s), (y, x, s))
EXPORT_VOID(average_pool_backward_f32, (out_t dx, in_t dy, tl_window_t s), (dx, dy, s))
EXPORT_VOID(global_average_pool_f32, (out_t y, in_t x, int p, int c), (y, x, p, c))
EXPORT_VOID(global_average_pool_backward_f32, (out_t dx, in_t dy, int p, int c), (dx, dy, p, c))
EXPORT_VOID(hard_swish_f32, (out_t y, in_t x, int n), (y, x, n))
EXPORT_VOID(hard_swish_backward_f32, (out_t dx, in_t dy, in_t x, int n), (dx, dy, x, n))
EXPORT_VOID(pad_f32, (out_t y, in_t x, tl_padding_t s, float value), (y, x, s, value))
EXPORT_VOID(zero_pad_f32, (out_t y, in_t x, tl_padding_t s), (y, x, s))
EXPORT_VOID(zero_pad_backward_f32, (out_t dx, in_t dy, tl_padding_t s), (dx, dy, s))
EXPORT_VOID(activation_f32, (out_t y, in_t x, int n, int act, float alpha),
            (y, x, n, act, alpha))
EXPORT_VOID(activation_backward_f32, (out_t dx, in_t dy, in_t y, int n, int act, float alpha),
            (dx, dy, y, n, act, alpha))
EXPORT_VOID(softmax_f32, (out_t y, in_t x, int rows, int n), (y, x, rows, n))
EXPORT_VOID(softmax_backward_f32, (out_t dx, in_t dy, in_t y, int rows, int n),
            (dx, dy, y, rows, n))
EXPORT_VOID(add_f32, (out_t y, in_t a, in_t b, int n, int act, float alpha),
            (y, a, b, n, act, alpha))
EXPORT_VOID(accumulate_f32, (out_t y, in_t x, int n), (y, x, n))
EXPORT_VOID(binary_f32,
            (out_t y, in_t a, in_t b, tl_broadcast_t s, int how, int act, float alpha),
            (y, a, b, s, how, act, alpha))
EXPORT_VOID(binary_backward_f32,
            (out_t dx, in_t dy, in_t other, tl_broadcast_t s, int n, float sign),
            (dx, dy, other, s, n, sign))
EXPORT_VOID(reduce_f32, (out_t y, in_t x, tl_reduce_t s, float scale), (y, x, s, scale))
EXPORT_VOID(reduce_backward_f32, (out_t dx, in_t dy, tl_reduce_t s, float scale),
            (dx, dy, s, scale))
EXPORT_VOID(concat_part_f32, (out_t y, in_t x, int rows, int x_row, int y_row, int y_at),
            (y, x, rows, x_row, y_row, y_at))
EXPORT_VOID(concat_part_backward_f32,
            (out_t dx, in_t dy, int rows, int x_row, int y_row, int y_at),
            (dx, dy, rows, x_row, y_row, y_at))
EXPORT_VOID(scale_shift_f32,
            (out_t y, in_t x, in_t scale, in_t shift, int p, int c, int act, float alpha),
            (y, x, scale, shift, p, c, act, alpha))
EXPORT_VOID(scale_shift_backward_f32, (out_t dx, in_t dy, in_t scale, int p, int c),
            (dx, dy, scale, p, c))
EXPORT_VOID(squared_error_f32, (out_t y, in_t a, in_t b, int n), (y, a, b, n))
EXPORT_VOID(standardize_f32, (out_t y, in_t x, out_t stats, int n, int update, float eps),
            (y, x, stats, n, update, eps))
EXPORT_VOID(standardize_backward_f32, (out_t dx, in_t dy, in_t stats, int n, float eps),
            (dx, dy, stats, n, eps))
EXPORT(float, mse_f32, (out_t d, in_t y, in_t t, int n), (d, y, t, n))
EXPORT(float, mse_label_f32, (out_t d, in_t y, unsigned label, int n), (d, y, label, n))
EXPORT(float, softmax_cross_entropy_f32, (out_t d, in_t z, in_t t, int n), (d, z, t, n))
EXPORT(float, softmax_cross_entropy_label_f32, (out_t d, in_t z, unsigned label, int n),
       (d, z, label, n))
EXPORT(float, sigmoid_cross_entropy_f32, (out_t d, in_t z, in_t t, int n), (d, z, t, n))
EXPORT(float, sigmoid_cross_entropy_label_f32, (out_t d, in_t z, unsigned label, int n),
       (d, z, label, n))
EXPORT(int, bounded_f32, (in_t x, int n), (x, n))
EXPORT_VOID(scale_f32, (out_t w, float k, int n), (w, k, n))
EXPORT_VOID(accumulate_scaled_f32, (out_t w, in_t v, float k, int n), (w, v, k, n))
EXPORT_VOID(fill_f32, (out_t y, float value, int n), (y, value, n))
EXPORT_VOID(copy_f32, (out_t y, in_t x, int n), (y, x, n))

/* y[n] = function(x[n]). */
#define MATHS(name)                                 \
  void k_##name(out_t y, in_t x, int n);            \
  void k_##name(out_t y, in_t x, int n) {           \
    int i;                                          \
    for (i = 0; i < n; i++) y[i] = tl_##name(x[i]); \
  }
MATHS(expf)
MATHS(logf)
MATHS(log1pf)
MATHS(tanhf)
MATHS(sigmoidf)
MATHS(sqrtf)
MATHS(sqrtf_by_bits)
