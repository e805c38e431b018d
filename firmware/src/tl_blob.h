/* tl_blob.h: weights as a sequence of bytes, for files, the wire and flash; see FORMAT.md.
 * A blob is a fixed header, the tensor table, the weights, the labels of the outputs, and a
 * trailer with sequence number, CRC-32 and end mark. */
#ifndef TL_BLOB_H
#define TL_BLOB_H

#include <stdint.h>

#include "tinylearn.h"

#define TL_BLOB_VERSION 1
#define TL_BLOB_HEADER_BYTES 36 /* before the tensor table */
#define TL_BLOB_TRAILER_BYTES 12
#define TL_BLOB_F32 1

/* Where the parts of a model's blob lie: bytes from its start. */
typedef struct {
  uint32_t weights; /* = header and table */
  uint32_t labels;
  uint32_t trailer;
  uint32_t total;
} tl_blob_layout_t;

typedef struct {
  uint32_t sequence; /* which of two is newer; 0 in files */
  uint32_t crc;      /* of all bytes before it */
  uint32_t mark;     /* TL_BLOB_MARK */
} tl_blob_trailer_t;

typedef enum {
  TL_BLOB_GOOD = 0,
  TL_BLOB_NOT_ONE, /* magic, or cut short */
  TL_BLOB_VERSION_UNKNOWN,
  TL_BLOB_FOREIGN,  /* another model's hash */
  TL_BLOB_MALFORMED /* lengths, dtype or tensor table do not fit the model */
} tl_blob_fault_t;

/* Header for a model whose outputs have `classes` labels (0 where the output is fixed). */
void tl_blob_header(uint8_t header[TL_BLOB_HEADER_BYTES], const tl_model_t *model,
                    uint32_t classes);

/* Is this a header for this model? Fills the layout where it is. */
tl_blob_fault_t tl_blob_check(const uint8_t header[TL_BLOB_HEADER_BYTES],
                              const tl_model_t *model, tl_blob_layout_t *layout);

/* Do n bytes at this offset of a blob agree with the model's tensor table? 1 or 0. */
int tl_blob_table_agrees(const tl_model_t *model, uint32_t offset, const uint8_t *bytes,
                         uint32_t n);

/* The trailer's end mark: "TLOK", little-endian. */
#define TL_BLOB_MARK 0x4b4f4c54u

void tl_blob_put_trailer(uint8_t to[TL_BLOB_TRAILER_BYTES], const tl_blob_trailer_t *trailer);
void tl_blob_get_trailer(tl_blob_trailer_t *trailer, const uint8_t from[TL_BLOB_TRAILER_BYTES]);

#endif
