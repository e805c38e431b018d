/* dense_chain_f32.h: backward pass of a dense layer through the activation before it, in the
 * place of its own input: no second buffer for the gradient. */
#ifndef TL_DENSE_CHAIN_F32_H
#define TL_DENSE_CHAIN_F32_H

#include "dense_f32.h"

enum { TL_CHAIN_COLUMNS = 16 }; /* inputs remembered on the stack at a time */

/* As tl_dense_backward_f32 with dx wanted, and dx[i] *= act'(x[i]), x being the output of
 * the activation `act`. dx may be x. */
TL_INLINE void tl_dense_backward_chain_f32(float *dx, const float *x, const float *dy,
                                           const float *w, float *uw, float *ub, float s,
                                           int n_in, int n_out, int skip, int act,
                                           float alpha) {
  float before[TL_CHAIN_COLUMNS];
  int at;
  if (uw != NULL && ub != NULL) tl_accumulate_scaled_f32(ub, dy, s, n_out);
  for (at = 0; at < n_in; at += TL_CHAIN_COLUMNS) {
    const int n = n_in - at < TL_CHAIN_COLUMNS ? n_in - at : TL_CHAIN_COLUMNS;
    tl_copy_f32(before, x + at, n);
    tl_dense_columns_f32(dx + at, x + at, dy, w + at, uw == NULL ? NULL : uw + at, s, n, n_in,
                         n_out, skip);
    tl_activation_backward_f32(dx + at, dx + at, before, n, act, alpha);
  }
}

#endif
