/* convert_s8.h: between float32 and int8, and between int8 and uint8. */
#ifndef TL_CONVERT_S8_H
#define TL_CONVERT_S8_H

#include <stdint.h>
#include <string.h>

#include "tl_inline.h"

/* x rounded, halves away from zero, within -256 to 255; NaN is 0. */
TL_INLINE int32_t tl_round_s8(float x) {
  int32_t whole;
  float rest;
  if (!(x < 255.0f)) return x != x ? 0 : 255;
  if (!(x > -256.0f)) return -256;
  whole = (int32_t)x;
  rest = x - (float)whole;
  return rest >= 0.5f ? whole + 1 : rest <= -0.5f ? whole - 1 : whole;
}

/* y = x / scale + zero, rounded and clamped. */
TL_INLINE void tl_quantize_s8(int8_t *y, const float *x, int n, float scale, int zero) {
  int i;
  for (i = 0; i < n; i++) {
    const int32_t q = tl_round_s8(x[i] / scale) + zero;
    y[i] = (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
  }
}

/* y = scale * (x - zero). */
TL_INLINE void tl_dequantize_s8(float *y, const int8_t *x, int n, float scale, int zero) {
  int i;
  for (i = 0; i < n; i++) y[i] = scale * (float)(x[i] - zero);
}

/* y = x with its top bit turned: int8 to uint8 and back. */
TL_INLINE void tl_flip_sign_s8(void *y, const void *x, int n) {
  const uint8_t *from = (const uint8_t *)x;
  uint8_t *to = (uint8_t *)y;
  int i;
  for (i = 0; i < n; i++) to[i] = from[i] ^ 0x80u;
}

#endif
