/* refused_f32.h: what a learning step returns for a sample that it did not learn from. */
#ifndef TL_REFUSED_F32_H
#define TL_REFUSED_F32_H

#include "tl_math.h"

/* A quiet NaN, without <math.h>. */
TL_INLINE float tl_refused_f32(void) { return tl_from_bits(0x7fc00000u); }

#endif
