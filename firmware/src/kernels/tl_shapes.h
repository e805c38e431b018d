/* tl_shapes.h: the sizes that kernels take, as named fields of one literal per call.
 * Every field is a compile-time constant at the call, so each call is specialised.
 * Layouts: activations HWC; convolution weights [out_c][k_h][k_w][in_c] (OHWI);
 * depthwise weights [k_h][k_w][out_c], output channel = in_c index * multiplier + m;
 * dense weights [n_out][n_in]. A one-dimensional layer has in_h = out_h = k_h = 1. */
#ifndef TL_SHAPES_H
#define TL_SHAPES_H

typedef struct {
  int in_h, in_w, in_c;
  int out_h, out_w, out_c;
  int k_h, k_w;
  int stride_h, stride_w;
  int pad_top, pad_left; /* implicit zeros before the first row and column */
  int gap_h, gap_w;      /* inputs left out between two taps: dilation - 1 */
} tl_window_t;           /* convolution, depthwise convolution, pooling (k = pool size) */

typedef struct {
  int in_h, in_w, in_c;
  int top, bottom, left, right;
} tl_padding_t;

/* Two tensors joined element by element: y is [n0][n1][n2], and a step of 0 repeats a or b. */
typedef struct {
  int n0, n1, n2;
  int a0, a1, a2;
  int b0, b1, b2;
} tl_broadcast_t;

/* A sum over two loops for each place of two loops: sizes and steps of those that stay (n) and
 * of those that are summed over (m). */
typedef struct {
  int n0, n0_step, n1, n1_step;
  int m0, m0_step, m1, m1_step;
} tl_reduce_t;

/* Activations that a layer can apply to its own output. */
enum {
  TL_LINEAR = 0,
  TL_RELU = 1,
  TL_RELU6 = 2,
  TL_LEAKY_RELU = 3, /* alpha: slope below zero, >= 0 */
  TL_SIGMOID = 4,
  TL_TANH = 5,
  TL_RELU_N1_TO_1 = 6, /* within -1 .. 1 */
  TL_RELU_0_TO_1 = 7
};

#endif
