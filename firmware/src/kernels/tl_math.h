/* tl_math.h: exp, log, log1p, tanh, sigmoid and square root in float32 alone, without libm.
 * The same source on every core; results depend on TL_USE_FMA only. Bounds on the error, in
 * units in the last place, are held by the test suite: expf and logf 2, tanhf and sigmoidf 4.
 * Polynomials: S. L. Moshier, Cephes Mathematical Library (single precision), 1984-2000. */
#ifndef TL_MATH_H
#define TL_MATH_H

#include <stdint.h>

#include "tl_fma.h"

typedef union {
  float value;
  uint32_t bits;
} tl_float_bits_t;

TL_INLINE uint32_t tl_bits(float x) {
  tl_float_bits_t u;
  u.value = x;
  return u.bits;
}

TL_INLINE float tl_from_bits(uint32_t bits) {
  tl_float_bits_t u;
  u.bits = bits;
  return u.value;
}

/* 1 where x is neither infinite nor NaN. Reads the exponent, so holds under -ffast-math. */
TL_INLINE int tl_is_finite(float x) { return (tl_bits(x) & 0x7f800000u) != 0x7f800000u; }

/* 2^n for -126 <= n <= 127. */
TL_INLINE float tl_power_of_two(int n) { return tl_from_bits((uint32_t)(n + 127) << 23); }

/* exp(x) / 2^n with n = round(x / ln 2), and n + 1.5 * 2^23 as the bits of *shifted: adding
 * 1.5 * 2^23 leaves the nearest integer in the low bits (not under -ffast-math). */
TL_INLINE float tl_exp_reduced(float x, float *shifted) {
  const float t = TL_FMA(x, 1.44269504f, 12582912.0f);
  const float n = t - 12582912.0f;
  float r = TL_FMA(n, -0.693359375f, x); /* exact: the constant has 10 bits */
  float p = 1.9875691500e-4f;
  r = TL_FMA(n, 2.12194440e-4f, r);
  p = TL_FMA(p, r, 1.3981999507e-3f);
  p = TL_FMA(p, r, 8.3334519073e-3f);
  p = TL_FMA(p, r, 4.1665795894e-2f);
  p = TL_FMA(p, r, 1.6666665459e-1f);
  p = TL_FMA(p, r, 5.0000001201e-1f);
  *shifted = t;
  return TL_FMA(p, r * r, r) + 1.0f;
}

/* y * 2^n where 2^n alone may be out of range. A subnormal result is rounded once. */
TL_INLINE float tl_scaled_twice(float y, int n) {
  const int half = n / 2;
  return y * tl_power_of_two(half) * tl_power_of_two(n - half);
}

/* e^x. */
TL_SHARED float tl_expf(float x) {
  const int far = (tl_bits(x) & 0x7fffffffu) > 0x42ae0000u; /* |x| > 87, or NaN */
  float shifted, y;
  int n;
  if (far && !(x >= -104.0f && x <= 88.7228394f))
    return x < 0.0f ? 0.0f : x + tl_from_bits(0x7f800000u);
  y = tl_exp_reduced(x, &shifted);
  n = (int)((int32_t)tl_bits(shifted) - 0x4b400000);
  if (n < -126 || n > 126) return tl_scaled_twice(y, n);
  return y * tl_power_of_two(n);
}

/* log(1 + f) - f + f^2 / 2 for 1 + f in [sqrt(1/2), sqrt(2)]. */
TL_INLINE float tl_log_tail(float f) {
  float p = 7.0376836292e-2f;
  p = TL_FMA(p, f, -1.1514610310e-1f);
  p = TL_FMA(p, f, 1.1676998740e-1f);
  p = TL_FMA(p, f, -1.2420140846e-1f);
  p = TL_FMA(p, f, 1.4249322787e-1f);
  p = TL_FMA(p, f, -1.6668057665e-1f);
  p = TL_FMA(p, f, 2.0000714765e-1f);
  p = TL_FMA(p, f, -2.4999993993e-1f);
  p = TL_FMA(p, f, 3.3333331174e-1f);
  return p * f * (f * f);
}

/* Natural logarithm: -infinity at 0, NaN below. */
TL_SHARED float tl_logf(float x) {
  uint32_t bits = tl_bits(x);
  int n = 0;
  float f, tail;
  if (x != x || bits == 0x7f800000u) return x;
  if (x <= 0.0f) return tl_from_bits(x == 0.0f ? 0xff800000u : 0x7fc00000u);
  if (bits < 0x00800000u) { /* subnormal: scale by 2^23 */
    bits = tl_bits(x * 8388608.0f);
    n = -23;
  }
  bits -= 0x3f3504f3u; /* sqrt(1/2) */
  n += (int)(bits >> 23) - (bits >> 31 ? 512 : 0);
  f = tl_from_bits((bits & 0x007fffffu) + 0x3f3504f3u) - 1.0f;
  tail = TL_FMA((float)n, -2.12194440e-4f, tl_log_tail(f));
  tail = TL_FMA(-0.5f * f, f, tail);
  return TL_FMA((float)n, 0.693359375f, f + tail);
}

/* log(1 + x) for x >= 0, without losing small x (W. Kahan's correction). */
TL_INLINE float tl_log1pf(float x) {
  const float w = 1.0f + x;
  if (w == 1.0f) return x;
  return tl_rounded(tl_logf(w) * (x / (w - 1.0f)));
}

/* 1 / (1 + e^-x). */
TL_SHARED float tl_sigmoidf(float x) {
  const float e = tl_expf(x < 0.0f ? x : -x);
  return (x < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* Hyperbolic tangent. */
TL_SHARED float tl_tanhf(float x) {
  const float a = x < 0.0f ? -x : x;
  float p, z;
  if (a > 0.625f) {
    z = a > 9.1f ? 1.0f : 1.0f - 2.0f / (tl_expf(a + a) + 1.0f);
    return x < 0.0f ? -z : z;
  }
  z = x * x;
  if (!(z > 0.0f)) return x; /* keeps the sign of zero */
  p = -5.70498872745e-3f;
  p = TL_FMA(p, z, 2.06390887954e-2f);
  p = TL_FMA(p, z, -5.37397155531e-2f);
  p = TL_FMA(p, z, 1.33314422036e-1f);
  p = TL_FMA(p, z, -3.33332819422e-1f);
  return TL_FMA(p * z, x, x);
}

/* Square root of a normal or subnormal x > 0, bit by bit: 24 bits, round to nearest. */
TL_SHARED float tl_sqrtf_by_bits(float x) {
  uint32_t mantissa, root = 0, bit;
  uint32_t rest = 0;
  int exponent = 0;
  int i;
  if (tl_bits(x) < 0x00800000u) {
    x *= 16777216.0f; /* 2^24 */
    exponent = -24;
  }
  exponent += (int)(tl_bits(x) >> 23) - 127;
  mantissa = (tl_bits(x) & 0x007fffffu) | 0x00800000u;
  if (exponent & 1) mantissa <<= 1;
  exponent = (exponent - (exponent & 1)) / 2;
  mantissa <<= 7; /* 2 integer bits, then the fraction: pairs of bits from the top */
  for (i = 0; i < 25; i++) {
    rest = (rest << 2) | (mantissa >> 30);
    mantissa <<= 2;
    bit = (root << 2) | 1u;
    root <<= 1;
    if (rest >= bit) {
      rest -= bit;
      root |= 1u;
    }
  }
  root = (root + 1u) >> 1; /* 25 bits: the last one rounds; a tie cannot occur */
  return tl_from_bits((uint32_t)(exponent + 126) * 0x00800000u + root);
}

/* Correctly rounded square root; NaN below zero. */
TL_INLINE float tl_sqrtf(float x) {
#if defined(__arm__) && defined(__ARM_FP) && (__ARM_FP & 4) && defined(__GNUC__)
  __asm__("vsqrt.f32 %0, %1" : "=t"(x) : "t"(x));
  return x;
#elif defined(__SSE__) && defined(__GNUC__)
  __asm__("sqrtss %1, %0" : "=x"(x) : "x"(x));
  return x;
#elif defined(__riscv_flen) && defined(__GNUC__)
  __asm__("fsqrt.s %0, %1" : "=f"(x) : "f"(x));
  return x;
#else
  if (x != x || x == 0.0f || tl_bits(x) == 0x7f800000u) return x;
  return x < 0.0f ? tl_from_bits(0x7fc00000u) : tl_sqrtf_by_bits(x);
#endif
}

#endif
