/* tl_store_tag.c: see tl_store_tag.h. */
#include "tl_store_tag.h"

#if TL_FLEET

#include <string.h>

#include "tl_bytes.h"
#include "tl_crc32.h"

#define NONE 0xffffffffu /* no such address */
#define WHOLE(bytes) (((bytes) + TL_FLASH_UNIT - 1u) & ~(TL_FLASH_UNIT - 1u))

/* The sequence number binds the tag to its blob. */
static uint32_t crc_of(const tl_store_t *store, uint32_t version) {
  uint8_t bytes[8];
  tl_put_u32(bytes, store->sequence);
  tl_put_u32(bytes + 4, version);
  return tl_crc32(0, bytes, sizeof bytes);
}

/* Where the live slot's tag is in the flash. */
static uint32_t address_of(const tl_store_t *store) {
  const tl_flash_t *flash = store->flash;
  uint8_t header[TL_BLOB_HEADER_BYTES];
  tl_blob_layout_t layout;
  uint32_t slot;
  if (flash == NULL || store->live < 0) return NONE;
  slot = store->live == 1 ? flash->bytes / 2 : 0;
  if (flash->read(flash->context, slot, header, sizeof header) != 0) return NONE;
  if (tl_blob_check(header, store->model, &layout) != TL_BLOB_GOOD) return NONE;
  if (WHOLE(layout.total) + WHOLE(TL_STORE_TAG_BYTES) > flash->bytes / 2) return NONE;
  return slot + WHOLE(layout.total);
}

uint32_t tl_store_tag(const tl_store_t *store) {
  const uint32_t address = address_of(store);
  uint8_t bytes[TL_STORE_TAG_BYTES];
  uint32_t version;
  if (address == NONE) return 0;
  if (store->flash->read(store->flash->context, address, bytes, sizeof bytes) != 0) return 0;
  version = tl_get_u32(bytes);
  return tl_get_u32(bytes + 4) == crc_of(store, version) ? version : 0;
}

int tl_store_put_tag(tl_store_t *store, uint32_t version) {
  const uint32_t address = address_of(store);
  uint8_t bytes[WHOLE(TL_STORE_TAG_BYTES)];
  uint32_t at;
  if (address == NONE) return -1;
  memset(bytes, 0xff, sizeof bytes);
  tl_put_u32(bytes, version);
  tl_put_u32(bytes + 4, crc_of(store, version));
  for (at = 0; at < sizeof bytes; at += TL_FLASH_UNIT) {
    if (store->flash->program(store->flash->context, address + at, bytes + at, TL_FLASH_UNIT) !=
        0) {
      return -1;
    }
  }
  return 0;
}

#endif
