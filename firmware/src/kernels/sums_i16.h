/* sums_i16.h: a layer's sums with its biases, as a block. A layer without bias has b NULL. */
#ifndef TL_SUMS_I16_H
#define TL_SUMS_I16_H

#include "block_i16.h"
#include "dot_i8.h"

/* The block, the sums' exponent, and by how much biases are shifted left to meet them. */
typedef struct {
  tl_block_t block;
  const int16_t *b;
  int32_t exponent, left;
} tl_layer_sums_t;

TL_INLINE tl_layer_sums_t tl_begin_sums_i16(int16_t *z, const int8_t *x_exp,
                                            const int8_t *w_exp, const int16_t *b,
                                            const int8_t *b_exp) {
  tl_layer_sums_t sums;
  sums.block = tl_block_i16(z);
  sums.b = b;
  sums.exponent = tl_exponent_or_0(x_exp) + *w_exp;
  sums.left = tl_exponent_or_0(b_exp) - sums.exponent;
  return sums;
}

/* The sum of output o. */
TL_INLINE void tl_put_sum_i16(tl_layer_sums_t *sums, int32_t sum, int o) {
  if (sums->b) sum += tl_shifted_i32(sums->b[o], sums->left);
  tl_put_i16(&sums->block, sum);
}

/* Those of outputs o .. o + 3. */
TL_INLINE void tl_put_sums4_i16(tl_layer_sums_t *sums, tl_sums_t s, int o) {
  tl_put_sum_i16(sums, s.a, o);
  tl_put_sum_i16(sums, s.b, o + 1);
  tl_put_sum_i16(sums, s.c, o + 2);
  tl_put_sum_i16(sums, s.d, o + 3);
}

TL_INLINE int8_t tl_end_sums_i16(const tl_layer_sums_t *sums) {
  return tl_exponent_i8(sums->exponent + sums->block.right);
}

#endif
