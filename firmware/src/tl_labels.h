/* tl_labels.h: which label each output of a model stands for. */
#ifndef TL_LABELS_H
#define TL_LABELS_H

#include <stdint.h>

#define TL_NO_OUTPUT (-1)

/* Labels are any uint32; output i stands for label[i]. */
typedef struct {
  uint32_t *label; /* the caller's memory, `most` entries; NULL: output i is label i */
  uint32_t count;  /* entries in use */
  uint32_t most;
} tl_labels_t;

/* The first `count` outputs stand for the labels 0, 1, 2, ... */
void tl_labels_init(tl_labels_t *labels, uint32_t *memory, uint32_t count, uint32_t most);

/* Output of a label, or TL_NO_OUTPUT. */
int32_t tl_labels_find(const tl_labels_t *labels, uint32_t label);

/* Give the next output to a label that has none. Returns it, or TL_NO_OUTPUT where full. */
int32_t tl_labels_add(tl_labels_t *labels, uint32_t label);

/* Label of an output that is in use. */
uint32_t tl_labels_of(const tl_labels_t *labels, uint32_t output);

#endif
