/* lut_s8.h: a function of one int8 value, from a table of its results. */
#ifndef TL_LUT_S8_H
#define TL_LUT_S8_H

#include <stdint.h>

#include "../tl_config.h"
#include "tl_inline.h"

/* y[i] = table[x[i] + 128]. y may be x. */
TL_INLINE void tl_lut_s8(int8_t *y, const int8_t *x, const TL_FLASH int8_t *table, int n) {
  int i;
  for (i = 0; i < n; i++) y[i] = table[x[i] + 128];
}

#endif
