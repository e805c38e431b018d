/* conv_reach.h: which windows an input lies in, along one axis: what its gradient is gathered
 * from. */
#ifndef TL_CONV_REACH_H
#define TL_CONV_REACH_H

#include "tl_inline.h"

/* Window `position` - j holds the input as its tap `tap` + j * stride, for j < count. */
typedef struct {
  int tap, position, count;
} tl_reach_t;

TL_INLINE tl_reach_t tl_reach(int at, int pad, int k, int stride, int out) {
  tl_reach_t r;
  int taps;
  r.position = (at + pad) / stride;
  r.tap = (at + pad) % stride;
  if (r.position >= out) {
    r.tap += (r.position - out + 1) * stride;
    r.position = out - 1;
  }
  taps = r.tap < k ? (k - r.tap + stride - 1) / stride : 0;
  r.count = taps < r.position + 1 ? taps : r.position + 1;
  return r;
}

#endif
