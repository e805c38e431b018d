/* tinylearn.h: the public face of the tinylearn firmware library.
 * What a generated model looks like to the learner, the weight store and the device protocol.
 * A program that only predicts and learns needs the generated <name>.h alone, not this. */
#ifndef TINYLEARN_H
#define TINYLEARN_H

#include <stddef.h>
#include <stdint.h>

#include "tl_config.h"

#define TL_HASH_BYTES 16

/* How the loss reads its target. */
typedef enum {
  TL_LOSS_NONE = 0,       /* inference only */
  TL_LOSS_MSE = 1,        /* mean over outputs of (y - t)^2 */
  TL_LOSS_BINARY = 2,     /* mean over outputs of binary cross-entropy */
  TL_LOSS_CATEGORICAL = 3 /* cross-entropy of a softmax: a label, or t summing to 1 */
} tl_loss_t;

/* What x, y and tensors are made of. x and y are never int32 or int16. */
typedef enum {
  TL_FLOAT32 = 0,
  TL_INT8 = 1,
  TL_UINT8 = 2,
  TL_INT32 = 3,
  TL_INT16 = 4
} tl_type_t;

static inline uint32_t tl_type_bytes(uint8_t type) { return type == TL_FLOAT32 ? 4 : 1; }

/* One tensor of the weights, as laid out in the weights' byte range. */
typedef struct {
  uint32_t offset;   /* bytes from the start of the weights */
  uint32_t elements; /* bits 28 to 31: their tl_type_t; below: how many */
} tl_tensor_t;

#define TL_ELEMENTS(type, count) ((uint32_t)(type) << 28 | (uint32_t)(count))

/* A generated model seen from outside: sizes and functions over a caller-owned state.
 * Generated as `const tl_model_t <name>_model`. Function pointers that the model has no use
 * for (learning in a frozen model, classes in a fixed output) are NULL. */
typedef struct {
  const char *name;
  uint8_t hash[TL_HASH_BYTES]; /* identifies architecture and weight layout, not values */
  uint32_t state_bytes;        /* sizeof the state struct */
  uint32_t inputs, outputs;    /* elements of x and y */
  uint32_t weights_bytes;      /* trainable weights and running statistics */
  const tl_tensor_t *tensors;
  uint16_t tensor_count;
  uint16_t max_classes; /* 0 where the output cannot grow */
  uint8_t loss;         /* tl_loss_t */
  /* tl_type_t. Where they are not float32, x and y below are the addresses of such elements,
   * at a float's alignment. A model that learns has float32 outputs. */
  uint8_t input_type, output_type;

  void (*init)(void *m);
  /* y = model(x). Leaves in m what update() needs. */
  void (*predict)(void *m, const float *x, float *y);
  /* As predict(), and lets running statistics (standardisation) take x in first. */
  void (*observe)(void *m, const float *x, float *y);
  /* One SGD step for the x of the last predict() or observe(). Returns the loss before the
   * step; NaN where the sample was refused (not finite), the weights then being untouched. */
  float (*update)(void *m, const float *x, const float *t);
  float (*update_label)(void *m, const float *x, uint32_t label);
  /* Forward and update in one, without the outputs that only a reader of y needs (softmax).
   * Running statistics take x in first, as in observe(). Return as update() does. */
  float (*learn)(void *m, const float *x, const float *t);
  float (*learn_label)(void *m, const float *x, uint32_t label);
  void (*set_learning_rate)(void *m, float rate);
  float (*learning_rate)(const void *m);
  /* Byte ranges of the weights. Return 0, or -1 where the range leaves the weights. */
  int (*weights_read)(const void *m, uint32_t offset, void *to, uint32_t bytes);
  int (*weights_write)(void *m, uint32_t offset, const void *from, uint32_t bytes);
  /* Outputs in use; add one (returns its index, or -1 where max_classes is reached). */
  uint32_t (*classes)(const void *m);
  int (*add_class)(void *m);
} tl_model_t;

#endif
