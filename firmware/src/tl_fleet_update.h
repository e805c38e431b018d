/* tl_fleet_update.h: an update as a stream of bytes, addressable by offset, made on the fly
 * from the model's weights and the version kept in the snapshot memory: no copy of it exists.
 */
#ifndef TL_FLEET_UPDATE_H
#define TL_FLEET_UPDATE_H

#include <stdint.h>

#include "tinylearn.h"

/* Where the stream's bytes come from; `size` bytes of the weights from `first` on. */
typedef struct {
  const tl_model_t *model;
  const void *state;
  const uint8_t *version; /* all weights before learning; needed for SPARSE_DELTA alone */
  uint32_t first, size;
  uint8_t encoding; /* TL_ENCODING_... */
} tl_fleet_source_t;

typedef struct {
  uint32_t total, crc; /* of the stream */
  uint32_t least;      /* SPARSE_DELTA: bits of the smallest magnitude that is in */
  /* Cursor, so that pieces in a row cost one pass: a block's first weight, and how many weights
   * before it are in. */
  uint32_t block, before;
} tl_fleet_update_t;

/* Find the stream's length and CRC, and for SPARSE_DELTA which weights are in: the `share` of
 * them that moved most, ties too. Returns 0, or -1 where a weight or its move is not finite. */
int tl_fleet_update_prepare(tl_fleet_update_t *update, const tl_fleet_source_t *source,
                            float share);

/* n bytes of the stream from offset on; offset + n <= total. */
void tl_fleet_update_read(tl_fleet_update_t *update, const tl_fleet_source_t *source,
                          uint32_t offset, uint8_t *to, uint32_t n);

#endif
