/* tl_loss.h: loss and error of a prediction, without learning. */
#ifndef TL_LOSS_H
#define TL_LOSS_H

#include <stdint.h>

#include "tinylearn.h"

/* What a sample should give: the class `output`, or where t is not NULL the n values of t. */
typedef struct {
  const float *t;
  int32_t output; /* < 0 where t counts */
} tl_truth_t;

/* Loss of the outputs y[n] (probabilities but for TL_LOSS_MSE) under one of tl_loss_t. A
 * probability of 0 counts as 2^-126. Agrees with the model's own loss within rounding. */
float tl_loss_of(uint8_t loss, const float *y, uint32_t n, tl_truth_t truth);

/* Classes that n outputs tell apart: one output of TL_LOSS_BINARY stands for two. */
uint32_t tl_classes_of(uint8_t loss, uint32_t n);

/* Index of the class predicted by y[n]: the largest, or the side of 1/2 of an output that
 * stands for two. -1 where n is 0 or no value is comparable (NaN). */
int32_t tl_predicted(uint8_t loss, const float *y, uint32_t n);

/* Error of y[n]: 0 or 1 for classes; mean absolute error for targets of TL_LOSS_MSE; share of
 * the outputs on the wrong side of 1/2 for targets of TL_LOSS_BINARY. */
float tl_error_of(uint8_t loss, const float *y, uint32_t n, tl_truth_t truth);

#endif
