/* tl_labels.c: see tl_labels.h. */
#include "tl_labels.h"

#include <stddef.h>

void tl_labels_init(tl_labels_t *labels, uint32_t *memory, uint32_t count, uint32_t most) {
  uint32_t i;
  labels->label = memory;
  labels->count = count;
  labels->most = most;
  if (memory == NULL) return;
  for (i = 0; i < count; ++i) memory[i] = i;
}

int32_t tl_labels_find(const tl_labels_t *labels, uint32_t label) {
  uint32_t i;
  if (labels->label == NULL) return label < labels->count ? (int32_t)label : TL_NO_OUTPUT;
  for (i = 0; i < labels->count; ++i) {
    if (labels->label[i] == label) return (int32_t)i;
  }
  return TL_NO_OUTPUT;
}

int32_t tl_labels_add(tl_labels_t *labels, uint32_t label) {
  if (labels->label == NULL || labels->count >= labels->most) return TL_NO_OUTPUT;
  labels->label[labels->count] = label;
  return (int32_t)labels->count++;
}

uint32_t tl_labels_of(const tl_labels_t *labels, uint32_t output) {
  return labels->label == NULL ? output : labels->label[output];
}
