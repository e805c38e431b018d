/* guard_f32.h: refuses inputs that would poison the weights. */
#ifndef TL_GUARD_F32_H
#define TL_GUARD_F32_H

#include "tl_math.h"
#include "vec_f32.h"

/* 1 where the sum of squares of x[n] is finite: no NaN, no infinity, no |x| above 1.8e19. */
TL_INLINE int tl_bounded_f32(const float *x, int n) {
  return tl_is_finite(tl_sum_squares_f32(0.0f, x, n));
}

/* 1 where no x[n] is NaN or infinite; by bits, which a core without FPU is fast at. */
TL_INLINE int tl_all_finite_f32(const float *x, int n) {
  int i;
  for (i = 0; i < n; i++)
    if (!tl_is_finite(x[i])) return 0;
  return 1;
}

/* What a learning step returns for a sample that it did not learn from: a quiet NaN. */
TL_INLINE float tl_refused_f32(void) { return tl_from_bits(0x7fc00000u); }

#endif
