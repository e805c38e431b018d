/* dense_f32.h: fully connected layer y = act(w x + b), its input gradient and SGD update in
 * one sweep over the weights. w is [n_out][n_in]. */
#ifndef TL_DENSE_F32_H
#define TL_DENSE_F32_H

#include <stddef.h>

#include "activation_f32.h"
#include "vec_f32.h"

/* y[n_out] = act(b + w x). b may be NULL. y does not overlap x. */
TL_INLINE void tl_dense_f32(float *y, const float *x, const float *w, const float *b, int n_in,
                            int n_out, int act, float alpha) {
  const tl_patch_t row = {1, n_in, n_in, n_in, n_in};
  if (n_in == 1 && b != NULL) {
    tl_multiply_add_f32(y, w, b, x[0], n_out);
    if (act == TL_RELU) tl_relu_f32(y, y, n_out);
  } else {
    tl_patch_f32(y, x, w, b, row, n_out, act == TL_RELU);
  }
  tl_finish_activation_f32(y, n_out, act, alpha);
}

/* Input gradient and update of `columns` inputs, from x, dx, w and uw on, of a layer that has
 * n_in of them. */
TL_INLINE void tl_dense_columns_f32(float *dx, const float *x, const float *dy, const float *w,
                                    float *uw, float s, int columns, int n_in, int n_out,
                                    int skip) {
  if (dx != NULL && uw == w && uw != NULL) {
    tl_rows_learn_f32(dx, x, uw, dy, s, n_out, n_in, columns, skip);
    return;
  }
  if (uw != NULL) tl_rows_update_f32(uw, x, dy, s, n_out, n_in, columns, skip);
  if (dx == NULL) return;
  tl_fill_f32(dx, 0.0f, columns);
  tl_rows_gradient_f32(dx, w, dy, n_out, n_in, columns, skip);
}

/* dx[i] = sum_o dy[o] * w[o][i] with the weights before the update; then
 * uw[o][i] += (s * dy[o]) * x[i] and ub[o] += s * dy[o].
 * dx, uw and ub may be NULL (not wanted, frozen, no bias); dx may be x, uw may be w.
 * skip: pass over outputs whose dy is exactly 0 (equal values; the sign of a zero may differ).
 */
TL_INLINE void tl_dense_backward_f32(float *dx, const float *x, const float *dy, const float *w,
                                     float *uw, float *ub, float s, int n_in, int n_out,
                                     int skip) {
  if (uw != NULL && ub != NULL) tl_accumulate_scaled_f32(ub, dy, s, n_out);
  if (uw != NULL && dx == NULL && n_in == 1)
    tl_single_update_f32(uw, dy, s, x[0], n_out);
  else
    tl_dense_columns_f32(dx, x, dy, w, uw, s, n_in, n_in, n_out, skip);
}

#endif
