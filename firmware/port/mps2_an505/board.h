/* board.h: MPS2 with the FPGA image AN505 (Cortex-M33), as QEMU's mps2-an505 has it, run in
 * secure state with `-icount shift=7`. */
#ifndef TL_BOARD_H
#define TL_BOARD_H

#include <stdint.h>

#define TL_CLOCK_HZ 20000000u
#define TL_UART_HZ TL_CLOCK_HZ
#define TL_UART_BASE 0x50200000u
#define TL_UART_RX_IRQ 32u
#define TL_BAUD 115200u
#define TL_TIMER_BASE 0x50000000u

/* 20 MHz: a tick is 50 ns, an instruction 128 ns. */
#define TL_TICK_FACTOR 25u
#define TL_TICK_SHIFT 6

#define TL_STORE_BYTES 0x200000u

void tl_board_init(void);
uint32_t tl_board_ticks(void);

#endif
