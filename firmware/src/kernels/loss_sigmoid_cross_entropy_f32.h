/* loss_sigmoid_cross_entropy_f32.h: binary cross-entropy of sigmoid(z) from the logits z, and
 * its gradient: max(z, 0) - z t + log1p(exp(-|z|)) an output. d may be z. */
#ifndef TL_LOSS_SIGMOID_CROSS_ENTROPY_F32_H
#define TL_LOSS_SIGMOID_CROSS_ENTROPY_F32_H

#include <stdint.h>

#include "tl_math.h"

/* Loss of one output; *d = sigmoid(z) - t. */
TL_INLINE float tl_sigmoid_cross_entropy_1_f32(float *d, float z, float t) {
  const float e = tl_expf(z < 0.0f ? z : -z);
  const float base = z < 0.0f ? 0.0f : z;
  *d = (z < 0.0f ? e : 1.0f) / (1.0f + e) - t;
  return TL_FMA(-z, t, base) + tl_log1pf(e);
}

/* Returns the mean over n outputs; d[n] = (sigmoid(z) - t) / n. */
TL_INLINE float tl_sigmoid_cross_entropy_f32(float *d, const float *z, const float *t, int n) {
  const float k = 1.0f / (float)n;
  float sum = 0.0f;
  int i;
  for (i = 0; i < n; i++) {
    sum += tl_sigmoid_cross_entropy_1_f32(&d[i], z[i], t[i]);
    d[i] *= k;
  }
  return sum * k;
}

/* The same with t = label where n is 1, else t = 1 at `label` and 0 elsewhere. */
TL_INLINE float tl_sigmoid_cross_entropy_label_f32(float *d, const float *z, uint32_t label,
                                                   int n) {
  const unsigned hit = n == 1 ? (label == 1u ? 0u : 1u) : label; /* index where t is 1 */
  const float k = 1.0f / (float)n;
  float sum = 0.0f;
  int i;
  for (i = 0; i < n; i++) {
    sum += tl_sigmoid_cross_entropy_1_f32(&d[i], z[i], (uint32_t)i == hit ? 1.0f : 0.0f);
    d[i] *= k;
  }
  return sum * k;
}

#endif
