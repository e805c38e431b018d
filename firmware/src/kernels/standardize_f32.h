/* standardize_f32.h: running mean and variance of a vector, element by element, and the
 * vector in units of them (B. P. Welford, Technometrics 4(3), 1962). Elements far out are
 * winsorized, that is moved to a limit (P. J. Huber, Robust Statistics, Wiley 1981, 1.7): one
 * absurd sample then neither ruins the statistics nor what learns behind them. */
#ifndef TL_STANDARDIZE_F32_H
#define TL_STANDARDIZE_F32_H

#include "tl_math.h"

/* The limit in standard deviations, and the samples after which it holds. */
#define TL_STANDARDIZE_LIMIT 16.0f
/* Samples remembered: 2^16. With many more, float32 rounds what one sample adds to 0. */
#define TL_STANDARDIZE_MEMORY 65536.0f

/* 1 / sqrt(var + eps), or 1 while fewer than two samples were seen. */
TL_INLINE float tl_standardize_scale(float count, float m2, float eps) {
  return count < 2.0f ? 1.0f : 1.0f / tl_sqrtf(m2 / count + eps);
}

/* d, at most limit in size; NaN stays NaN. */
TL_INLINE float tl_limited(float d, float limit) {
  return d > limit ? limit : d < -limit ? -limit : d;
}

/* Takes x in as sample number count, or leaves it out where its square is not finite. With
 * the memory full each sample takes the place of an average one: m2 stays count * variance.
 * eps keeps the limit above 0, so that a constant feature may begin to vary. */
TL_INLINE void tl_standardize_take_in(float *mean, float *m2, float x, float count, float eps) {
  const float var = *m2 / count;
  const float kept = count < TL_STANDARDIZE_MEMORY ? *m2 : *m2 - var;
  const float far = TL_STANDARDIZE_LIMIT * TL_STANDARDIZE_LIMIT * (var + eps);
  float d = x - *mean;
  if (count > TL_STANDARDIZE_LIMIT && d * d > far) d = tl_limited(d, tl_sqrtf(far));
  if (!tl_is_finite(TL_FMA(d, d, kept))) return;
  *mean += d / count;
  *m2 = TL_FMA(d, d - d / count, kept);
}

/* y[n] = (x - mean) / sqrt(var + eps), y = x - mean while count < 2; y may be x. Past 16
 * samples -16 <= y <= 16. stats = count, mean[n], m2[n], with var = m2 / count.
 * update != 0: x is taken in first. */
TL_INLINE void tl_standardize_f32(float *y, const float *x, float *stats, int n, int update,
                                  float eps) {
  float *mean = stats + 1;
  float *m2 = mean + n;
  int i;
  if (update && stats[0] < TL_STANDARDIZE_MEMORY) stats[0] += 1.0f;
  for (i = 0; i < n; i++) {
    if (update) tl_standardize_take_in(mean + i, m2 + i, x[i], stats[0], eps);
    y[i] = (x[i] - mean[i]) * tl_standardize_scale(stats[0], m2[i], eps);
    if (stats[0] > TL_STANDARDIZE_LIMIT) y[i] = tl_limited(y[i], TL_STANDARDIZE_LIMIT);
  }
}

/* dx = dy / sqrt(var + eps), the statistics taken as constants, also where y is at its limit
 * (straight through: Y. Bengio et al., arXiv:1308.3432); dx may be dy. */
TL_INLINE void tl_standardize_backward_f32(float *dx, const float *dy, const float *stats,
                                           int n, float eps) {
  const float *m2 = stats + 1 + n;
  int i;
  for (i = 0; i < n; i++) dx[i] = dy[i] * tl_standardize_scale(stats[0], m2[i], eps);
}

#endif
