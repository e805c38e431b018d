/* tl_inline.h: how kernels are compiled. TL_INLINE specialises a kernel for the literal sizes
 * of its call; TL_SHARED keeps one copy of a longer function per translation unit. */
#ifndef TL_INLINE_H
#define TL_INLINE_H

#if defined(__AVR__) /* flash is what is short there */
#define TL_INLINE static inline
#define TL_SHARED static __attribute__((noinline, unused))
#define TL_LITERAL(n) 0
#elif defined(__GNUC__)
#define TL_INLINE static inline __attribute__((always_inline))
#define TL_SHARED static __attribute__((noinline, unused))
/* 1 where n is known at compile time, after inlining. */
#define TL_LITERAL(n) __builtin_constant_p(n)
#else
#define TL_LITERAL(n) 0
#define TL_INLINE static inline
#define TL_SHARED static inline
#endif

/* Before a loop whose few passes should be written out. */
#if defined(__GNUC__) && !defined(__clang__) && !defined(__AVR__)
#define TL_UNROLL_8 _Pragma("GCC unroll 8")
#else
#define TL_UNROLL_8
#endif

#endif
