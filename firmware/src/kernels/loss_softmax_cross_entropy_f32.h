/* loss_softmax_cross_entropy_f32.h: cross-entropy of softmax(z) from the logits z, and its
 * gradient. With top = max z: loss = (top - z[label]) + log1p(sum of exp(z - top) over the
 * others), two terms >= 0, so that a small loss keeps its digits. d may be z. */
#ifndef TL_LOSS_SOFTMAX_CROSS_ENTROPY_F32_H
#define TL_LOSS_SOFTMAX_CROSS_ENTROPY_F32_H

#include "tl_math.h"

TL_INLINE int tl_argmax_f32(const float *z, int n) {
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

/* d = exp(z - z[best]); returns the sum of all but d[best], which is 1. */
TL_INLINE float tl_exponentials_f32(float *d, const float *z, int best, int n) {
  const float top = z[best];
  float others = 0.0f;
  int i;
  for (i = 0; i < n; i++) {
    const int other = i != best || top != top; /* NaN has to reach the sum */
    d[i] = other ? tl_expf(z[i] - top) : 1.0f;
    if (other) others += d[i];
  }
  return others;
}

/* Returns -sum(t log(softmax(z))); d[n] = softmax(z) sum(t) - t. */
TL_INLINE float tl_softmax_cross_entropy_f32(float *d, const float *z, const float *t, int n) {
  const int best = tl_argmax_f32(z, n);
  float loss = 0.0f, weight = 0.0f, others, k;
  int i;
  for (i = 0; i < n; i++) {
    weight += t[i];
    if (t[i] != 0.0f) loss = TL_FMA(t[i], z[best] - z[i], loss);
  }
  others = tl_exponentials_f32(d, z, best, n);
  k = weight / (1.0f + others);
  for (i = 0; i < n; i++) d[i] = TL_FMA(d[i], k, -t[i]);
  return TL_FMA(weight, tl_log1pf(others), loss);
}

/* The same with t = 1 at `label` (< n) and 0 elsewhere. */
TL_INLINE float tl_softmax_cross_entropy_label_f32(float *d, const float *z, unsigned label,
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
