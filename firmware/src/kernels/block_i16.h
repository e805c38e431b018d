/* block_i16.h: blocks. A block is an array of integers v with one exponent e: each stands for
 * v * 2^e (Wang et al. 2020, "NITI"). Sums and gradients are blocks of int16. */
#ifndef TL_BLOCK_I16_H
#define TL_BLOCK_I16_H

#include "fixed_i32.h"

/* Gradients are kept in this many bits, so that products with them fit 32. */
#define TL_DELTA_BITS 12

/* An exponent within what a byte holds. */
TL_INLINE int8_t tl_exponent_i8(int32_t e) { return (int8_t)tl_clamp_i32(e, 127); }

/* An exponent that is left out is 0. */
TL_INLINE int32_t tl_exponent_or_0(const int8_t *e) { return e ? *e : 0; }

/* Bits that a value needs beside its sign. */
TL_INLINE uint32_t tl_magnitude_i32(int32_t v) { return (uint32_t)(v ^ (v >> 31)); }

/* By how much values must be shifted right to have at most so many bits; all: their magnitudes,
 * ORed. */
TL_INLINE int tl_right_shift_u32(uint32_t all, int bits) {
  int right = 0;
  for (all >>= bits; all; all >>= 1) right++;
  return right;
}

/* A block in the making: each value is stored as it comes, shifted right by what the largest so
 * far needs. Shifts that round down add up, so the order of the values does not matter. */
typedef struct {
  int16_t *v;
  int n, right;
} tl_block_t;

TL_INLINE tl_block_t tl_block_i16(int16_t *v) {
  const tl_block_t block = {v, 0, 0};
  return block;
}

TL_INLINE void tl_put_i16(tl_block_t *block, int32_t value) {
  int32_t v = value >> block->right;
  while (v != (int16_t)v) {
    int i;
    for (i = 0; i < block->n; i++) block->v[i] = (int16_t)(block->v[i] >> 1);
    v >>= 1;
    block->right++;
  }
  block->v[block->n++] = (int16_t)v;
}

/* Shortens a block in place, halves up; returns what its exponent grows by. */
TL_INLINE int32_t tl_shorten_i16(int16_t *v, int n, int bits) {
  uint32_t all = 0;
  int i, right;
  for (i = 0; i < n; i++) all |= tl_magnitude_i32(v[i]);
  right = tl_right_shift_u32(all, bits);
  if (right == 0) return 0;
  for (i = 0; i < n; i++) v[i] = (int16_t)tl_shifted_i32(v[i], -right);
  return right;
}

/* Ends a gradient: 12 bits; returns what its exponent grows by in all. */
TL_INLINE int32_t tl_end_gradient_i16(const tl_block_t *block) {
  return block->right + tl_shorten_i16(block->v, block->n, TL_DELTA_BITS);
}

#endif
