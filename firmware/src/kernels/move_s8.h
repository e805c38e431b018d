/* move_s8.h: moving elements: padding, joining, resizing, transposing and slicing. The last
 * three take the bytes of an element, so they serve any type. */
#ifndef TL_MOVE_S8_H
#define TL_MOVE_S8_H

#include <stdint.h>
#include <string.h>

#include "tl_inline.h"
#include "tl_shapes.h"

/* y = x [in_h][in_w][in_c] with `zero` around it. */
TL_INLINE void tl_pad_s8(int8_t *y, const int8_t *x, tl_padding_t s, int zero) {
  const size_t row = (size_t)(s.in_w * s.in_c);
  const size_t left = (size_t)(s.left * s.in_c), right = (size_t)(s.right * s.in_c);
  const size_t width = left + row + right;
  int i;
  memset(y, zero, (size_t)s.top * width);
  y += (size_t)s.top * width;
  for (i = 0; i < s.in_h; i++, x += row, y += width) {
    memset(y, zero, left);
    memcpy(y + left, x, row);
    memset(y + left + row, zero, right);
  }
  memset(y, zero, (size_t)s.bottom * width);
}

/* One part of a joined tensor: `outer` blocks of n bytes, `width` apart in y. */
TL_INLINE void tl_concat_part_s8(int8_t *y, const int8_t *x, int outer, int width, int n) {
  int i;
  for (i = 0; i < outer; i++) memcpy(y + i * width, x + i * n, (size_t)n);
}

/* y = up to four parts side by side. */
TL_INLINE void tl_concat_s8(int8_t *y, int outer, int width, int parts, const int8_t *a,
                            int n_a, const int8_t *b, int n_b, const int8_t *c, int n_c,
                            const int8_t *d, int n_d) {
  tl_concat_part_s8(y, a, outer, width, n_a);
  if (parts > 1) tl_concat_part_s8(y + n_a, b, outer, width, n_b);
  if (parts > 2) tl_concat_part_s8(y + n_a + n_b, c, outer, width, n_c);
  if (parts > 3) tl_concat_part_s8(y + n_a + n_b + n_c, d, outer, width, n_d);
}

/* y[out_h][out_w] = x[rows[i]][columns[j]], pixels of `bytes` bytes. */
TL_INLINE void tl_resize_nearest(void *y, const void *x, const int32_t *rows,
                                 const int32_t *columns, int in_w, int out_h, int out_w,
                                 int bytes) {
  char *to = (char *)y;
  const char *from = (const char *)x;
  int i, j;
  for (i = 0; i < out_h; i++)
    for (j = 0; j < out_w; j++, to += bytes)
      memcpy(to, from + (rows[i] * in_w + columns[j]) * bytes, (size_t)bytes);
}

/* y[a][b][c] = x[i * step_a + j * step_b + k * step_c], elements of `bytes` bytes. */
TL_INLINE void tl_transpose(void *y, const void *x, int a, int b, int c, int step_a, int step_b,
                            int step_c, int bytes) {
  char *to = (char *)y;
  const char *from = (const char *)x;
  int i, j, k;
  for (i = 0; i < a; i++)
    for (j = 0; j < b; j++)
      for (k = 0; k < c; k++, to += bytes)
        memcpy(to, from + (i * step_a + j * step_b + k * step_c) * bytes, (size_t)bytes);
}

/* The same from element `first` of x on. */
TL_INLINE void tl_slice(void *y, const void *x, int first, int a, int b, int c, int step_a,
                        int step_b, int step_c, int bytes) {
  const char *from = (const char *)x + first * bytes;
  tl_transpose(y, from, a, b, c, step_a, step_b, step_c, bytes);
}

#endif
