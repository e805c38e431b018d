/* conv_window.h: which part of a window lies inside the input, for convolutions and pools.
 * Where a layer has no padding and fits, every answer is a constant at compile time. */
#ifndef TL_CONV_WINDOW_H
#define TL_CONV_WINDOW_H

#include "tl_inline.h"
#include "tl_shapes.h"

/* Taps first .. end - 1 of a window along one axis. */
typedef struct {
  int first, end;
} tl_range_t;

/* 1 where some window of the axis reaches outside of the input. */
TL_INLINE int tl_axis_clips(int in, int out, int k, int stride, int pad) {
  return pad > 0 || (out - 1) * stride - pad + k > in;
}

TL_INLINE int tl_window_clips_h(tl_window_t s) {
  return tl_axis_clips(s.in_h, s.out_h, s.k_h, s.stride_h, s.pad_top);
}

TL_INLINE int tl_window_clips_w(tl_window_t s) {
  return tl_axis_clips(s.in_w, s.out_w, s.k_w, s.stride_w, s.pad_left);
}

/* Taps inside the input of the window that starts at `at` (negative in the padding). */
TL_INLINE tl_range_t tl_taps_inside(int at, int k, int in) {
  tl_range_t r;
  r.first = at < 0 ? -at : 0;
  r.end = at + k > in ? in - at : k;
  if (r.first > r.end) r.first = r.end = 0;
  return r;
}

/* Output positions for which tap t lies inside the input. */
TL_INLINE tl_range_t tl_positions_inside(int t, int in, int out, int stride, int pad) {
  tl_range_t r;
  const int last = in - 1 + pad - t; /* greatest position * stride */
  r.first = t < pad ? (pad - t + stride - 1) / stride : 0;
  r.end = last < 0 ? 0 : last / stride + 1;
  if (r.end > out) r.end = out;
  if (r.first > r.end) r.first = r.end = 0;
  return r;
}

/* Both ranges of the window at output (oy, ox); constants where nothing clips. */
TL_INLINE tl_range_t tl_window_rows(tl_window_t s, int oy) {
  const tl_range_t all = {0, s.k_h};
  return tl_window_clips_h(s) ? tl_taps_inside(oy * s.stride_h - s.pad_top, s.k_h, s.in_h)
                              : all;
}

TL_INLINE tl_range_t tl_window_cols(tl_window_t s, int ox) {
  const tl_range_t all = {0, s.k_w};
  return tl_window_clips_w(s) ? tl_taps_inside(ox * s.stride_w - s.pad_left, s.k_w, s.in_w)
                              : all;
}

/* Offset, in floats, of the input under tap (ky, kx) of the window at (oy, ox). */
TL_INLINE int tl_window_input(tl_window_t s, int oy, int ox, int ky, int kx) {
  const int iy = oy * s.stride_h - s.pad_top + ky;
  const int ix = ox * s.stride_w - s.pad_left + kx;
  return (iy * s.in_w + ix) * s.in_c;
}

#endif
