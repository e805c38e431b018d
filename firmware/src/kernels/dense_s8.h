/* dense_s8.h: fully connected int8 layer. w is [n_out][n_in], q [n_out][3] (see quant_s8.h). */
#ifndef TL_DENSE_S8_H
#define TL_DENSE_S8_H

#include "dot_s8.h"

/* y = clamp(requantize(w x + bias) + zero). y does not overlap x. */
TL_INLINE void tl_dense_s8(int8_t *y, const int8_t *x, const TL_FLASH int8_t *w,
                           const TL_FLASH int32_t *q, int n_in, int n_out, int w_zero,
                           tl_out_s8_t out) {
  tl_rows_s8(y, x, w, q, n_in, n_out, w_zero, out);
}

#endif
