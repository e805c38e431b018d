/* loss_softmax_cross_entropy_f32.h: cross-entropy of softmax(z) from the logits z, and its
 * gradient. With top = max z: loss = (top - z[label]) + log1p(sum of exp(z - top) over the
 * others), two terms >= 0, so that a small loss keeps its digits. d may be z. */
#ifndef TL_LOSS_SOFTMAX_CROSS_ENTROPY_F32_H
#define TL_LOSS_SOFTMAX_CROSS_ENTROPY_F32_H

#include <stdint.h>

#include "tl_math.h"

/* Index of the largest of z[n]. */
TL_SHARED int tl_argmax_f32(const float *z, int n) {
  float top = z[0];
  int i, best = 0;
  for (i = 1; i < n; i++) {
    if (z[i] > top) {
      top = z[i];
      best = i;
    }
  }
  return best;
}

/* d = exp(z - top) for `count` logits; returns their sum. */
TL_INLINE float tl_exponentials_part_f32(float *d, const float *z, float top, int count) {
  float sum = 0.0f;
  int i;
  for (i = 0; i < count; i++) {
    d[i] = tl_expf(z[i] - top);
    sum += d[i];
  }
  return sum;
}

/* d = exp(z - z[best]); returns the sum of all but d[best], which is 1. */
TL_SHARED float tl_exponentials_f32(float *d, const float *z, int best, int n) {
  const float top = z[best];
  const float before = tl_exponentials_part_f32(d, z, top, best);
  const float after = tl_exponentials_part_f32(d + best + 1, z + best + 1, top, n - best - 1);
  d[best] = 1.0f;
  return before + after;
}

/* Returns -sum(t log(softmax(z))); d[n] = softmax(z) sum(t) - t. */
TL_INLINE float tl_softmax_cross_entropy_f32(float *d, const float *z, const float *t, int n) {
  const int best = tl_argmax_f32(z, n);
  const float top = z[best];
  float loss = 0.0f, weight = 0.0f, others, k;
  int i;
  for (i = 0; i < n; i++) {
    weight += t[i];
    loss = TL_FMA(t[i], top - z[i], loss);
  }
  others = tl_exponentials_f32(d, z, best, n);
  k = weight / (1.0f + others);
  for (i = 0; i < n; i++) d[i] = TL_FMA(d[i], k, -t[i]);
  return TL_FMA(weight, tl_log1pf(others), loss);
}

/* The same with t = 1 at `label` (< n) and 0 elsewhere. */
TL_INLINE float tl_softmax_cross_entropy_label_f32(float *d, const float *z, uint32_t label,
                                                   int n) {
  const int best = tl_argmax_f32(z, n);
  const float loss = z[best] - z[label];
  const float others = tl_exponentials_f32(d, z, best, n);
  const float k = 1.0f / (1.0f + others);
  const float hit = TL_FMA(d[label], k, -1.0f);
  int i;
  for (i = 0; i < n; i++) d[i] *= k;
  d[label] = hit;
  return loss + tl_log1pf(others);
}

#endif
