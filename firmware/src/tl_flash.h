/* tl_flash.h: the memory port of the weight store. */
#ifndef TL_FLASH_H
#define TL_FLASH_H

#include <stdint.h>

/* Byte-addressed non-volatile memory for the weight store, `bytes` long (0: none).
 * erase() takes a whole slot (half of it); program() writes erased bytes, in rising order.
 * Each returns 0, or -1 on failure. */
typedef struct {
  uint32_t bytes;
  int (*read)(void *context, uint32_t address, void *to, uint32_t n);
  int (*erase)(void *context, uint32_t address, uint32_t n);
  int (*program)(void *context, uint32_t address, const void *from, uint32_t n);
  void *context;
} tl_flash_t;

#endif
