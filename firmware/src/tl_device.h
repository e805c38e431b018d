/* tl_device.h: what a generated project gives the device program (main.c, the host twin).
 * NAME_device.c defines `tl_device` and the memory that it points to:
 *
 *   static NAME_t state;
 *   static float input[NAME_INPUTS], output[NAME_OUTPUTS];
 *   static float target[NAME_OUTPUTS];              only where the model learns
 *   static uint32_t labels[MAX_CLASSES];            only where max_classes > 0
 *   static uint32_t snapshot[WEIGHTS_BYTES / 4];    only where the guard was asked for
 *   static const tl_learner_config_t learner = TL_LEARNER_DEFAULTS;
 *   const tl_device_t tl_device = {&NAME_model, &state, input, output, target, &learner,
 *                                  labels, snapshot};
 *
 * What is left out is NULL. The outputs of predict() and observe() must be probabilities for
 * TL_LOSS_CATEGORICAL and TL_LOSS_BINARY: the learner takes the loss from them when it tests
 * without learning. */
#ifndef TL_DEVICE_H
#define TL_DEVICE_H

#include "tinylearn.h"
#include "tl_learner.h"

typedef struct {
  const tl_model_t *model;
  void *state;
  float *input;  /* model->inputs */
  float *output; /* model->outputs */
  float *target; /* model->outputs, or NULL */
  const tl_learner_config_t *learner;
  uint32_t *labels; /* model->max_classes, or NULL */
  void *snapshot;   /* model->weights_bytes, or NULL */
} tl_device_t;

extern const tl_device_t tl_device;

#endif
