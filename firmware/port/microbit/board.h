/* board.h: BBC micro:bit V1: nRF51822, Cortex-M0, 256 kB flash, 16 kB RAM; as QEMU's `microbit`
 * has it, run with `-icount shift=7`. Registers: nRF51 Series Reference Manual 3.0. */
#ifndef TL_BOARD_H
#define TL_BOARD_H

#include <stdint.h>

/* The timer runs at 16 MHz: a tick is 62.5 ns, an instruction 128 ns. */
#define TL_TICK_FACTOR 125u
#define TL_TICK_SHIFT 8

#define TL_FLASH_PAGE 1024u
#define TL_STORE_BYTES 0x8000u

uint32_t tl_board_ticks(void);

#endif
