/* vectors.c: every kernel on fixed pseudo-random data, with literal sizes as generated code
 * has them. Prints one line a case: its name and a hash of every bit it wrote. Two builds that
 * agree line by line compute the same bits; a build with sanitizers checks every access.
 * Built for the host and, with tests/kernels/baremetal.c, for emulated boards. */
#include "vectors.h"

#include "kernels/add_f32.h"
#include "kernels/average_pool_f32.h"
#include "kernels/concat_f32.h"
#include "kernels/conv2d_f32.h"
#include "kernels/dense_f32.h"
#include "kernels/depthwise_conv2d_f32.h"
#include "kernels/guard_f32.h"
#include "kernels/loss_mse_f32.h"
#include "kernels/loss_sigmoid_cross_entropy_f32.h"
#include "kernels/loss_softmax_cross_entropy_f32.h"
#include "kernels/max_pool_f32.h"
#include "kernels/scale_shift_f32.h"
#include "kernels/sgd_f32.h"
#include "kernels/softmax_f32.h"
#include "kernels/squared_error_f32.h"
#include "kernels/standardize_f32.h"
#include "kernels/zero_pad_f32.h"

#define RATE (-0.0625f)
#define NOINLINE __attribute__((noinline))

/* Forward, then backward in every form the generator uses: fused on the weights (in place for
 * dense), without input gradient, into a separate buffer, frozen, without bias. */
#define DENSE(n_in, n_out, act)                                                             \
  static NOINLINE void dense_##n_in##_##n_out(void) {                                       \
    float *x = take(n_in), *w = take((n_in) * (n_out)), *b = take(n_out), *y = take(n_out); \
    float *u = take((n_in) * (n_out)), *d = take(n_out), *dx = take(n_in);                  \
    begin("dense " #n_in " " #n_out " " #act);                                              \
    tl_dense_f32(y, x, w, b, n_in, n_out, act, 0.1f);                                       \
    add_hash(y, n_out);                                                                     \
    tl_dense_f32(y, x, w, NULL, n_in, n_out, TL_LINEAR, 0.0f);                              \
    add_hash(y, n_out);                                                                     \
    some_zeros(d, n_out);                                                                   \
    tl_dense_backward_f32(dx, x, d, w, u, b, RATE, n_in, n_out, 0);                         \
    add_hash(dx, n_in), add_hash(u, (n_in) * (n_out)), add_hash(b, n_out);                  \
    tl_dense_backward_f32(dx, x, d, w, NULL, NULL, RATE, n_in, n_out, 1);                   \
    add_hash(dx, n_in);                                                                     \
    tl_dense_backward_f32(NULL, x, d, w, w, NULL, RATE, n_in, n_out, 1);                    \
    add_hash(w, (n_in) * (n_out));                                                          \
    tl_dense_backward_f32(dx, x, d, w, w, b, RATE, n_in, n_out, 0);                         \
    add_hash(dx, n_in), add_hash(w, (n_in) * (n_out));                                      \
    tl_dense_backward_f32(x, x, d, w, w, b, RATE, n_in, n_out, 1);                          \
    add_hash(x, n_in), add_hash(w, (n_in) * (n_out)), add_hash(b, n_out);                   \
    end();                                                                                  \
  }

DENSE(1, 1, TL_LINEAR)
DENSE(1, 13, TL_RELU)
DENSE(1, 32, TL_TANH)
DENSE(3, 5, TL_RELU6)
DENSE(7, 8, TL_LEAKY_RELU)
DENSE(8, 4, TL_RELU)
DENSE(9, 3, TL_SIGMOID)
DENSE(15, 2, TL_RELU)
DENSE(16, 7, TL_RELU)
DENSE(17, 10, TL_RELU)
DENSE(24, 6, TL_LINEAR)
DENSE(31, 9, TL_RELU)
DENSE(32, 1, TL_LINEAR)
DENSE(40, 4, TL_RELU)
DENSE(64, 32, TL_RELU)
DENSE(72, 11, TL_RELU)

#define WINDOW(ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl) \
  ((tl_window_t){ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl, 0, 0})

#define CONV(name, act, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl)                        \
  static NOINLINE void conv_##name(void) {                                                     \
    enum { IN = (ih) * (iw) * (ic), OUT = (oh) * (ow) * (oc), W = (kh) * (kw) * (ic) * (oc) }; \
    float *x = take(IN), *w = take(W), *b = take(oc), *y = take(OUT);                          \
    float *u = take(W), *d = take(OUT), *dx = take(IN);                                        \
    begin("conv " #name " " #act);                                                             \
    tl_conv2d_f32(y, x, w, b, WINDOW(ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl), act,     \
                  0.1f);                                                                       \
    add_hash(y, OUT);                                                                          \
    tl_conv2d_f32(y, x, w, NULL, WINDOW(ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl),       \
                  TL_LINEAR, 0.0f);                                                            \
    add_hash(y, OUT);                                                                          \
    some_zeros(d, OUT);                                                                        \
    tl_conv2d_backward_f32(dx, x, d, w, u, b, RATE,                                            \
                           WINDOW(ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl), 0);         \
    add_hash(dx, IN), add_hash(u, W), add_hash(b, oc);                                         \
    tl_conv2d_backward_f32(NULL, x, d, w, w, b, RATE,                                          \
                           WINDOW(ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl), 0);         \
    add_hash(w, W), add_hash(b, oc);                                                           \
    tl_conv2d_backward_f32(dx, x, d, w, w, b, RATE,                                            \
                           WINDOW(ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl), 1);         \
    add_hash(dx, IN), add_hash(w, W), add_hash(b, oc);                                         \
    end();                                                                                     \
  }

CONV(first_valid, TL_RELU, 12, 12, 1, 5, 5, 8, 3, 3, 2, 2, 0, 0)
CONV(first_same, TL_RELU, 9, 7, 1, 9, 7, 8, 3, 3, 1, 1, 1, 1)
CONV(first_same_odd, TL_SIGMOID, 6, 6, 1, 3, 3, 5, 3, 3, 2, 2, 0, 0)
CONV(first_twelve, TL_TANH, 7, 7, 1, 5, 5, 12, 3, 3, 1, 1, 0, 0)
CONV(second_valid, TL_RELU, 9, 9, 8, 4, 4, 16, 3, 3, 2, 2, 0, 0)
CONV(second_same, TL_LEAKY_RELU, 6, 6, 8, 6, 6, 6, 3, 3, 1, 1, 1, 1)
CONV(same_stride, TL_RELU, 7, 8, 16, 4, 4, 7, 3, 3, 2, 2, 1, 0)
CONV(rgb, TL_RELU, 8, 8, 3, 6, 6, 4, 3, 3, 1, 1, 0, 0)
CONV(rgb_same, TL_RELU6, 5, 6, 3, 5, 6, 3, 3, 3, 1, 1, 1, 1)
CONV(nine_channels, TL_RELU, 5, 5, 9, 5, 5, 5, 3, 3, 1, 1, 1, 1)
CONV(five_five, TL_RELU, 9, 9, 2, 5, 5, 3, 5, 5, 1, 1, 0, 0)
CONV(pointwise, TL_RELU, 4, 5, 17, 4, 5, 9, 1, 1, 1, 1, 0, 0)
CONV(pointwise_24, TL_LINEAR, 3, 3, 24, 3, 3, 2, 1, 1, 1, 1, 0, 0)
CONV(line, TL_RELU, 1, 21, 6, 1, 9, 4, 1, 5, 1, 2, 0, 0)
CONV(line_same, TL_RELU, 1, 16, 3, 1, 8, 10, 1, 4, 1, 2, 0, 1)
CONV(whole, TL_RELU, 3, 4, 5, 1, 1, 3, 3, 4, 1, 1, 0, 0)
CONV(wide_kernel, TL_RELU, 3, 3, 2, 3, 3, 2, 5, 5, 1, 1, 2, 2)

#define DEPTHWISE(name, act, ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl)                 \
  static NOINLINE void depthwise_##name(void) {                                              \
    enum { IN = (ih) * (iw) * (ic), OUT = (oh) * (ow) * (oc), W = (kh) * (kw) * (oc) };      \
    float *x = take(IN), *w = take(W), *b = take(oc), *y = take(OUT);                        \
    float *u = take(W), *d = take(OUT), *dx = take(IN);                                      \
    begin("depthwise " #name " " #act);                                                      \
    tl_depthwise_conv2d_f32(                                                                 \
        y, x, w, b, WINDOW(ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl), act, 0.1f);      \
    add_hash(y, OUT);                                                                        \
    tl_depthwise_conv2d_backward_f32(                                                        \
        dx, x, d, w, u, b, RATE, WINDOW(ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl), 0); \
    add_hash(dx, IN), add_hash(u, W), add_hash(b, oc);                                       \
    tl_depthwise_conv2d_backward_f32(                                                        \
        dx, x, d, w, w, b, RATE, WINDOW(ih, iw, ic, oh, ow, oc, kh, kw, sh, sw, pt, pl), 1); \
    add_hash(dx, IN), add_hash(w, W), add_hash(b, oc);                                       \
    end();                                                                                   \
  }

DEPTHWISE(valid, TL_RELU, 7, 7, 8, 5, 5, 8, 3, 3, 1, 1, 0, 0)
DEPTHWISE(same, TL_RELU6, 6, 5, 5, 3, 3, 5, 3, 3, 2, 2, 0, 1)
DEPTHWISE(multiplier, TL_RELU, 5, 5, 3, 5, 5, 6, 3, 3, 1, 1, 1, 1)

#define POOL(name, ih, iw, c, oh, ow, kh, kw, sh, sw, pt, pl)                                  \
  static NOINLINE void pool_##name(void) {                                                     \
    enum { IN = (ih) * (iw) * (c), OUT = (oh) * (ow) * (c) };                                  \
    float *x = take(IN), *y = take(OUT), *dx = take(IN);                                       \
    begin("pool " #name);                                                                      \
    tl_max_pool_f32(y, x, WINDOW(ih, iw, c, oh, ow, c, kh, kw, sh, sw, pt, pl));               \
    add_hash(y, OUT);                                                                          \
    tl_max_pool_backward_f32(dx, y, x, WINDOW(ih, iw, c, oh, ow, c, kh, kw, sh, sw, pt, pl));  \
    add_hash(dx, IN);                                                                          \
    tl_average_pool_f32(y, x, WINDOW(ih, iw, c, oh, ow, c, kh, kw, sh, sw, pt, pl));           \
    add_hash(y, OUT);                                                                          \
    tl_average_pool_backward_f32(dx, y, WINDOW(ih, iw, c, oh, ow, c, kh, kw, sh, sw, pt, pl)); \
    add_hash(dx, IN);                                                                          \
    tl_global_average_pool_f32(y, x, (ih) * (iw), c);                                          \
    add_hash(y, c);                                                                            \
    tl_global_average_pool_backward_f32(dx, y, (ih) * (iw), c);                                \
    add_hash(dx, IN);                                                                          \
    end();                                                                                     \
  }

POOL(valid, 6, 6, 8, 3, 3, 2, 2, 2, 2, 0, 0)
POOL(same, 5, 7, 3, 3, 4, 3, 3, 2, 2, 1, 1)
POOL(overlapping, 6, 5, 11, 4, 3, 3, 3, 1, 1, 0, 0)

static NOINLINE void activations(void) {
  enum { N = 37 };
  float *x = take(N), *y = take(N), *d = take(N);
  int act;
  begin("activations");
  x[3] = __builtin_nanf(""), x[5] = -0.0f, x[8] = __builtin_inff(), x[9] = -x[8];
  x[33] = -x[3], x[34] = -0.0f;
  for (act = TL_LINEAR; act <= TL_TANH; act++) {
    tl_activation_f32(y, x, N, act, 0.25f), add_hash(y, N);
    tl_activation_backward_f32(y, d, y, N, act, 0.25f), add_hash(y, N);
  }
  tl_activation_f32(y, x, N, TL_RELU, 0.0f), add_hash(y, N);
  tl_activation_backward_f32(y, d, y, N, TL_RELU, 0.0f), add_hash(y, N);
  tl_softmax_f32(y, d, 1, N), add_hash(y, N);
  tl_softmax_backward_f32(y, d, y, 1, N), add_hash(y, N);
  end();
}

static NOINLINE void element_wise(void) {
  enum { N = 21 };
  float *x = take(N), *y = take(N), *v = take(N), *padded = take(9 * 3 * 7),
        *stats = take(2 * N + 1);
  begin("element-wise");
  tl_add_f32(y, x, v, N, TL_RELU, 0.0f), add_hash(y, N);
  tl_accumulate_f32(y, x, N), tl_scale_f32(y, 0.9f, N), add_hash(y, N);
  tl_accumulate_scaled_f32(y, v, -0.3f, N), add_hash(y, N);
  tl_scale_shift_f32(y, x, v, v + 7, 3, 7, TL_TANH, 0.0f), add_hash(y, N);
  tl_scale_shift_backward_f32(y, x, v, 3, 7), add_hash(y, N);
  tl_zero_pad_f32(padded, x, (tl_padding_t){1, 7, 3, 1, 1, 2, 0}), add_hash(padded, 9 * 3 * 3);
  tl_zero_pad_backward_f32(y, padded, (tl_padding_t){1, 7, 3, 1, 1, 2, 0}), add_hash(y, N);
  tl_concat_part_f32(padded, x, 7, 3, 9, 4), add_hash(padded, 63);
  tl_concat_part_backward_f32(y, padded, 7, 3, 9, 4), add_hash(y, N);
  tl_fill_f32(stats, 0.0f, 2 * N + 1);
  tl_standardize_f32(y, x, stats, N, 1, 1e-3f), add_hash(y, N);
  tl_standardize_f32(y, v, stats, N, 1, 1e-3f), add_hash(y, N);
  tl_standardize_backward_f32(y, v, stats, N, 1e-3f), add_hash(y, N),
      add_hash(stats, 2 * N + 1);
  tl_squared_error_f32(y, x, v, N), tl_copy_f32(y + 1, v, N - 1), add_hash(y, N);
  y[0] = (float)tl_bounded_f32(x, N), add_hash(y, 1);
  x[11] = __builtin_nanf(""), y[0] = (float)tl_bounded_f32(x, N), add_hash(y, 1);
  end();
}

static NOINLINE void losses(void) {
  enum { N = 11 };
  float *z = take(N), *t = take(N), *d = take(N + 1);
  begin("losses");
  d[N] = tl_mse_f32(d, z, t, N), add_hash(d, N + 1);
  d[N] = tl_mse_label_f32(d, z, 4, N), add_hash(d, N + 1);
  d[N] = tl_softmax_cross_entropy_f32(d, z, t, N), add_hash(d, N + 1);
  d[N] = tl_softmax_cross_entropy_label_f32(d, z, 4, N), add_hash(d, N + 1);
  d[N] = tl_sigmoid_cross_entropy_f32(d, z, t, N), add_hash(d, N + 1);
  d[N] = tl_sigmoid_cross_entropy_label_f32(d, z, 4, N), add_hash(d, N + 1);
  d[1] = tl_sigmoid_cross_entropy_label_f32(d, z, 1, 1), add_hash(d, 2);
  end();
}

static NOINLINE void maths(void) {
  float *y = take(5);
  uint32_t i;
  begin("maths");
  for (i = 0; i < 2048; i++) { /* every exponent, both signs */
    const float x = tl_from_bits(i * 0x00200000u + (i * 2654435761u >> 12));
    y[0] = tl_expf(x), y[1] = tl_logf(x), y[2] = tl_tanhf(x), y[3] = tl_sigmoidf(x);
    y[4] = tl_sqrtf(x);
    add_hash(y, 5);
  }
  end();
}

int main(void) {
  dense_1_1(), dense_1_13(), dense_1_32(), dense_3_5(), dense_7_8(), dense_8_4(), dense_9_3();
  dense_15_2(), dense_16_7(), dense_17_10(), dense_24_6(), dense_31_9(), dense_32_1();
  dense_40_4(), dense_64_32(), dense_72_11();
  conv_first_valid(), conv_first_same(), conv_first_same_odd(), conv_first_twelve();
  conv_second_valid(), conv_second_same(), conv_same_stride(), conv_rgb(), conv_rgb_same();
  conv_nine_channels(), conv_five_five(), conv_pointwise(), conv_pointwise_24(), conv_line();
  conv_line_same(), conv_whole(), conv_wide_kernel();
  depthwise_valid(), depthwise_same(), depthwise_multiplier();
  pool_valid(), pool_same(), pool_overlapping();
  activations(), element_wise(), losses(), maths();
  return finish();
}
