/* kernels_i8.h: kernels of learning in integers as functions with sizes as parameters, for
 * vectors_i8.c and, as a shared library, for tests from Python. */
#ifndef TL_TEST_KERNELS_I8_H
#define TL_TEST_KERNELS_I8_H

#include "kernels/activation_i8.h"
#include "kernels/dense_i8.h"
#include "kernels/input_i8.h"
#include "kernels/loss_i8.h"
#include "kernels/output_i8.h"
#include "kernels/quant_s8.h"

/* EXPORT(type, name, parameters, arguments) defines k_name, which calls tl_name. */
#define EXPORT(type, name, parameters, arguments) \
  type k_##name parameters;                       \
  __attribute__((noinline)) type k_##name parameters { return tl_##name arguments; }
#define EXPORT_VOID(name, parameters, arguments) \
  void k_##name parameters;                      \
  __attribute__((noinline)) void k_##name parameters { tl_##name arguments; }
typedef const int8_t *bytes_t;
typedef const int16_t *halves_t;

EXPORT_VOID(input_i8, (int8_t * q, int8_t *q_exp, const float *x, int n), (q, q_exp, x, n))
EXPORT_VOID(dense_i8,
            (int16_t * z, int8_t *z_exp, bytes_t x, bytes_t x_exp, bytes_t w, bytes_t w_exp,
             halves_t b, bytes_t b_exp, int n_in, int n_out, int zero),
            (z, z_exp, x, x_exp, w, w_exp, b, b_exp, n_in, n_out, zero))
EXPORT_VOID(dense_gradient_i8,
            (int16_t * dx, int8_t *dx_exp, bytes_t x, halves_t dz, bytes_t dz_exp, bytes_t w,
             bytes_t w_exp, int n_in, int n_out, int activation),
            (dx, dx_exp, x, dz, dz_exp, w, w_exp, n_in, n_out, activation))
EXPORT_VOID(dense_update_i8,
            (bytes_t x, bytes_t x_exp, halves_t dz, bytes_t dz_exp, int8_t *w, int8_t *w_exp,
             int16_t *b, int8_t *b_exp, int32_t *random, float minus_rate, float gain, int n_in,
             int n_out, int zero),
            (x, x_exp, dz, dz_exp, w, w_exp, b, b_exp, random, minus_rate, gain, n_in, n_out,
             zero))
EXPORT_VOID(activation_i8,
            (int8_t * y, int8_t *y_exp, halves_t z, bytes_t z_exp, int n, int activation),
            (y, y_exp, z, z_exp, n, activation))
EXPORT_VOID(softmax_i8, (float *y, halves_t z, bytes_t z_exp, int n), (y, z, z_exp, n))
EXPORT_VOID(sigmoid_i8, (float *y, halves_t z, bytes_t z_exp, int n), (y, z, z_exp, n))
EXPORT_VOID(real_i8, (float *y, halves_t z, bytes_t z_exp, int n), (y, z, z_exp, n))

#define LOSS(name)                                                                        \
  EXPORT(float, name##_i8,                                                                \
         (int16_t * d, int8_t * d_exp, halves_t z, bytes_t z_exp, const float *t, int n), \
         (d, d_exp, z, z_exp, t, n))                                                      \
  EXPORT(float, name##_label_i8,                                                          \
         (int16_t * d, int8_t * d_exp, halves_t z, bytes_t z_exp, unsigned label, int n), \
         (d, d_exp, z, z_exp, label, n))
LOSS(mse)
LOSS(softmax_cross_entropy)
LOSS(sigmoid_cross_entropy)

EXPORT(int, exp_q15, (int gap), (gap))
EXPORT(int, ln_q12, (unsigned v), (v))
EXPORT(int, shifted_i32, (int v, int left), (v, left))
EXPORT(int, random_round_i32, (int v, int shift, unsigned random), (v, shift, random))
EXPORT(int, requantize_s8, (int acc, int multiplier, int shift, int rounding, int small),
       (acc, multiplier, shift, rounding, small))
EXPORT(int, clamp_s8, (int v, int low, int high), (v, low, high))

#endif
