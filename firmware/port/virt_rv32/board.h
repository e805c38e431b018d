/* board.h: QEMU's RISC-V machine `virt`, 32 bits, run with `-icount shift=0`. */
#ifndef TL_BOARD_H
#define TL_BOARD_H

#include <stdint.h>

#define TL_UART_BASE 0x10000000u
#define TL_TEST_BASE 0x00100000u

/* minstret counts instructions. */
#define TL_TICK_FACTOR 1u
#define TL_TICK_SHIFT 0

#define TL_STORE_BYTES 0x200000u

uint32_t tl_board_ticks(void);

#endif
