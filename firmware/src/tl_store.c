/* tl_store.c: see tl_store.h; why it survives a power failure at any byte is in FORMAT.md. */
#include "tl_store.h"

#include <string.h>

#include "tl_bytes.h"
#include "tl_crc32.h"

#define NO_SLOT (-1)
#define COPY_BYTES 32 /* moved at a time, on the stack */

static uint32_t slot_bytes(const tl_store_t *store) { return store->flash->bytes / 2; }

static uint32_t slot_start(const tl_store_t *store, int slot) {
  return slot == 1 ? slot_bytes(store) : 0;
}

static int spare_slot(const tl_store_t *store) { return store->live == 0 ? 1 : 0; }

static int read_slot(const tl_store_t *store, int slot, uint32_t offset, void *to, uint32_t n) {
  const tl_flash_t *flash = store->flash;
  return flash->read(flash->context, slot_start(store, slot) + offset, to, n);
}

static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }

static tl_store_result_t check_header(tl_store_t *store, const uint8_t *header,
                                      tl_blob_layout_t *layout) {
  store->fault = (uint8_t)tl_blob_check(header, store->model, layout);
  if (store->fault != TL_BLOB_GOOD) return TL_STORE_REFUSED;
  return layout->total <= slot_bytes(store) ? TL_STORE_OK : TL_STORE_NONE;
}

/* CRC of a slot's bytes from 0 to end; also compares the tensor table. */
static tl_store_result_t read_crc(const tl_store_t *store, int slot, uint32_t end,
                                  uint32_t *crc) {
  uint8_t bytes[COPY_BYTES];
  uint32_t offset, n;
  *crc = 0;
  for (offset = 0; offset < end; offset += n) {
    /* The first piece ends where the table begins, as far as the buffer reaches. */
    n = offset < TL_BLOB_HEADER_BYTES ? least(COPY_BYTES, TL_BLOB_HEADER_BYTES - offset)
                                      : least(COPY_BYTES, end - offset);
    if (read_slot(store, slot, offset, bytes, n) != 0) return TL_STORE_BROKEN;
    if (!tl_blob_table_agrees(store->model, offset, bytes, n)) return TL_STORE_BAD;
    *crc = tl_crc32(*crc, bytes, (size_t)n);
  }
  return TL_STORE_OK;
}

/* Does the slot hold a complete blob of this model? */
static tl_store_result_t verify(tl_store_t *store, int slot, tl_blob_layout_t *layout,
                                uint32_t *sequence) {
  uint8_t header[TL_BLOB_HEADER_BYTES], bytes[TL_BLOB_TRAILER_BYTES];
  tl_blob_trailer_t trailer;
  tl_store_result_t result;
  uint32_t crc;
  if (read_slot(store, slot, 0, header, sizeof header) != 0) return TL_STORE_BROKEN;
  result = check_header(store, header, layout);
  if (result != TL_STORE_OK) return result;
  if (read_slot(store, slot, layout->trailer, bytes, sizeof bytes) != 0) return TL_STORE_BROKEN;
  tl_blob_get_trailer(&trailer, bytes);
  if (trailer.mark != TL_BLOB_MARK) return TL_STORE_BAD;
  result = read_crc(store, slot, layout->trailer + 4, &crc);
  if (result != TL_STORE_OK) return result;
  *sequence = trailer.sequence;
  return crc == trailer.crc ? TL_STORE_OK : TL_STORE_BAD;
}

/* Serial number arithmetic (RFC 1982): the order survives the wrap at 2^32. */
static int is_newer(uint32_t a, uint32_t b) { return a != b && a - b < 0x80000000u; }

static void find_live(tl_store_t *store) {
  tl_blob_layout_t layout;
  uint32_t sequence;
  int slot;
  store->live = NO_SLOT;
  for (slot = 0; slot < 2; ++slot) {
    if (verify(store, slot, &layout, &sequence) != TL_STORE_OK) continue;
    if (store->live != NO_SLOT && !is_newer(sequence, store->sequence)) continue;
    store->live = (int8_t)slot;
    store->sequence = sequence;
  }
}

static int is_usable(const tl_flash_t *flash, const tl_model_t *model) {
  return flash != NULL && flash->bytes > 0 && flash->bytes % (2 * TL_FLASH_UNIT) == 0 &&
         model->weights_bytes > 0;
}

tl_store_result_t tl_store_open(tl_store_t *store, const tl_flash_t *flash,
                                const tl_model_t *model) {
  store->flash = is_usable(flash, model) ? flash : NULL;
  store->model = model;
  store->position = 0;
  store->sequence = 0;
  store->live = NO_SLOT;
  store->fault = TL_BLOB_GOOD;
  if (store->flash == NULL) return TL_STORE_NONE;
  find_live(store);
  return store->live == NO_SLOT ? TL_STORE_EMPTY : TL_STORE_OK;
}

/* ---- loading ---- */

static tl_store_result_t load_weights(const tl_store_t *store, const tl_blob_layout_t *layout,
                                      void *state) {
  uint8_t bytes[COPY_BYTES];
  uint32_t offset, n;
  for (offset = layout->weights; offset < layout->labels; offset += n) {
    n = least(COPY_BYTES, layout->labels - offset);
    if (read_slot(store, store->live, offset, bytes, n) != 0) return TL_STORE_BROKEN;
    if (store->model->weights_write(state, offset - layout->weights, bytes, n) != 0) {
      return TL_STORE_BAD;
    }
  }
  return TL_STORE_OK;
}

/* The model opens as many outputs as there are labels. */
static tl_store_result_t load_labels(const tl_store_t *store, const tl_blob_layout_t *layout,
                                     void *state, tl_labels_t *labels) {
  const tl_model_t *model = store->model;
  const uint32_t count = (layout->trailer - layout->labels) / 4;
  uint32_t classes;
  if (model->max_classes == 0) return TL_STORE_OK;
  for (classes = model->classes(state); classes < count; ++classes) {
    if (model->add_class(state) < 0) return TL_STORE_BAD;
  }
  tl_labels_init(labels, labels->label, classes, model->max_classes);
  if (read_slot(store, store->live, layout->labels, labels->label, 4 * count) != 0) {
    return TL_STORE_BROKEN;
  }
  return TL_STORE_OK;
}

/* Back to the initial weights, keeping the learning rate. */
static void init_model(const tl_model_t *model, void *state, tl_labels_t *labels) {
  const float rate = model->learning_rate != NULL ? model->learning_rate(state) : 0.0f;
  model->init(state);
  if (model->set_learning_rate != NULL) model->set_learning_rate(state, rate);
  if (model->max_classes > 0) {
    tl_labels_init(labels, labels->label, model->classes(state), model->max_classes);
  }
}

tl_store_result_t tl_store_load(tl_store_t *store, void *state, tl_labels_t *labels) {
  tl_blob_layout_t layout;
  tl_store_result_t result;
  uint32_t sequence;
  if (store->flash == NULL) return TL_STORE_NONE;
  store->position = 0;
  find_live(store); /* verifies again: flash may have rotted since */
  if (store->live == NO_SLOT) return TL_STORE_EMPTY;
  result = verify(store, store->live, &layout, &sequence);
  if (result != TL_STORE_OK) return result;
  init_model(store->model, state, labels);
  result = load_labels(store, &layout, state, labels);
  if (result == TL_STORE_OK) result = load_weights(store, &layout, state);
  if (result != TL_STORE_OK) init_model(store->model, state, labels);
  return result;
}

/* ---- writing ---- */

static int program_unit(tl_store_t *store) {
  const tl_flash_t *flash = store->flash;
  const uint32_t end = store->position;
  const uint32_t start = (end - 1) & ~(uint32_t)(TL_FLASH_UNIT - 1);
  return flash->program(flash->context, slot_start(store, spare_slot(store)) + start,
                        store->unit, TL_FLASH_UNIT);
}

static tl_store_result_t put(tl_store_t *store, const uint8_t *bytes, uint32_t n) {
  store->crc = tl_crc32(store->crc, bytes, (size_t)n);
  for (; n > 0; --n, ++bytes) {
    store->unit[store->position % TL_FLASH_UNIT] = *bytes;
    ++store->position;
    if (store->position % TL_FLASH_UNIT == 0 && program_unit(store) != 0) {
      return TL_STORE_BROKEN;
    }
  }
  return TL_STORE_OK;
}

/* The last unit may be part full: erased bytes after the end. */
static tl_store_result_t put_rest(tl_store_t *store) {
  const uint32_t used = store->position % TL_FLASH_UNIT;
  if (used == 0) return TL_STORE_OK;
  memset(store->unit + used, 0xff, (size_t)(TL_FLASH_UNIT - used));
  return program_unit(store) != 0 ? TL_STORE_BROKEN : TL_STORE_OK;
}

/* Sequence, CRC and, as the last bytes of all, the end mark. Then what the flash holds is
 * read back; only then is the slot live. */
static tl_store_result_t seal(tl_store_t *store) {
  uint8_t bytes[TL_BLOB_TRAILER_BYTES];
  tl_blob_trailer_t trailer;
  tl_blob_layout_t layout;
  tl_store_result_t result;
  trailer.sequence = store->sequence + 1;
  tl_put_u32(bytes, trailer.sequence);
  trailer.crc = tl_crc32(store->crc, bytes, 4);
  trailer.mark = TL_BLOB_MARK;
  tl_blob_put_trailer(bytes, &trailer);
  result = put(store, bytes, sizeof bytes);
  if (result == TL_STORE_OK) result = put_rest(store);
  if (result != TL_STORE_OK) return result;
  if (verify(store, spare_slot(store), &layout, &trailer.sequence) != TL_STORE_OK) {
    return TL_STORE_BROKEN;
  }
  store->live = (int8_t)spare_slot(store);
  store->sequence = trailer.sequence;
  return TL_STORE_OK;
}

/* Nothing is being written any more. */
static tl_store_result_t stop(tl_store_t *store, tl_store_result_t result) {
  store->position = 0;
  return result;
}

tl_store_result_t tl_store_begin(tl_store_t *store, const uint8_t *header) {
  tl_store_result_t result;
  const tl_flash_t *flash = store->flash;
  store->position = 0;
  store->crc = 0;
  if (flash == NULL) return TL_STORE_NONE;
  result = check_header(store, header, &store->layout);
  if (result != TL_STORE_OK) return result;
  if (flash->erase(flash->context, slot_start(store, spare_slot(store)), slot_bytes(store)) !=
      0) {
    return TL_STORE_BROKEN;
  }
  store->received = TL_BLOB_HEADER_BYTES;
  result = put(store, header, TL_BLOB_HEADER_BYTES);
  return result == TL_STORE_OK ? result : stop(store, result);
}

static tl_store_result_t save_weights(tl_store_t *store, const void *state) {
  uint8_t bytes[COPY_BYTES];
  const tl_model_t *model = store->model;
  tl_store_result_t result = TL_STORE_OK;
  uint32_t offset, n;
  for (offset = 0; offset < model->weights_bytes && result == TL_STORE_OK; offset += n) {
    n = least(COPY_BYTES, model->weights_bytes - offset);
    if (model->weights_read(state, offset, bytes, n) != 0) return TL_STORE_BAD;
    result = put(store, bytes, n);
  }
  return result;
}

tl_store_result_t tl_store_save(tl_store_t *store, const void *state,
                                const tl_labels_t *labels) {
  const tl_model_t *model = store->model;
  const uint32_t classes = model->max_classes > 0 ? labels->count : 0;
  uint8_t header[TL_BLOB_HEADER_BYTES];
  tl_store_result_t result;
  tl_blob_header(header, model, classes);
  result = tl_store_begin(store, header);
  if (result == TL_STORE_OK) {
    result = put(store, (const uint8_t *)model->tensors, 8u * model->tensor_count);
  }
  if (result == TL_STORE_OK) result = save_weights(store, state);
  if (result == TL_STORE_OK && classes > 0) {
    result = put(store, (const uint8_t *)labels->label, 4 * classes);
  }
  if (result == TL_STORE_OK) result = seal(store);
  return stop(store, result);
}

/* Part of the received bytes belongs to the sender's trailer, which is kept, not written. */
static void keep_trailer(tl_store_t *store, const uint8_t *bytes, uint32_t n) {
  if (n > 0) memcpy(store->sent + (store->received - store->layout.trailer), bytes, (size_t)n);
  store->received += n;
}

tl_store_result_t tl_store_append(tl_store_t *store, uint32_t offset, const uint8_t *bytes,
                                  uint32_t n) {
  tl_store_result_t result = TL_STORE_OK;
  uint32_t part;
  if (store->position == 0 || offset != store->received) return TL_STORE_ORDER;
  if (n > store->layout.total - offset) return TL_STORE_ORDER;
  if (!tl_blob_table_agrees(store->model, offset, bytes, n)) return stop(store, TL_STORE_BAD);
  part = offset < store->layout.trailer ? least(n, store->layout.trailer - offset) : 0;
  if (part > 0) result = put(store, bytes, part);
  if (result != TL_STORE_OK) return stop(store, result);
  store->received += part;
  keep_trailer(store, bytes + part, n - part);
  return TL_STORE_OK;
}

tl_store_result_t tl_store_commit(tl_store_t *store) {
  tl_blob_trailer_t trailer;
  if (store->position == 0 || store->received != store->layout.total) return TL_STORE_ORDER;
  tl_blob_get_trailer(&trailer, store->sent);
  if (trailer.mark != TL_BLOB_MARK) return stop(store, TL_STORE_BAD);
  if (trailer.crc != tl_crc32(store->crc, store->sent, 4)) return stop(store, TL_STORE_BAD);
  return stop(store, seal(store));
}

tl_store_result_t tl_store_clear(tl_store_t *store) {
  const tl_flash_t *flash = store->flash;
  int slot, failed = 0;
  if (flash == NULL) return TL_STORE_NONE;
  for (slot = 0; slot < 2; ++slot) {
    failed |= flash->erase(flash->context, slot_start(store, slot), slot_bytes(store));
  }
  store->position = 0;
  find_live(store);
  return failed != 0 ? TL_STORE_BROKEN : TL_STORE_OK;
}
