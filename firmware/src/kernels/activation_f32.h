/* activation_f32.h: element-wise activations and their gradients, taken from the output.
 * NaN stays NaN. */
#ifndef TL_ACTIVATION_F32_H
#define TL_ACTIVATION_F32_H

#include "tl_math.h"
#include "tl_shapes.h"
#include "vec_f32.h"

/* act(v); the literal act leaves one case. ReLU gives +0 for -0, so that the sign bit of -y
 * tells where y > 0. */
TL_INLINE float tl_activate(float v, int act, float alpha) {
  switch (act) {
    case TL_RELU:
      return v <= 0.0f ? 0.0f : v;
    case TL_RELU6:
      return v < 0.0f ? 0.0f : (v > 6.0f ? 6.0f : v);
    case TL_LEAKY_RELU:
      return v < 0.0f ? alpha * v : v;
    case TL_SIGMOID:
      return tl_sigmoidf(v);
    case TL_TANH:
      return tl_tanhf(v);
    case TL_RELU_N1_TO_1:
      return v < -1.0f ? -1.0f : (v > 1.0f ? 1.0f : v);
    case TL_RELU_0_TO_1:
      return v < 0.0f ? 0.0f : (v > 1.0f ? 1.0f : v);
    default:
      return v;
  }
}

/* d * act'(v), from y = act(v). */
TL_INLINE float tl_activation_gradient(float d, float y, int act, float alpha) {
  switch (act) {
    case TL_RELU:
      return tl_masked(d, y);
    case TL_RELU6:
      return y > 0.0f && y < 6.0f ? d : 0.0f;
    case TL_LEAKY_RELU:
      return y > 0.0f ? d : alpha * d;
    case TL_SIGMOID:
      return d * (y * (1.0f - y));
    case TL_TANH:
      return d * TL_FMA(-y, y, 1.0f);
    case TL_RELU_N1_TO_1:
      return y > -1.0f && y < 1.0f ? d : 0.0f;
    case TL_RELU_0_TO_1:
      return y > 0.0f && y < 1.0f ? d : 0.0f;
    default:
      return d;
  }
}

/* y[n] = act(x[n]); y may be x. */
TL_INLINE void tl_activation_f32(float *y, const float *x, int n, int act, float alpha) {
  int i;
  if (act == TL_RELU) {
    tl_relu_f32(y, x, n);
    return;
  }
  for (i = 0; i < n; i++) y[i] = tl_activate(x[i], act, alpha);
}

/* The same in place, for outputs that have been through ReLU if that is the activation. */
TL_INLINE void tl_finish_activation_f32(float *y, int n, int act, float alpha) {
  if (act != TL_LINEAR && act != TL_RELU) tl_activation_f32(y, y, n, act, alpha);
}

/* dx[n] = dy[n] * act'; dx may be dy. */
TL_INLINE void tl_activation_backward_f32(float *dx, const float *dy, const float *y, int n,
                                          int act, float alpha) {
  int i;
  if (act == TL_RELU) {
    tl_relu_mask_f32(dx, dy, y, n);
    return;
  }
  for (i = 0; i < n; i++) dx[i] = tl_activation_gradient(dy[i], y[i], act, alpha);
}

#endif
