/* flash.c: the weight store in the nRF51's own flash: pages of 1 kB, programmed by words. */
#include <stdint.h>
#include <string.h>

#include "board.h"
#include "tl_port.h"

#define NVMC_READY (*(volatile uint32_t *)0x4001e400u)
#define NVMC_CONFIG (*(volatile uint32_t *)0x4001e504u)
#define NVMC_ERASE_PAGE (*(volatile uint32_t *)0x4001e508u)
enum { CONFIG_READ = 0, CONFIG_WRITE = 1, CONFIG_ERASE = 2 };

extern uint32_t tl_store[]; /* TL_STORE_BYTES of flash that no program is loaded to */

static int inside(uint32_t address, uint32_t n) {
  return n <= TL_STORE_BYTES && address <= TL_STORE_BYTES - n;
}

/* Switch what writes to flash do, and wait for what they did. */
static void set_mode(uint32_t mode) {
  while (!(NVMC_READY & 1u)) continue;
  NVMC_CONFIG = mode;
  while (!(NVMC_READY & 1u)) continue;
}

static int read_bytes(void *context, uint32_t address, void *to, uint32_t n) {
  (void)context;
  if (!inside(address, n)) return -1;
  memcpy(to, (const uint8_t *)tl_store + address, n);
  return 0;
}

static int erase(void *context, uint32_t address, uint32_t n) {
  uint32_t at;
  (void)context;
  if (!inside(address, n) || address % TL_FLASH_PAGE || n % TL_FLASH_PAGE) return -1;
  set_mode(CONFIG_ERASE);
  for (at = address; at < address + n; at += TL_FLASH_PAGE) {
    NVMC_ERASE_PAGE = (uint32_t)(uintptr_t)tl_store + at;
    while (!(NVMC_READY & 1u)) continue;
  }
  set_mode(CONFIG_READ);
  return 0;
}

static int program(void *context, uint32_t address, const void *from, uint32_t n) {
  volatile uint32_t *to = tl_store + address / 4;
  uint32_t i, word;
  (void)context;
  if (!inside(address, n) || address % 4 || n % 4) return -1;
  set_mode(CONFIG_WRITE);
  for (i = 0; i < n; i += 4) {
    memcpy(&word, (const uint8_t *)from + i, 4);
    *to++ = word;
    while (!(NVMC_READY & 1u)) continue;
  }
  set_mode(CONFIG_READ);
  return memcmp((const uint8_t *)tl_store + address, from, n) ? -1 : 0;
}

const tl_flash_t *tl_port_flash(void) {
  static const tl_flash_t flash = {TL_STORE_BYTES, read_bytes, erase, program, NULL};
  return &flash;
}
