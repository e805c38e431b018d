/* tl_blob.c: see tl_blob.h; the bytes are drawn in FORMAT.md. */
#include "tl_blob.h"

#include <string.h>

#include "tl_bytes.h"

static const uint8_t magic[4] = {'T', 'L', 'W', 'B'};

static uint32_t table_bytes(const tl_model_t *model) { return 8u * model->tensor_count; }

void tl_blob_header(uint8_t header[TL_BLOB_HEADER_BYTES], const tl_model_t *model,
                    uint32_t classes) {
  memcpy(header, magic, 4);
  tl_put_u16(header + 4, TL_BLOB_VERSION);
  tl_put_u16(header + 6, (uint16_t)(TL_BLOB_HEADER_BYTES + table_bytes(model)));
  memcpy(header + 8, model->hash, TL_HASH_BYTES);
  tl_put_u32(header + 24, model->weights_bytes);
  tl_put_u32(header + 28, 4u * classes);
  header[32] = TL_BLOB_F32;
  header[33] = 0;
  tl_put_u16(header + 34, model->tensor_count);
}

tl_blob_fault_t tl_blob_check(const uint8_t header[TL_BLOB_HEADER_BYTES],
                              const tl_model_t *model, tl_blob_layout_t *layout) {
  uint8_t expected[TL_BLOB_HEADER_BYTES];
  const uint32_t label_bytes = tl_get_u32(header + 28);
  if (memcmp(header, magic, 4) != 0) return TL_BLOB_NOT_ONE;
  if (tl_get_u16(header + 4) != TL_BLOB_VERSION) return TL_BLOB_VERSION_UNKNOWN;
  if (memcmp(header + 8, model->hash, TL_HASH_BYTES) != 0) return TL_BLOB_FOREIGN;
  if (label_bytes > 4u * model->max_classes || label_bytes % 4 != 0) return TL_BLOB_MALFORMED;
  tl_blob_header(expected, model, label_bytes / 4);
  if (memcmp(header, expected, TL_BLOB_HEADER_BYTES) != 0) return TL_BLOB_MALFORMED;
  layout->weights = TL_BLOB_HEADER_BYTES + table_bytes(model);
  layout->labels = layout->weights + model->weights_bytes;
  layout->trailer = layout->labels + label_bytes;
  layout->total = layout->trailer + TL_BLOB_TRAILER_BYTES;
  return TL_BLOB_GOOD;
}

/* tl_tensor_t is two uint32: the table in a blob is the model's own, byte for byte. */
int tl_blob_table_agrees(const tl_model_t *model, uint32_t offset, const uint8_t *bytes,
                         uint32_t n) {
  const uint8_t *table = (const uint8_t *)model->tensors;
  const uint32_t end = TL_BLOB_HEADER_BYTES + table_bytes(model);
  if (offset < TL_BLOB_HEADER_BYTES || offset >= end) return 1;
  if (n > end - offset) n = end - offset;
  return memcmp(table + (offset - TL_BLOB_HEADER_BYTES), bytes, (size_t)n) == 0;
}

void tl_blob_put_trailer(uint8_t to[TL_BLOB_TRAILER_BYTES], const tl_blob_trailer_t *trailer) {
  tl_put_u32(to, trailer->sequence);
  tl_put_u32(to + 4, trailer->crc);
  tl_put_u32(to + 8, trailer->mark);
}

void tl_blob_get_trailer(tl_blob_trailer_t *trailer,
                         const uint8_t from[TL_BLOB_TRAILER_BYTES]) {
  trailer->sequence = tl_get_u32(from);
  trailer->crc = tl_get_u32(from + 4);
  trailer->mark = tl_get_u32(from + 8);
}
