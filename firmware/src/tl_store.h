/* tl_store.h: two slots of flash for weights, of which one is always complete.
 * Writing goes to the spare slot and counts only once its end mark is there, so power may
 * fail at any byte. Received blobs are staged there as well: the live weights change only
 * after the whole blob has been verified. The argument is in FORMAT.md. */
#ifndef TL_STORE_H
#define TL_STORE_H

#include <stdint.h>

#include "tinylearn.h"
#include "tl_blob.h"
#include "tl_flash.h"
#include "tl_labels.h"

typedef enum {
  TL_STORE_OK = 0,
  TL_STORE_NONE,    /* no flash, or too small for this model's weights */
  TL_STORE_EMPTY,   /* no complete weights of this model */
  TL_STORE_BAD,     /* the blob is damaged: CRC, table or end mark */
  TL_STORE_REFUSED, /* the blob's header: see `fault` */
  TL_STORE_ORDER,   /* a chunk that does not follow the last, or no upload begun */
  TL_STORE_BROKEN   /* the flash reports an error or does not hold what was written */
} tl_store_result_t;

typedef struct {
  const tl_flash_t *flash;
  const tl_model_t *model;
  tl_blob_layout_t layout; /* of what is being written */
  uint32_t position;       /* bytes of it written; 0: nothing is being written */
  uint32_t received;       /* bytes of an upload taken in, its own trailer among them */
  uint32_t crc;            /* of the bytes written */
  uint32_t sequence;       /* of the live slot */
  int8_t live;             /* 0 or 1; -1: none */
  uint8_t fault;           /* tl_blob_fault_t of the last refusal */
  uint8_t sent[TL_BLOB_TRAILER_BYTES]; /* trailer of the blob being received */
  uint8_t unit[TL_FLASH_UNIT];         /* bytes waiting to be programmed */
} tl_store_t;

/* Find the newest complete weights. TL_STORE_OK, NONE or EMPTY. flash may be NULL. */
tl_store_result_t tl_store_open(tl_store_t *store, const tl_flash_t *flash,
                                const tl_model_t *model);

/* Put the newest complete weights and their labels into the model. */
tl_store_result_t tl_store_load(tl_store_t *store, void *state, tl_labels_t *labels);

/* Write the model's weights and labels as the newest. */
tl_store_result_t tl_store_save(tl_store_t *store, const void *state,
                                const tl_labels_t *labels);

/* Receive a blob: its fixed header, then all bytes after that in order, then the commit,
 * which verifies what the flash holds and makes it the newest. */
tl_store_result_t tl_store_begin(tl_store_t *store, const uint8_t *header);
tl_store_result_t tl_store_append(tl_store_t *store, uint32_t offset, const uint8_t *bytes,
                                  uint32_t n);
tl_store_result_t tl_store_commit(tl_store_t *store);

/* Erase both slots. */
tl_store_result_t tl_store_clear(tl_store_t *store);

#endif
