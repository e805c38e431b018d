/* flash.h: simulated flash whose power can fail at any byte, and whose cells can be worn. */
#ifndef FLASH_H
#define FLASH_H

#include "tl_config.h"
#include "tl_flash.h"

enum { FLASH_MOST = 4096 };

typedef struct {
  uint8_t bytes[FLASH_MOST];
  uint32_t size;
  uint32_t power;     /* bytes that can still be erased or programmed before power fails */
  uint8_t torn;       /* bits that the byte at the failure already has of its new value */
  uint8_t erase_down; /* erase from the end towards the start */
  uint32_t worn;      /* programming this address fails; >= size: none */
  uint32_t stuck;     /* this address keeps a wrong bit without telling; >= size: none */
  uint32_t touched;   /* bytes erased or programmed since the last fill */
  uint32_t misuse;    /* programmed a byte that was not erased, or outside */
} flash_t;

void flash_fill(flash_t *flash, uint32_t size);
tl_flash_t flash_port(flash_t *flash);

#endif
