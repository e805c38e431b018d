/* quant_s8.h: from an int32 accumulator to an int8 output, as TFLite's kernels round.
 * A layer has a row of three int32 for each output channel: bias (the input's zero point folded
 * in), multiplier in Q31, and the power of two that follows. */
#ifndef TL_QUANT_S8_H
#define TL_QUANT_S8_H

#include <stdint.h>

#include "../tl_config.h"
#include "tl_inline.h"

enum {
  TL_ROUND_SINGLE = 0, /* once, halves away from zero */
  TL_ROUND_DOUBLE = 1, /* the high half, halves up; then the shift, halves away from zero */
  TL_ROUND_UPWARD = 2  /* both times halves up */
};

typedef struct {
  int32_t zero, min, max; /* of the output */
  int32_t rounding;
  int32_t
      small; /* 1 where every shift of the layer is -2 or less, and accumulators below 2^30 */
} tl_out_s8_t;

/* (a * b + 2^30) / 2^31; a is below 2^30 where `small`. */
TL_INLINE int32_t tl_high_s8(int32_t a, int32_t b, int small) {
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
  if (small) {
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(2 * a), "r"(b));
    return high;
  }
#else
  (void)small;
#endif
  return (int32_t)(((int64_t)a * b + ((int32_t)1 << 30)) >> 31);
}

/* Taking one off negative products makes halves, rounded up, go away from zero. */
TL_INLINE int32_t tl_single_s8(int32_t acc, int32_t multiplier, int32_t shift, int small) {
  const int64_t product = (int64_t)acc * multiplier - (acc < 0);
  if (small) { /* the rounding bit lies in the high word */
    const int32_t high = (int32_t)(product >> 32), right = -shift - 1;
    return (high + ((int32_t)1 << (right - 1))) >> right;
  }
  return (int32_t)((product + ((int64_t)1 << (30 - shift))) >> (31 - shift));
}

/* x / 2^right. */
TL_INLINE int32_t tl_shift_s8(int32_t x, int32_t right, int32_t rounding, int small) {
  int32_t half;
  if (!small && right == 0) return x;
  half = (int32_t)1 << (right - 1);
  if (rounding == TL_ROUND_DOUBLE) half -= x < 0;
  return (x + half) >> right;
}

/* acc * multiplier / 2^31 * 2^shift. */
TL_INLINE int32_t tl_requantize_s8(int32_t acc, int32_t multiplier, int32_t shift,
                                   int32_t rounding, int small) {
  const int32_t left = !small && shift > 0 ? shift : 0;
  if (rounding == TL_ROUND_SINGLE) return tl_single_s8(acc, multiplier, shift, small);
  acc = (int32_t)((uint32_t)acc << left);
  return tl_shift_s8(tl_high_s8(acc, multiplier, small), left - shift, rounding, small);
}

TL_INLINE int32_t tl_clamp_s8(int32_t v, int32_t low, int32_t high) {
#if defined(__ARM_FEATURE_SAT) || defined(__ARM_FEATURE_DSP)
  if (low == -128 && high == 127) {
    __asm__("ssat %0, #8, %1" : "=r"(v) : "r"(v));
    return v;
  }
#endif
  return v < low ? low : v > high ? high : v;
}

/* One output of a layer from its accumulator without bias. q: the channel's row. */
TL_INLINE int8_t tl_output_s8(int32_t acc, const TL_FLASH int32_t *q, tl_out_s8_t out) {
  const int32_t bias = q[0], multiplier = q[1], shift = q[2];
  acc = tl_requantize_s8(acc + bias, multiplier, shift, out.rounding, (int)out.small);
  return (int8_t)tl_clamp_s8(acc + out.zero, out.min, out.max);
}

#endif
