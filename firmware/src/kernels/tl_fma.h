/* tl_fma.h: the one way in which kernels multiply and add: TL_FMA(a, b, c) = a * b + c.
 * With TL_USE_FMA the result is rounded once. Without it the product is rounded before the
 * sum, also where the compiler would be free to fuse them (GCC's default outside of
 * -std=c99), so that a core without FMA and its host twin give the same bits. */
#ifndef TL_FMA_H
#define TL_FMA_H

#include "tl_config.h"
#include "tl_inline.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

/* Hides a product from the compiler's contraction, at no instruction's cost. Only needed
 * where the target has an FMA instruction that GCC could pick (__FP_FAST_FMAF). Products that
 * leave a kernel through memory are not hidden: build with -ffp-contract=off as well. */
TL_INLINE float tl_rounded(float product) {
#if defined(__FP_FAST_FMAF) && defined(__GNUC__) && !defined(__clang__)
#if defined(__arm__)
  __asm__("" : "+t"(product));
#elif defined(__aarch64__)
  __asm__("" : "+w"(product));
#elif defined(__x86_64__) || defined(__i386__)
  __asm__("" : "+x"(product));
#elif defined(__riscv)
  __asm__("" : "+f"(product));
#else
  __asm__("" : "+m"(product));
#endif
#endif
  return product;
}

TL_INLINE float tl_fma(float a, float b, float c) {
#if TL_USE_FMA
  return __builtin_fmaf(a, b, c);
#else
  return tl_rounded(a * b) + tl_rounded(c);
#endif
}

#define TL_FMA(a, b, c) tl_fma((a), (b), (c))

#endif
