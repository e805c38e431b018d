/* binary_f32.h: sums, differences and products of two tensors, of which the second may repeat
 * along any axes, and their gradients. */
#ifndef TL_BINARY_F32_H
#define TL_BINARY_F32_H

#include <stddef.h>

#include "activation_f32.h"

enum { TL_ADD = 0, TL_SUBTRACT = 1, TL_SUBTRACT_FROM = 2, TL_MULTIPLY = 3 };

TL_INLINE float tl_combined(float a, float b, int how) {
  switch (how) {
    case TL_SUBTRACT:
      return a - b;
    case TL_SUBTRACT_FROM:
      return b - a;
    case TL_MULTIPLY:
      return a * b;
    default:
      return a + b;
  }
}

/* y = act(a combined with b); y may be a where a does not repeat. */
TL_INLINE void tl_binary_f32(float *y, const float *a, const float *b, tl_broadcast_t s,
                             int how, int act, float alpha) {
  int i, j, k;
  for (i = 0; i < s.n0; i++) {
    for (j = 0; j < s.n1; j++) {
      const float *ap = a + i * s.a0 + j * s.a1, *bp = b + i * s.b0 + j * s.b1;
      for (k = 0; k < s.n2; k++)
        *y++ = tl_activate(tl_combined(ap[k * s.a2], bp[k * s.b2], how), act, alpha);
    }
  }
}

/* dx[n] = sum over all places that an element of x repeats at: dy times the other factor, or
 * sign * dy where other is NULL. a_ steps in dx, b_ in other. dx overlaps nothing. */
TL_INLINE void tl_binary_backward_f32(float *dx, const float *dy, const float *other,
                                      tl_broadcast_t s, int n, float sign) {
  int i, j, k;
  tl_fill_f32(dx, 0.0f, n);
  for (i = 0; i < s.n0; i++) {
    for (j = 0; j < s.n1; j++) {
      float *to = dx + i * s.a0 + j * s.a1;
      const int at = i * s.b0 + j * s.b1;
      for (k = 0; k < s.n2; k++, dy++) {
        const float factor = other != NULL ? other[at + k * s.b2] : sign;
        to[k * s.a2] = TL_FMA(*dy, factor, to[k * s.a2]);
      }
    }
  }
}

#endif
