/* concat_f32.h: concatenation along the last axis, one part at a time. */
#ifndef TL_CONCAT_F32_H
#define TL_CONCAT_F32_H

#include "vec_f32.h"

/* Rows of x_row floats become columns y_at .. y_at + x_row - 1 of rows of y_row floats. */
TL_INLINE void tl_concat_part_f32(float *y, const float *x, int rows, int x_row, int y_row,
                                  int y_at) {
  int r;
  for (r = 0; r < rows; r++) tl_copy_f32(y + r * y_row + y_at, x + r * x_row, x_row);
}

/* The part's gradient: the same columns of dy. */
TL_INLINE void tl_concat_part_backward_f32(float *dx, const float *dy, int rows, int x_row,
                                           int y_row, int y_at) {
  int r;
  for (r = 0; r < rows; r++) tl_copy_f32(dx + r * x_row, dy + r * y_row + y_at, x_row);
}

#endif
