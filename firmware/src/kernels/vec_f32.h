/* vec_f32.h: the inner loops that all kernels are written over, in portable C.
 * vec_vfp.h replaces them by inline assembly with the same bits: each sum runs in the order
 * of the plain loop, starting from the value given, one TL_FMA a term.
 * No loop reads or writes past the n given; counts are >= 0. */
#ifndef TL_VEC_F32_H
#define TL_VEC_F32_H

#include <stddef.h>

#include "tl_math.h"

/* Positions of a convolution's output, as steps in floats between neighbours. */
typedef struct {
  int rows, cols;
  int x_row, x_col; /* in the input */
  int d_row, d_col; /* in the output's gradient */
} tl_sweep_t;

/* What dot products run over: rows of `taps` contiguous floats, x_row apart in the input and
 * w_row apart in a filter; filters are `filter` floats apart. A dense layer has one row. */
typedef struct {
  int rows, taps, x_row, w_row, filter;
} tl_patch_t;

/* d where y > 0, else 0, by the sign of -y: no comparison of floats. y is never -0. */
TL_INLINE float tl_masked(float d, float y) { return (0u - tl_bits(y)) >> 31 ? d : 0.0f; }

#if TL_USE_VFP && defined(__OPTIMIZE__) /* the literals must fold */
#include "vec_vfp.h"
#else

TL_INLINE void tl_fill_f32(float *y, float value, int n) {
  int i;
  for (i = 0; i < n; i++) y[i] = value;
}

TL_INLINE void tl_copy_f32(float *y, const float *x, int n) {
  int i;
  for (i = 0; i < n; i++) y[i] = x[i];
}

/* acc + sum of squares of x. */
TL_INLINE float tl_sum_squares_f32(float acc, const float *x, int n) {
  int i;
  for (i = 0; i < n; i++) acc = TL_FMA(x[i], x[i], acc);
  return acc;
}

/* y[i] += k * x[i]. */
TL_INLINE void tl_accumulate_scaled_f32(float *y, const float *x, float k, int n) {
  int i;
  for (i = 0; i < n; i++) y[i] = TL_FMA(k, x[i], y[i]);
}

/* y[i] = b[i] + k * w[i]. */
TL_INLINE void tl_multiply_add_f32(float *y, const float *w, const float *b, float k, int n) {
  int i;
  for (i = 0; i < n; i++) y[i] = TL_FMA(k, w[i], b[i]);
}

/* y[i] = max(x[i], 0), +0 for -0, NaN for NaN; y may be x. */
TL_INLINE void tl_relu_f32(float *y, const float *x, int n) {
  int i;
  for (i = 0; i < n; i++) y[i] = x[i] <= 0.0f ? 0.0f : x[i];
}

/* dx[i] = y[i] > 0 ? d[i] : 0, for y = max(..., 0); dx may be d or y. */
TL_INLINE void tl_relu_mask_f32(float *dx, const float *d, const float *y, int n) {
  int i;
  for (i = 0; i < n; i++) dx[i] = tl_masked(d[i], y[i]);
}

/* Two filters of tl_patch_f32. */
TL_INLINE void tl_patch_pair_f32(float *y, const float *x, const float *w, const float *b,
                                 tl_patch_t p) {
  const float *w1 = w + p.filter;
  float a0 = b != NULL ? b[0] : 0.0f, a1 = b != NULL ? b[1] : 0.0f;
  int ky, i;
  for (ky = 0; ky < p.rows; ky++, x += p.x_row, w += p.w_row, w1 += p.w_row) {
    for (i = 0; i < p.taps; i++) {
      a0 = TL_FMA(w[i], x[i], a0);
      a1 = TL_FMA(w1[i], x[i], a1);
    }
  }
  y[0] = a0;
  y[1] = a1;
}

/* One filter. */
TL_INLINE void tl_patch_one_f32(float *y, const float *x, const float *w, const float *b,
                                tl_patch_t p) {
  float a = b != NULL ? b[0] : 0.0f;
  int ky, i;
  for (ky = 0; ky < p.rows; ky++, x += p.x_row, w += p.w_row)
    for (i = 0; i < p.taps; i++) a = TL_FMA(w[i], x[i], a);
  y[0] = a;
}

/* y[f] = b[f] + sum over the patch of w[f * filter + ...] * x[...] for any number of
 * filters, through max(..., 0) if relu. b may be NULL; y overlaps nothing. */
TL_INLINE void tl_patch_f32(float *y, const float *x, const float *w, const float *b,
                            tl_patch_t p, int filters, int relu) {
  int f;
  for (f = 0; f + 2 <= filters; f += 2)
    tl_patch_pair_f32(y + f, x, w + f * p.filter, b != NULL ? b + f : NULL, p);
  if (f < filters) tl_patch_one_f32(y + f, x, w + f * p.filter, b != NULL ? b + f : NULL, p);
  if (relu) tl_relu_f32(y, y, filters);
}

/* sums[c] = sum over positions p of d[p * step + c], for n <= 8 columns. */
TL_INLINE void tl_column_sums_f32(float sums[8], const float *d, int positions, int step,
                                  int n) {
  int p, c;
  for (c = 0; c < n; c++) sums[c] = 0.0f;
  for (p = 0; p < positions; p++, d += step)
    for (c = 0; c < n; c++) sums[c] += d[c];
}

/* g[i] += sum_r d[r] * w[r * stride + i]: gradient with respect to the input of rows. */
TL_INLINE void tl_rows_gradient_f32(float *g, const float *w, const float *d, int rows,
                                    int stride, int n, int skip) {
  int r, i;
  for (r = 0; r < rows; r++, w += stride) {
    if (skip && d[r] == 0.0f) continue;
    for (i = 0; i < n; i++) g[i] = TL_FMA(d[r], w[i], g[i]);
  }
}

/* u[r * stride + i] += (s * d[r]) * x[i]. */
TL_INLINE void tl_rows_update_f32(float *u, const float *x, const float *d, float s, int rows,
                                  int stride, int n, int skip) {
  int r;
  for (r = 0; r < rows; r++, u += stride)
    if (!(skip && d[r] == 0.0f)) tl_accumulate_scaled_f32(u, x, s * d[r], n);
}

/* u[o] += (s * d[o]) * x: the update of a layer with one input. */
TL_INLINE void tl_single_update_f32(float *u, const float *d, float s, float x, int n) {
  int o;
  for (o = 0; o < n; o++) u[o] = TL_FMA(s * d[o], x, u[o]);
}

/* Both at once for n <= 8 inputs, on the weights themselves; dx may be x. */
TL_INLINE void tl_rows_learn_slice_f32(float *dx, const float *x, float *w, const float *d,
                                       float s, int rows, int stride, int n, int skip) {
  float g[8], held[8];
  int r, i;
  for (i = 0; i < n; i++) {
    held[i] = x[i];
    g[i] = 0.0f;
  }
  for (r = 0; r < rows; r++, w += stride) {
    if (skip && d[r] == 0.0f) continue;
    for (i = 0; i < n; i++) {
      g[i] = TL_FMA(d[r], w[i], g[i]);
      w[i] = TL_FMA(s * d[r], held[i], w[i]);
    }
  }
  for (i = 0; i < n; i++) dx[i] = g[i];
}

/* dx[i] = sum_r d[r] * w[r * stride + i], then w[r * stride + i] += (s * d[r]) * x[i]. */
TL_INLINE void tl_rows_learn_f32(float *dx, const float *x, float *w, const float *d, float s,
                                 int rows, int stride, int n, int skip) {
  int i;
  for (i = 0; i + 8 <= n; i += 8)
    tl_rows_learn_slice_f32(dx + i, x + i, w + i, d, s, rows, stride, 8, skip);
  if (i < n) tl_rows_learn_slice_f32(dx + i, x + i, w + i, d, s, rows, stride, n - i, skip);
}

/* acc[c] += sum over positions p of d[p][c] * x[p][c]. */
TL_INLINE void tl_channel_products_f32(float *acc, const float *x, const float *d, tl_sweep_t p,
                                       int n) {
  int row, col, c;
  for (row = 0; row < p.rows; row++)
    for (col = 0; col < p.cols; col++)
      for (c = 0; c < n; c++)
        acc[c] = TL_FMA(d[row * p.d_row + col * p.d_col + c],
                        x[row * p.x_row + col * p.x_col + c], acc[c]);
}

/* x[p][c] += k[c] * d[p][c]. */
TL_INLINE void tl_channel_spread_f32(float *x, const float *d, const float *k, tl_sweep_t p,
                                     int n) {
  int row, col, c;
  for (row = 0; row < p.rows; row++) {
    for (col = 0; col < p.cols; col++) {
      float *at = x + row * p.x_row + col * p.x_col;
      const float *by = d + row * p.d_row + col * p.d_col;
      for (c = 0; c < n; c++) at[c] = TL_FMA(k[c], by[c], at[c]);
    }
  }
}

/* u[i] += s * sum over positions p of d[p] * x[p][i], for n <= 8 taps. */
TL_INLINE void tl_taps_slice_f32(float *u, const float *x, const float *d, float s,
                                 tl_sweep_t p, int n, int skip) {
  float g[8] = {0};
  int row, col, i;
  for (row = 0; row < p.rows; row++) {
    const float *xp = x + row * p.x_row;
    const float *dp = d + row * p.d_row;
    for (col = 0; col < p.cols; col++, xp += p.x_col, dp += p.d_col) {
      if (skip && *dp == 0.0f) continue;
      for (i = 0; i < n; i++) g[i] = TL_FMA(*dp, xp[i], g[i]);
    }
  }
  tl_accumulate_scaled_f32(u, g, s, n);
}

/* The same for the n contiguous taps of each of several filters, stride floats apart in u
 * and neighbours in d. */
TL_INLINE void tl_taps_update_f32(float *u, const float *x, const float *d, float s,
                                  tl_sweep_t p, int filters, int stride, int n, int skip) {
  int f, i;
  for (f = 0; f < filters; f++, u += stride) {
    for (i = 0; i + 8 <= n; i += 8) tl_taps_slice_f32(u + i, x + i, d + f, s, p, 8, skip);
    if (i < n) tl_taps_slice_f32(u + i, x + i, d + f, s, p, n - i, skip);
  }
}

#endif
#endif
