/* ram_flash.c: a weight store for emulated boards that have no flash: RAM that start-up does
 * not clear, so it lives through tl_port_reset() and ends with the emulator. Behaves as NOR
 * flash: erased bytes are 0xff, programming only clears bits. */
#include <stdint.h>
#include <string.h>

#include "board.h"
#include "tl_port.h"

extern uint8_t tl_store[]; /* TL_STORE_BYTES, from sections.ld */

static int inside(uint32_t address, uint32_t n) {
  return n <= TL_STORE_BYTES && address <= TL_STORE_BYTES - n;
}

static int read_bytes(void *context, uint32_t address, void *to, uint32_t n) {
  (void)context;
  if (!inside(address, n)) return -1;
  memcpy(to, tl_store + address, n);
  return 0;
}

static int erase(void *context, uint32_t address, uint32_t n) {
  (void)context;
  if (!inside(address, n)) return -1;
  memset(tl_store + address, 0xff, n);
  return 0;
}

static int program(void *context, uint32_t address, const void *from, uint32_t n) {
  const uint8_t *bytes = from;
  int fault = 0;
  uint32_t i;
  (void)context;
  if (!inside(address, n)) return -1;
  for (i = 0; i < n; i++) {
    tl_store[address + i] &= bytes[i];
    if (tl_store[address + i] != bytes[i]) fault = -1;
  }
  return fault;
}

const tl_flash_t *tl_port_flash(void) {
  static const tl_flash_t flash = {TL_STORE_BYTES, read_bytes, erase, program, NULL};
  return &flash;
}
