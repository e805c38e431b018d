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
TL_INLINE int tl_axis_clips(int in, int out, int k, int stride, int pad, int gap) {
  return pad > 0 || (out - 1) * stride - pad + (k - 1) * (gap + 1) + 1 > in;
}

TL_INLINE int tl_window_clips_h(tl_window_t s) {
  return tl_axis_clips(s.in_h, s.out_h, s.k_h, s.stride_h, s.pad_top, s.gap_h);
}

TL_INLINE int tl_window_clips_w(tl_window_t s) {
  return tl_axis_clips(s.in_w, s.out_w, s.k_w, s.stride_w, s.pad_left, s.gap_w);
}

/* Taps inside the input of the window that starts at `at` (negative in the padding). */
TL_INLINE tl_range_t tl_taps_inside(int at, int k, int in, int gap) {
  tl_range_t r;
  r.first = at < 0 ? (gap - at) / (gap + 1) : 0;
  r.end = at + (k - 1) * (gap + 1) + 1 > in ? (in - at + gap) / (gap + 1) : k;
  if (r.first > r.end) r.first = r.end = 0;
  return r;
}

/* Output positions for which a tap, t inputs after the first, lies inside the input. */
TL_INLINE tl_range_t tl_positions_inside(int t, int in, int out, int stride, int pad) {
  tl_range_t r;
  const int last = in - 1 + pad - t; /* greatest position * stride */
  r.first = t < pad ? (pad - t + stride - 1) / stride : 0;
  r.end = last < 0 ? 0 : last / stride + 1;
  if (r.end > out) r.end = out;
  if (r.first > r.end) r.first = r.end = 0;
  return r;
}

/* Output rows and columns for which tap ky or kx lies inside the input. */
TL_INLINE tl_range_t tl_tap_rows(tl_window_t s, int ky) {
  return tl_positions_inside(ky * (s.gap_h + 1), s.in_h, s.out_h, s.stride_h, s.pad_top);
}

TL_INLINE tl_range_t tl_tap_cols(tl_window_t s, int kx) {
  return tl_positions_inside(kx * (s.gap_w + 1), s.in_w, s.out_w, s.stride_w, s.pad_left);
}

/* Both ranges of the window at output (oy, ox); constants where nothing clips. */
TL_INLINE tl_range_t tl_window_rows(tl_window_t s, int oy) {
  const tl_range_t all = {0, s.k_h};
  return tl_window_clips_h(s)
             ? tl_taps_inside(oy * s.stride_h - s.pad_top, s.k_h, s.in_h, s.gap_h)
             : all;
}

TL_INLINE tl_range_t tl_window_cols(tl_window_t s, int ox) {
  const tl_range_t all = {0, s.k_w};
  return tl_window_clips_w(s)
             ? tl_taps_inside(ox * s.stride_w - s.pad_left, s.k_w, s.in_w, s.gap_w)
             : all;
}

/* Offset, in elements, of the input under tap (ky, kx) from that under tap (0, 0). */
TL_INLINE int tl_tap_offset(tl_window_t s, int ky, int kx) {
  return (ky * (s.gap_h + 1) * s.in_w + kx * (s.gap_w + 1)) * s.in_c;
}

/* Offset, in elements, of the input under tap (ky, kx) of the window at (oy, ox). */
TL_INLINE int tl_window_input(tl_window_t s, int oy, int ox, int ky, int kx) {
  const int iy = oy * s.stride_h - s.pad_top + ky * (s.gap_h + 1);
  const int ix = ox * s.stride_w - s.pad_left + kx * (s.gap_w + 1);
  return (iy * s.in_w + ix) * s.in_c;
}

#endif
