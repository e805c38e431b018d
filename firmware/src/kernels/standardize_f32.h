/* standardize_f32.h: running mean and variance of a vector, element by element, and the
 * vector in units of them (B. P. Welford, Technometrics 4(3), 1962). */
#ifndef TL_STANDARDIZE_F32_H
#define TL_STANDARDIZE_F32_H

#include "tl_math.h"

/* 1 / sqrt(var + eps), or 1 while fewer than two samples were seen. */
TL_INLINE float tl_standardize_scale(float count, float m2, float eps) {
  return count < 2.0f ? 1.0f : 1.0f / tl_sqrtf(m2 / count + eps);
}

/* y[n] = (x - mean) / sqrt(var + eps), y = x - mean while count < 2; y may be x.
 * stats = count, mean[n], m2[n], with var = m2 / count. update != 0: x is taken in first.
 * The count stops at 2^24, where float32 ends: from there old samples fade slowly. */
TL_INLINE void tl_standardize_f32(float *y, const float *x, float *stats, int n, int update,
                                  float eps) {
  float *mean = stats + 1;
  float *m2 = mean + n;
  int i;
  if (update) stats[0] += 1.0f;
  for (i = 0; i < n; i++) {
    if (update) {
      const float before = x[i] - mean[i];
      mean[i] += before / stats[0];
      m2[i] = TL_FMA(before, x[i] - mean[i], m2[i]);
    }
    y[i] = (x[i] - mean[i]) * tl_standardize_scale(stats[0], m2[i], eps);
  }
}

/* dx = dy / sqrt(var + eps), the statistics taken as constants; dx may be dy. */
TL_INLINE void tl_standardize_backward_f32(float *dx, const float *dy, const float *stats,
                                           int n, float eps) {
  const float *m2 = stats + 1 + n;
  int i;
  for (i = 0; i < n; i++) dx[i] = dy[i] * tl_standardize_scale(stats[0], m2[i], eps);
}

#endif
