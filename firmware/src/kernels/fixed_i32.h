/* fixed_i32.h: fixed-point exp and ln, and steps that are rounded at random, for learning in
 * integers. Rounding at random lets steps below one unit count on average (Gupta et al. 2015,
 * "Deep Learning with Limited Numerical Precision"). */
#ifndef TL_FIXED_I32_H
#define TL_FIXED_I32_H

#include <stdint.h>
#include <string.h>

#include "tl_inline.h"

/* Sums stay below 2^29 and what is added to them below 2^28, so that differences fit. */
#define TL_MOST_I32 ((int32_t)1 << 28)

TL_INLINE int32_t tl_clamp_i32(int32_t v, int32_t most) {
  return v > most ? most : v < -most ? -most : v;
}

/* v * 2^left, halves up, within the limit above. */
TL_INLINE int32_t tl_shifted_i32(int32_t v, int32_t left) {
  if (left < 0) {
    if (left < -30) return 0;
    return (v + ((int32_t)1 << (-left - 1))) >> -left;
  }
  if (left > 28) left = 28;
  return tl_clamp_i32(v, TL_MOST_I32 >> left) * ((int32_t)1 << left);
}

/* exp(-gap / 256) in Q15 for a gap of 0 to 4095: a factor for the quarters, one for the rest.
 */
TL_INLINE int32_t tl_exp_q15(int32_t gap) {
  static const uint16_t quarters[64] = {
      32768, 25520, 19875, 15479, 12055, 9388, 7312, 5694, 4435, 3454, 2690, 2095, 1631,
      1271,  990,   771,   600,   467,   364,  283,  221,  172,  134,  104,  81,   63,
      49,    38,    30,    23,    18,    14,   11,   9,    7,    5,    4,    3,    2,
      2,     1,     1,     1,     1,     1,    0,    0,    0,    0,    0,    0,    0,
      0,     0,     0,     0,     0,     0,    0,    0,    0,    0,    0,    0};
  static const uint16_t rests[64] = {
      32768, 32640, 32513, 32386, 32260, 32134, 32009, 31884, 31760, 31636, 31513, 31390, 31267,
      31146, 31024, 30903, 30783, 30663, 30543, 30424, 30305, 30187, 30070, 29952, 29836, 29719,
      29603, 29488, 29373, 29259, 29144, 29031, 28918, 28805, 28693, 28581, 28469, 28358, 28248,
      28138, 28028, 27919, 27810, 27701, 27593, 27486, 27379, 27272, 27166, 27060, 26954, 26849,
      26744, 26640, 26536, 26433, 26330, 26227, 26125, 26023, 25922, 25821, 25720, 25620};
  return (int32_t)(((uint32_t)quarters[gap >> 6] * rests[gap & 63] + 16384u) >> 15);
}

/* ln(v / 2^15) in Q12 for v > 0: its highest bit, and a straight line between 65 places. */
TL_INLINE int32_t tl_ln_q12(uint32_t v) {
  static const uint16_t places[65] = {
      0,    64,   126,  188,  248,  308,  367,  425,  482,  539,  595,  650,  704,
      757,  810,  862,  914,  965,  1015, 1065, 1114, 1162, 1210, 1258, 1304, 1351,
      1396, 1442, 1486, 1531, 1575, 1618, 1661, 1703, 1745, 1787, 1828, 1869, 1909,
      1949, 1989, 2028, 2067, 2105, 2143, 2181, 2218, 2255, 2292, 2329, 2365, 2400,
      2436, 2471, 2506, 2541, 2575, 2609, 2642, 2676, 2709, 2742, 2775, 2807, 2839};
  int bits = 0;
  uint32_t rest;
  int32_t low;
  while (bits < 32 && v >> bits) bits++;
  rest = (v << (32 - bits) << 1) >> 16; /* behind the highest bit, Q16 */
  low = places[rest >> 10];
  low += ((places[(rest >> 10) + 1] - low) * (int32_t)(rest & 1023)) >> 10;
  return low + (bits - 16) * 2839; /* ln 2 in Q12 */
}

/* 2^exponent, within what a float can hold. */
TL_INLINE float tl_pow2_f32(int32_t exponent) {
  const int32_t e = exponent < -126 ? -126 : exponent > 127 ? 127 : exponent;
  const uint32_t bits = (uint32_t)(e + 127) << 23;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* The nearest integer, halves away from zero, within the limit above. */
TL_INLINE int32_t tl_nearest_i32(float v) {
  if (v >= (float)TL_MOST_I32) return TL_MOST_I32;
  if (v <= -(float)TL_MOST_I32) return -TL_MOST_I32;
  return (int32_t)(v < 0.0f ? v - 0.5f : v + 0.5f);
}

/* The next of a sequence of random words; the high bits are the good ones (Numerical Recipes,
 * section 7.1.1). */
TL_INLINE uint32_t tl_next_u32(uint32_t random) { return random * 1664525u + 1013904223u; }

/* What a random word grows by from one weight of a row to the next: 2^32 times the golden
 * ratio. From a random start, each of the words is as likely as any other. */
#define TL_GOLDEN_U32 0x9e3779b9u

/* v / 2^shift, up or down at random so that the mean is right; shift from 1 to 30. */
TL_INLINE int32_t tl_random_round_i32(int32_t v, int shift, uint32_t random) {
  return (v + (int32_t)(random >> (32 - shift))) >> shift;
}

/* A step of the optimiser: factor / 2^shift times a value. */
typedef struct {
  int32_t factor;
  int shift;
} tl_step_t;

/* factor * 2^exponent with a shift from 1 to 30. A step beyond that is cut to `most`. */
TL_INLINE tl_step_t tl_step_i32(int32_t factor, int32_t exponent, int32_t most) {
  tl_step_t step;
  if (exponent < -30) {
    step.factor = tl_shifted_i32(factor, exponent + 30);
    step.shift = 30;
  } else if (exponent > -1) {
    step.factor = tl_clamp_i32(tl_shifted_i32(factor, exponent + 1), most);
    step.shift = 1;
  } else {
    step.factor = factor;
    step.shift = (int)-exponent;
  }
  return step;
}

/* A learning rate as a mantissa of 8 bits and an exponent. */
typedef struct {
  int32_t mantissa, exponent;
} tl_rate_t;

TL_INLINE tl_rate_t tl_rate_i32(float rate) {
  tl_rate_t r = {0, 0};
  uint32_t bits;
  if (!(rate > 0.0f)) return r;
  memcpy(&bits, &rate, sizeof bits);
  r.mantissa = (int32_t)((((bits & 0x7fffffu) | 0x800000u) + 0x8000u) >> 16);
  r.exponent = (int32_t)(bits >> 23) - 127 - 7;
  return r;
}

#endif
