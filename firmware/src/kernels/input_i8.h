/* input_i8.h: float32 inputs as a block of int8 with one exponent, without a floating-point
 * operation: from the floats' own exponents and significands. */
#ifndef TL_INPUT_I8_H
#define TL_INPUT_I8_H

#include <stdint.h>
#include <string.h>

#include "tl_inline.h"

/* Exponent field and significand of |x|, in one word. */
TL_INLINE uint32_t tl_magnitude_bits(const float *x) {
  uint32_t bits;
  memcpy(&bits, x, sizeof bits);
  return bits & 0x7fffffffu;
}

/* The nearest q with |x| = q * 2^(exponent of the block), halves up, at most 127; right: by how
 * much the significand's 24 bits are too many. */
TL_INLINE int32_t tl_short_magnitude(uint32_t bits, int32_t right) {
  const uint32_t significand = (bits & 0x7fffffu) | 0x800000u;
  const uint32_t q = right > 24 ? 0 : (significand + ((uint32_t)1 << (right - 1))) >> right;
  return q > 127 ? 127 : (int32_t)q;
}

/* The least exponent field of a block's largest input: below, the exponent would not fit a
 * byte. */
#define TL_LEAST_FIELD 6

/* q[n] and its exponent, such that the largest |q| has 7 bits. Blocks below 2^-121 count as 0.
 */
TL_INLINE void tl_input_i8(int8_t *q, int8_t *q_exp, const float *x, int n) {
  uint32_t largest = (uint32_t)TL_LEAST_FIELD << 23;
  int i;
  for (i = 0; i < n; i++) {
    const uint32_t bits = tl_magnitude_bits(x + i);
    if (bits > largest) largest = bits;
  }
  largest >>= 23;
  for (i = 0; i < n; i++) {
    const uint32_t bits = tl_magnitude_bits(x + i);
    const int32_t right = 17 + (int32_t)(largest - (bits >> 23));
    const int32_t size = bits >> 23 ? tl_short_magnitude(bits, right) : 0;
    uint32_t sign;
    memcpy(&sign, x + i, sizeof sign);
    q[i] = (int8_t)(sign >> 31 ? -size : size);
  }
  *q_exp = (int8_t)((int32_t)largest - 133);
}

#endif
