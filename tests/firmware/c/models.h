/* models.h: two small hand-written models for testing the runtime.
 * softmax_model: softmax regression whose classes open at run time, with one running
 * statistic (how often observe() was called). linear_model: linear regression, MSE. */
#ifndef MODELS_H
#define MODELS_H

#include "tinylearn.h"

enum { INPUTS = 6, MAX_CLASSES = 5, OUTPUTS = 2 };

typedef struct {
  float w[MAX_CLASSES][INPUTS], b[MAX_CLASSES], observed;
  float p[MAX_CLASSES], rate;
  uint32_t classes;
} softmax_t;

typedef struct {
  float w[OUTPUTS][INPUTS], b[OUTPUTS];
  float y[OUTPUTS], rate;
} linear_t;

extern const tl_model_t softmax_model, linear_model;

#endif
