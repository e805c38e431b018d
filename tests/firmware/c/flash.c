/* flash.c: see flash.h. */
#include "flash.h"

#include <string.h>

void flash_fill(flash_t *flash, uint32_t size) {
  memset(flash, 0, sizeof *flash);
  memset(flash->bytes, 0xff, sizeof flash->bytes);
  flash->size = size;
  flash->power = flash->worn = flash->stuck = UINT32_MAX;
}

static int is_inside(flash_t *flash, uint32_t address, uint32_t n) {
  if (address <= flash->size && n <= flash->size - address) return 1;
  ++flash->misuse;
  return 0;
}

/* One byte takes its new value, or power fails in the midst of it. */
static int change(flash_t *flash, uint32_t address, uint8_t value) {
  uint8_t *cell = &flash->bytes[address];
  if (flash->power == 0) return -1;
  ++flash->touched;
  if (--flash->power == 0) {
    *cell = (uint8_t)((*cell & ~flash->torn) | (value & flash->torn));
    return -1;
  }
  *cell = address == flash->stuck ? (uint8_t)(value ^ 1) : value;
  return 0;
}

static int flash_read(void *context, uint32_t address, void *to, uint32_t n) {
  flash_t *flash = context;
  if (!is_inside(flash, address, n)) return -1;
  memcpy(to, flash->bytes + address, n);
  return 0;
}

static int flash_erase(void *context, uint32_t address, uint32_t n) {
  flash_t *flash = context;
  uint32_t i;
  if (!is_inside(flash, address, n)) return -1;
  for (i = 0; i < n; ++i) {
    if (change(flash, address + (flash->erase_down ? n - 1 - i : i), 0xff) != 0) return -1;
  }
  return 0;
}

static int flash_program(void *context, uint32_t address, const void *from, uint32_t n) {
  flash_t *flash = context;
  const uint8_t *byte = from;
  uint32_t i;
  if (!is_inside(flash, address, n)) return -1;
  if (address % TL_FLASH_UNIT != 0 || n % TL_FLASH_UNIT != 0) ++flash->misuse;
  for (i = 0; i < n; ++i) {
    if (flash->power > 0 && flash->bytes[address + i] != 0xff) ++flash->misuse;
    if (address + i == flash->worn) return -1;
    if (change(flash, address + i, byte[i]) != 0) return -1;
  }
  return 0;
}

tl_flash_t flash_port(flash_t *flash) {
  const tl_flash_t port = {flash->size, flash_read, flash_erase, flash_program, flash};
  return port;
}
